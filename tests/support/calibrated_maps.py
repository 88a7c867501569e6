"""Activations drawn by hand as a network with calibrated onsets would give them: every map but the contour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from music.activations import LOWEST_PITCH, PITCH_COUNT, Activations

STRINGS = 8


@dataclass(frozen=True, slots=True)
class Played:
    """A note: onset in frames, which may lie between two, one past its last frame, and what is heard of it."""

    onset: float
    end: int
    pitch: int
    probability: float = 0.95
    velocity: float = 0.6
    string: int = 1
    bend: float = 0.0


def calibrated_maps(frames: int, notes: Iterable[Played]) -> Activations:
    """Maps of `frames` frames.

    A note's probability lies on the two frames around its onset, by how near they are, and a tenth of it beside them.
    Where nothing begins, velocity and strings hold what must not be taken for a note's. The second half of a note is
    bent by `bend` semitones.
    """
    shape = (frames, PITCH_COUNT)
    onset, frame = np.full(shape, 0.002, np.float32), np.full(shape, 0.02, np.float32)
    velocity, deviation = np.full(shape, 0.1, np.float32), np.full(shape, 0.03, np.float32)
    strings = np.full((frames, STRINGS, PITCH_COUNT), 1 / STRINGS, np.float32)
    for note in notes:
        column, first = note.pitch - LOWEST_PITCH, int(np.floor(note.onset))
        late = note.onset - first
        for at, share in ((first - 1, 0.05), (first, 0.9 * (1 - late)), (first + 1, 0.9 * late), (first + 2, 0.05)):
            if 0 <= at < frames:
                onset[at, column] += share * note.probability
                velocity[at, column] = note.velocity
                strings[at, :, column] = 0.02
                strings[at, note.string - 1, column] = 0.86
        frame[max(0, round(note.onset)) : note.end, column] = 0.9
        deviation[(first + note.end) // 2 : note.end, column] = note.bend
    return Activations(0, onset, frame, velocity=velocity, deviation=deviation, strings=strings)


def calibrated_noise(frames: int, seed: int) -> Activations:
    """Maps without any music in them, busy enough that every rule of a tracker is met."""
    random = np.random.default_rng(seed)
    shape = (frames, PITCH_COUNT)
    raw = random.random(shape, np.float32)
    smooth = np.stack([np.convolve(column, np.ones(9) / 9, "same") for column in raw.T], axis=1)
    # Few onsets are likely, some in two frames one after the other.
    onset = random.random(shape, np.float32) ** 12
    onset[1:] = np.maximum(onset[1:], onset[:-1] * random.random((frames - 1, PITCH_COUNT), np.float32))
    return Activations(
        0,
        onset,
        np.clip((smooth - 0.42) * 6, 0, 1).astype(np.float32),
        velocity=random.random(shape, np.float32),
        deviation=random.uniform(-0.5, 0.5, shape).astype(np.float32),
        strings=random.random((frames, STRINGS, PITCH_COUNT), np.float32),
    )
