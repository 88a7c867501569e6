"""Numpy multiplies in one thread wherever the product runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def said(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("entry", ["genesis.cli", "orchestrator.__main__"])
def test_it_is_said_before_numpy_is_imported(entry: str) -> None:
    assert said(f"import sys, {entry}; print('numpy' in sys.modules)") == "False"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads where Linux lists them")
def test_a_product_starts_no_threads() -> None:
    multiply = "import os, numpy as np; x = np.ones((512, 512)); x @ x; print(len(os.listdir('/proc/self/task')))"
    assert said(f"from inference.blas import one_blas_thread; one_blas_thread(); {multiply}") == "1"
