"""The guitar model's ears: magnitudes on a log-frequency axis, from windows that rise slowly and fall quickly.

A bin's window reaches far into the past, as far as it takes to tell semitones apart, and only a frame into the future,
so that a low string costs no more delay than a high one: the peak of every window lies on the frame, its long side is
half a Hann window over the past, its short side half a Hann window over at most one frame. Low bins are computed on a
signal of lower rate. Nothing here is trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from music.audio import SAMPLE_RATE_HZ

HOP = 256
"""Samples from frame to frame, 11.6 ms."""
LOWEST_PITCH = 23
"""B0, the lowest string of a five-string bass."""
PITCHES = 66
"""MIDI 23 to 88: the 24th fret of a guitar's first string."""
BINS_PER_SEMITONE = 3
BINS = 102 * BINS_PER_SEMITONE
"""Bin 3j + 1 is the centre of MIDI pitch 23 + j, up to 10.5 kHz."""
HISTORY = 33 * HOP
"""Samples before a block that its first frame still hears."""

_LONGEST = 32 * HOP
_EMPHASIS_HZ = 440.0


@dataclass(frozen=True, slots=True)
class _Band:
    """Bins [begin, end), computed at every `decimation`-th sample behind a low-pass of `taps`."""

    begin: int
    end: int
    decimation: int
    taps: int


_BANDS = (_Band(0, 129, 8, 49), _Band(129, 201, 2, 13), _Band(201, BINS, 1, 1))


def bin_hz(index: int) -> float:
    """Centre frequency of a bin."""
    pitch = LOWEST_PITCH + (index - 1) / BINS_PER_SEMITONE
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def window_lengths(hz: float) -> tuple[int, int]:
    """Samples before and after its peak that a bin's window spans: a semitone apart, four octaves of constant Q."""
    past = min(_LONGEST, round(36 / (hz + 20) * SAMPLE_RATE_HZ))
    return past, min(HOP - 32, past)


class FrontEnd(nn.Module):
    """f32[b, HISTORY + n * HOP] → f32[b, n, BINS], the amplitude of a sine at each bin, highs lifted by 3 dB an octave.

    Frame i lies HISTORY + i * HOP samples after the first one and is known HOP samples later.
    """

    def __init__(self) -> None:
        super().__init__()
        for number, band in enumerate(_BANDS):
            kernel, before = _kernels(band)
            self.register_buffer(f"kernel_{number}", torch.from_numpy(kernel), persistent=False)
            self.register_buffer(f"low_pass_{number}", torch.from_numpy(_low_pass(band)), persistent=False)
            setattr(self, f"before_{number}", before)

    def forward(self, samples: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([self._hear(samples[:, None], number) for number in range(len(_BANDS))], dim=1).transpose(1, 2)

    def _hear(self, samples: Tensor, number: int) -> Tensor:
        band, before = _BANDS[number], int(getattr(self, f"before_{number}"))
        kernel, half = getattr(self, f"kernel_{number}"), (band.taps - 1) // 2
        # The first tap of the first frame's kernel looks `before` (lower-rate) samples back.
        begin = HISTORY - before * band.decimation - half
        heard = samples[:, :, begin:]
        if band.decimation > 1:
            heard = functional.conv1d(heard, getattr(self, f"low_pass_{number}"), stride=band.decimation)
        waves = functional.conv1d(heard, kernel, stride=HOP // band.decimation)
        real, imaginary = waves.chunk(2, dim=1)
        return torch.sqrt(real * real + imaginary * imaginary + 1e-16)


def _low_pass(band: _Band) -> NDArray[np.float32]:
    half = (band.taps - 1) // 2
    at = np.arange(-half, half + 1)
    kernel = np.sinc(at / band.decimation * 0.9) * np.hanning(band.taps + 2)[1:-1]
    return (kernel / kernel.sum()).astype(np.float32)[None, None]


def _kernels(band: _Band) -> tuple[NDArray[np.float32], int]:
    """Cosines then sines of all bins f32[2 * bins, 1, taps], and how many taps lie before the frame."""
    step, half = band.decimation, (band.taps - 1) // 2
    frequencies = [bin_hz(index) for index in range(band.begin, band.end)]
    before = max(window_lengths(hz)[0] for hz in frequencies) // step
    after = max(min(window_lengths(hz)[1], HOP - half - step) for hz in frequencies) // step
    at = np.arange(-before, after + 1) * step
    real, imaginary = [], []
    for hz in frequencies:
        past, future = window_lengths(hz)
        future = min(future, HOP - half - step)
        reach = np.where(at < 0, at / past, at / future)
        window = np.where(np.abs(reach) < 1, 0.5 + 0.5 * np.cos(np.pi * reach), 0.0)
        window *= 2 / window.sum() * math.sqrt(max(hz, 80.0) / _EMPHASIS_HZ)
        phase = 2 * np.pi * hz / SAMPLE_RATE_HZ * at
        real.append(window * np.cos(phase))
        imaginary.append(window * np.sin(phase))
    return np.array(real + imaginary, np.float32)[:, None], before
