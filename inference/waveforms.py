"""An HTDemucs graph as a stem network: mix and spectrogram in, one stem's waveform and spectrogram out.

Rouard, Massa, Défossez: "Hybrid transformers for music source separation", ICASSP 2023. The network has two branches
whose results are added; the spectrogram's transform and its inverse lie outside the graph, the inverse for the one stem
that is wanted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, mismatch
from inference.ports import BlockingRunner
from inference.spectra import signal_of, spectrum_of

Signal = NDArray[np.float32]

_EDGE_FRAMES = 2


class WaveformNetwork:
    """Gives one stem of a mix.

    Args:
        spec: its configuration.
        runner: runs it.

    Raises:
        Unavailable: MODEL_MISMATCH.
    """

    normalises = True

    def __init__(self, spec: ModelSpec, runner: BlockingRunner) -> None:
        self._frame, self._hop = spec.integer("frame_samples"), spec.integer("frame_hop")
        mix, spectrum = spec.tensor("mix"), spec.tensor("spectrum")
        self._window = mix.shape[-1] or 0
        if mix.shape[:1] != (2,) or spectrum.shape != (4, self._frame // 2, -(-self._window // self._hop)):
            raise mismatch(spec.name, f"{mix} and {spectrum} are not a stereo window and its spectrogram.")
        self._in = (mix.name, spectrum.name)
        self._out = tuple(spec.tensor(meaning).name for meaning in ("stem_waveform", "stem_spectrum"))
        self._runner = runner

    def fits(self, window: int) -> bool:
        """See `StemNetwork.fits`."""
        return window == self._window

    def run(self, window: Signal) -> Signal:
        """See `StemNetwork.run`."""
        spectrum = parted_spectrum(window, self._frame, self._hop)
        outputs = self._runner.run_blocking(dict(zip(self._in, (window, spectrum), strict=True)))
        waveform, stem = (outputs[name] for name in self._out)
        result: Signal = waveform + joined_signal(stem, window.shape[1], self._frame, self._hop)
        return result

    def voice_share(self, window: Signal) -> float:  # noqa: ARG002 - the port's
        """See `StemNetwork.voice_share`: a run of it costs too much to ask."""
        return 0.0


def parted_spectrum(window: Signal, frame: int, hop: int) -> NDArray[np.float32]:
    """The spectrogram an HTDemucs takes, f32[4, frame // 2, ceil(n / hop)]: real and imaginary part of each channel.

    Frames are centred half a hop after each multiple of `hop`, the ends are mirrored, the highest bin is left out, and
    all is scaled by the root of the frame's length.

    Args:
        window: f32[2, n].
        frame: samples of a frame.
        hop: a quarter of it.
    """
    pad, length = hop // 2 * 3, window.shape[1]
    behind = pad + -(-length // hop) * hop - length
    padded = np.pad(window, ((0, 0), (pad, behind)), mode="reflect")
    spectrum = spectrum_of(padded, frame, hop)[:, :, :-1] / np.float32(frame**0.5)
    parts = np.stack([spectrum.real, spectrum.imag], axis=1).astype(np.float32, copy=False)
    return np.ascontiguousarray(parts.reshape(4, *spectrum.shape[1:]).swapaxes(1, 2))


def joined_signal(parts: NDArray[np.float32], length: int, frame: int, hop: int) -> Signal:
    """The signal f32[2, length] of a spectrogram as `parted_spectrum` gives it."""
    pairs = parts.reshape(2, 2, *parts.shape[1:]).swapaxes(2, 3)
    edges = (_EDGE_FRAMES, _EDGE_FRAMES)
    spectrum = np.pad((pairs[:, 0] + 1j * pairs[:, 1]).astype(np.complex64), ((0, 0), edges, (0, 1)))
    begin = frame // 2 + hop // 2 * 3
    signal = signal_of(spectrum, frame, hop)[:, begin : begin + length]
    return signal * np.float32(frame**0.5)
