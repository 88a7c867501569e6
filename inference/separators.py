"""The separators of a model repository, by what they do to a mix."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from inference.model_spec import ModelSpec, mismatch, read_model_spec
from inference.ports import BlockingRunner, Separator
from inference.registry import list_models
from inference.separation import StemNetwork, WindowedSeparator
from music.errors import InvalidInput, Reason
from music.events import Separation

_REMEDIES = {
    Separation.VOCALS_REMOVED: "run `genesis models build`",
    Separation.GUITAR: "its weights come from a hub: install genesis-music[export] and run "
    "`python -m inference.export.demucs htdemucs_6s`",
}


def load_separator(separation: Separation, model_repo: Path, *, threads: int = 2) -> Separator:
    """A separator, its model loaded and checked. Blocks for half a second or more.

    Args:
        separation: VOCALS_REMOVED or GUITAR.
        model_repo: the repository's folder.
        threads: that its runs have, over all sessions.

    Raises:
        InvalidInput: SEPARATION_UNAVAILABLE, the repository has none for it.
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """
    return open_separator(separator_spec(separation, model_repo), threads)


def separator_spec(separation: Separation, model_repo: Path) -> ModelSpec:
    """The configuration of the model that does it.

    Raises:
        InvalidInput: SEPARATION_UNAVAILABLE, the repository has none for it. Unavailable: MODEL_MISMATCH.
    """
    for status in list_models(model_repo):
        if status.role == "separator":
            spec = read_model_spec(model_repo / status.name)
            if spec.text("separation") == separation.value:
                return spec
    remedy = _REMEDIES.get(separation, "choose another")
    message = f"There is no separator for {separation.value} in this model repository: {remedy}, or choose off."
    raise InvalidInput(Reason.SEPARATION_UNAVAILABLE, message, separation=separation.value)


def open_separator(spec: ModelSpec, threads: int) -> WindowedSeparator:
    """The separator a configuration describes, its file loaded and checked.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """
    from inference.onnx_runner import OnnxRunner

    runner = OnnxRunner(spec, threads)

    def clock() -> float:
        # The processor time of this thread alone: other sessions' runs must not make a schedule look dear. The other
        # threads of a run work at most as long as this one.
        return time.thread_time() * runner.threads_a_run

    return WindowedSeparator(spec, open_network(spec, runner), runner.threads, clock)


def open_network(spec: ModelSpec, runner: BlockingRunner) -> StemNetwork:
    """What a separator does with one window, over whatever runs its model. Raises Unavailable: MODEL_MISMATCH."""
    # Imported here because commands that separate nothing read the repository too.
    from inference.masking import MaskingNetwork
    from inference.waveforms import WaveformNetwork

    kinds: dict[str, Callable[[ModelSpec, BlockingRunner], StemNetwork]] = {
        "masks": MaskingNetwork,
        "waveforms": WaveformNetwork,
    }
    kind = spec.text("kind")
    if kind not in kinds:
        raise mismatch(spec.name, f"separators are of the kind {' or '.join(kinds)}, not {kind!r}.")
    return kinds[kind](spec, runner)
