"""Spleeter's graph as a stem network: the window's spectrogram, the accompaniment's mask, the masked signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, mismatch
from inference.ports import BlockingRunner
from inference.spectra import Spectrum, signal_of, spectrum_of

Signal = NDArray[np.float32]

_LOUD_ENOUGH = 1e-4


class MaskingNetwork:
    """Takes the voice out. Above the network's highest bin nothing passes.

    Args:
        spec: its configuration.
        runner: runs it.

    Raises:
        Unavailable: MODEL_MISMATCH.
    """

    normalises = False

    def __init__(self, spec: ModelSpec, runner: BlockingRunner) -> None:
        self._frame, self._hop = spec.integer("frame_samples"), spec.integer("frame_hop")
        magnitudes, mask = spec.tensor("magnitudes"), spec.tensor("accompaniment_mask")
        self._free = spec.integer("free_length")
        if magnitudes.shape != mask.shape or len(mask.shape) != 3 or mask.shape[1] is not None:
            raise mismatch(spec.name, f"{magnitudes} and {mask} should be channels, any number of frames, bins.")
        self._bins = magnitudes.shape[2] or 0
        self._in, self._out = magnitudes.name, mask.name
        self._runner = runner

    def fits(self, window: int) -> bool:
        """Whether a window of so many samples is a number of frames the network takes."""
        return window % self._hop == 0 and (window // self._hop + 1) % self._free == 0

    def run(self, window: Signal) -> Signal:
        """Everything but the voice, f32[2, n], of f32[2, n]. Blocks; may be called from any thread."""
        spectrum, mask = self._masked(window)
        spectrum[:, :, : self._bins] *= mask
        spectrum[:, :, self._bins :] = 0
        reach = self._frame // 2
        return signal_of(spectrum, self._frame, self._hop)[:, reach:-reach]

    def voice_share(self, window: Signal) -> float:
        """How much of a window's energy is voice, 0 to 1; 0 where there is hardly a sound."""
        if float(np.abs(window).max(initial=0.0)) < _LOUD_ENOUGH:
            return 0.0
        spectrum, mask = self._masked(window)
        energy = np.square(np.abs(spectrum[:, :, : self._bins]))
        return float((energy * np.square(1 - mask)).sum() / energy.sum())

    def _masked(self, window: Signal) -> tuple[Spectrum, NDArray[np.float32]]:
        reach = self._frame // 2
        spectrum = spectrum_of(np.pad(window, ((0, 0), (reach, reach))), self._frame, self._hop)
        magnitudes = np.abs(spectrum[:, :, : self._bins])
        return spectrum, self._runner.run_blocking({self._in: magnitudes})[self._out]
