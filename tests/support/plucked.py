"""Plucked strings whose onsets are exact, for tests that must not depend on a recording."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ

Struck = tuple[float, float, int, float]
"""Onset and offset in seconds, MIDI pitch, loudness 0..1."""


def pluck(pitch: int, duration_s: float, brightness: float = 0.7) -> NDArray[np.float32]:
    """One string from the moment it is let go: decaying, slightly inharmonic partials, higher ones faster.

    Returns:
        f32[n], mono at the session's rate, within -1..1.
    """
    time = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    base = 440.0 * 2 ** ((pitch - 69) / 12)
    tone = np.zeros_like(time)
    for partial in range(1, 25):
        frequency = base * partial * np.sqrt(1 + 1e-4 * partial**2)
        if frequency < 0.45 * SAMPLE_RATE_HZ:
            decay = 1.2 + base / 300 + 0.35 * partial
            # The comb of a string plucked at a fifth of its length.
            weight = brightness ** (partial - 1) * abs(np.sin(np.pi * partial / 5))
            tone += weight * np.exp(-decay * time) * np.sin(2 * np.pi * frequency * time)
    fade = np.minimum(1.0, (time[-1] - time) / 0.02) if len(time) else time
    attack = np.minimum(1.0, time / 0.002)
    return (0.3 * tone * attack * fade).astype(np.float32)


def render(notes: Iterable[Struck], duration_s: float, noise: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """The sum of all notes, with white noise of the given deviation: f32[n]."""
    mixed = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    mixed += noise * np.random.default_rng(seed).standard_normal(len(mixed)).astype(np.float32)
    for onset, offset, pitch, loudness in notes:
        begin = round(onset * SAMPLE_RATE_HZ)
        tone = pluck(pitch, offset - onset)[: len(mixed) - begin]
        mixed[begin : begin + len(tone)] += loudness * tone
    return mixed


def phrase(seed: int, duration_s: float = 12.0) -> list[Struck]:
    """A random guitar phrase: single notes and small chords, each let ring until the next but one."""
    rng = np.random.default_rng(seed)
    notes: list[Struck] = []
    onset = 0.3
    while onset < duration_s - 1:
        gap = float(rng.choice([0.15, 0.25, 0.3, 0.5]))
        root = int(rng.integers(40, 72))
        intervals = (
            [0] if rng.random() < 0.6 else [0, *(int(step) for step in rng.choice([4, 7, 12, 15], 2, replace=False))]
        )
        notes += [
            (onset + 0.012 * (interval > 0), onset + 2 * gap, root + interval, float(rng.uniform(0.4, 1)))
            for interval in intervals
        ]
        onset += gap + float(rng.uniform(0, 0.01))
    return notes
