"""Sounds in which nobody plays a note, for tests and benchmarks that count what is heard in them all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from music.audio import SAMPLE_RATE_HZ

Signal = NDArray[np.float64]

_FORMANTS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""Of five vowels: Peterson, Barney, "Control Methods Used in a Study of the Vowels", JASA 24 (1952), men."""


def no_music(length_s: float, seed: int = 0) -> Mapping[str, NDArray[np.float32]]:
    """By name: f32[n], mono at the session's rate, within ±1; the same for the same seed."""
    random = np.random.default_rng(seed)
    length = round(length_s * SAMPLE_RATE_HZ)
    made = {name: make(random, length) for name, make in _KINDS.items()}
    return {name: np.clip(signal, -1, 1).astype(np.float32) for name, signal in made.items()}


def speech_like(random: np.random.Generator, length: int) -> Signal:
    """A synthetic voice that says nothing: syllables of vowels and hiss, the pitch gliding all the time, with pauses.

    No recording of speech is at hand whose licence lets it be committed; singing has steady pitches and is no stand-in.
    """
    out = np.zeros(length)
    at = int(0.2 * SAMPLE_RATE_HZ)
    while at < length:
        if random.random() < 0.2:
            at += int(random.uniform(0.15, 0.5) * SAMPLE_RATE_HZ)
            continue
        syllable = np.concatenate([_hiss(random), _vowel(random)])[: length - at]
        out[at : at + len(syllable)] = syllable
        at += len(syllable)
    return np.asarray(0.3 * out / (np.abs(out).max() + 1e-9))


def _vowel(random: np.random.Generator) -> Signal:
    """A pulse train whose pitch glides by two to six semitones, through three resonances."""
    count = int(random.uniform(0.08, 0.25) * SAMPLE_RATE_HZ)
    begin_hz = random.uniform(90, 160)
    glide = random.choice([-1, 1]) * random.uniform(2, 6)
    pitch_hz = begin_hz * 2 ** (glide * np.linspace(0, 1, count) / 12) * (1 + 0.01 * random.standard_normal(count))
    phase = np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0.0)
    source = lfilter([1], [1, -0.95], pulses)
    voiced = np.zeros(count)
    for number, hz in enumerate(_FORMANTS_HZ[random.integers(len(_FORMANTS_HZ))]):
        voiced += _resonance(source, float(hz), 80.0) / (1 + number)
    return np.asarray(voiced / (np.abs(voiced).max() + 1e-9) * np.hanning(count) * random.uniform(0.5, 1))


def _hiss(random: np.random.Generator) -> Signal:
    count = int(random.uniform(0.02, 0.09) * SAMPLE_RATE_HZ)
    high = butter(2, random.uniform(2000, 5000), "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(0.1 * sosfilt(high, random.standard_normal(count)) * np.hanning(count))


def _resonance(signal: Signal, hz: float, width_hz: float) -> Signal:
    radius = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
    angle = 2 * np.pi * hz / SAMPLE_RATE_HZ
    return np.asarray(lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], signal))


def _hum(hz: float) -> Callable[[np.random.Generator, int], Signal]:
    """The mains and its harmonics as a bad cable lets them in: there from the first sample to the last."""

    def make(_random: np.random.Generator, length: int) -> Signal:
        time_s = np.arange(length) / SAMPLE_RATE_HZ
        return np.asarray(0.05 * sum(np.sin(2 * np.pi * hz * k * time_s + k) / k for k in (1, 2, 3, 5, 7)))

    return make


def _clicks(random: np.random.Generator, length: int) -> Signal:
    """Four a second, one sample to a millisecond long, of any height."""
    out = np.zeros(length)
    for at in random.integers(0, length, int(4 * length / SAMPLE_RATE_HZ)):
        width = int(random.integers(1, 22))
        out[at : at + width] = random.uniform(-1, 1)
    return out


def _pink(random: np.random.Generator, length: int) -> Signal:
    spectrum = np.fft.rfft(random.standard_normal(length))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(0.1 * noise / noise.std())


_KINDS: Mapping[str, Callable[[np.random.Generator, int], Signal]] = {
    "silence": lambda _, length: np.zeros(length),
    "dc": lambda _, length: np.full(length, 0.5),
    "hum 50 Hz": _hum(50.0),
    "hum 60 Hz": _hum(60.0),
    "clicks": _clicks,
    "white noise, quiet": lambda random, length: 0.01 * random.standard_normal(length),
    "white noise, loud": lambda random, length: random.uniform(-1, 1, length),
    "pink noise": _pink,
    "speech-like": speech_like,
}
