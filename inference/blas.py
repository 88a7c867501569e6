"""How many threads numpy multiplies in. Imports nothing, for numpy reads it when it is imported."""

from __future__ import annotations

import os


def one_blas_thread() -> None:
    """Have numpy multiply in one thread; to be called before it is imported in this process. Children inherit it.

    The products here are small (`music.beats_network`): a second thread gains nothing, and it spins on a core that the
    networks or other sessions need. ONNX Runtime has threads of its own.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
