"""Listening by measurement: when a sound begins, and how far it is from its pitch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.training.score import PLUCK, GuitarNote
from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

ONSET = 5_000
LENGTH = 44_100


def one_note(pitch: int, technique: str = PLUCK, sounding: int = 22_050) -> GuitarNote:
    """A note of a standard guitar at sample `ONSET`."""
    place = Instrument().positions_of(pitch)[-1]
    return GuitarNote(ONSET, pitch, ONSET + sounding, place.string, place.fret, 0.7, technique)


def onset_error_ms(samples: NDArray[np.float32]) -> float:
    """When the level over half a millisecond passes a tenth of its peak within 60 ms, against `ONSET`."""
    level = np.sqrt(np.convolve(samples.astype(np.float64) ** 2, np.ones(11) / 11, "same"))
    peak = level[ONSET - 220 : ONSET + 1323].max()
    return float((np.flatnonzero(level > 0.1 * peak)[0] - ONSET) / SAMPLE_RATE_HZ * 1000)


def cents_off(samples: NDArray[np.float32], pitch: int) -> float:
    """Of the strongest lag of the autocorrelation within two semitones, 70 ms after the onset."""
    part = samples[ONSET + 1544 : ONSET + 1544 + 8192].astype(np.float64)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16)) ** 2)
    hz = 440 * 2 ** ((pitch - 69) / 12)
    lags = np.arange(int(SAMPLE_RATE_HZ / hz / 1.12), int(SAMPLE_RATE_HZ / hz * 1.12) + 2)
    lag = int(lags[np.argmax(correlation[lags])])
    before, at, after = correlation[lag - 1 : lag + 2]
    peak = lag + 0.5 * (before - after) / (before - 2 * at + after)
    return float(1200 * np.log2(SAMPLE_RATE_HZ / peak / hz))


def rms_between(samples: NDArray[np.float32], start: int, end: int) -> float:
    return float(np.sqrt(np.mean(samples[start:end].astype(np.float64) ** 2)))
