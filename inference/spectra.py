"""Spectrograms beside the graphs: a library's Fourier transform, in single precision.

Written as convolutions inside a graph the same transform of a 4096-sample frame takes several times as long
(`python -m bench separation` prints both).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@cache
def hann(length: int) -> NDArray[np.float32]:
    """The periodic Hann window, f32[length]."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def spectrum_of(signal: Signal, frame: int, hop: int) -> Spectrum:
    """Frames that lie entirely within the signal, c64[channels, 1 + (n - frame) // hop, frame // 2 + 1].

    Args:
        signal: f32[channels, n].
        frame: samples of a frame, under a Hann window.
        hop: samples from one frame to the next.
    """
    frames = np.lib.stride_tricks.sliding_window_view(signal, frame, axis=1)[:, ::hop]
    return np.fft.rfft(frames * hann(frame), axis=2).astype(np.complex64, copy=False)


def signal_of(spectrum: Spectrum, frame: int, hop: int) -> Signal:
    """The signal f32[channels, (t - 1) * hop + frame] whose frames come nearest to c64[channels, t, frame // 2 + 1].

    Griffin and Lim's overlap-add, as `torch.istft` does it; where no window reaches the result is 0.

    Args:
        spectrum: what `spectrum_of` gives, or a part of it.
        frame: samples of a frame; `hop` divides it.
        hop: samples from one frame to the next.
    """
    window = hann(frame)
    frames = np.fft.irfft(spectrum, n=frame, axis=2).astype(np.float32, copy=False)
    frames *= window
    channels, count, _ = frames.shape
    parts = frame // hop
    sums = np.zeros((channels, count + parts - 1, hop), np.float32)
    weights = np.zeros((count + parts - 1, hop), np.float32)
    for part in range(parts):
        sums[:, part : part + count] += frames[:, :, part * hop : (part + 1) * hop]
        weights[part : part + count] += (window * window)[part * hop : (part + 1) * hop]
    return np.divide(sums, weights, out=sums, where=weights > 1e-8).reshape(channels, -1)
