"""Activations drawn by hand: what a network would say about given notes, without a network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, LOWEST_PITCH, PITCH_COUNT, Activations

Drawn = tuple[int, int, int, float, float]
"""First and one past the last frame, MIDI pitch, onset strength, level."""


# Shares of a note's strength, or level, in the frames around its onset; medians of 1478 rendered notes.
_ONSET_SHAPE = (0.29, 0.58, 0.92, 1.0, 0.93, 0.62, 0.27)
_FRAME_SHAPE = (0.41, 0.55, 0.7, 0.82, 0.91, 0.96)
_CONTOUR_SHAPE = (0.2, 0.25, 0.35, 0.52, 0.68, 0.8, 0.9)
_FLOOR = 0.1


def draw_maps(frames: int, notes: Iterable[Drawn], bend_bins: int = 0) -> Activations:
    """Activations of `frames` frames in which each note has one onset peak, a level frame and a contour crest.

    Around its onset a note rises as the network's do; a note of strength 0 has no onset and does not rise.
    The crest leaves the pitch by `bend_bins` thirds of a semitone from the middle of each note on.
    """
    onset = np.full((frames, PITCH_COUNT), _FLOOR, np.float32)
    frame = np.full((frames, PITCH_COUNT), _FLOOR, np.float32)
    contour = np.full((frames, CONTOUR_BINS), _FLOOR, np.float32)
    for first, end, pitch, strength, level in notes:
        column = pitch - LOWEST_PITCH
        crest = BINS_PER_SEMITONE * column + 1
        middle = (first + end) // 2
        _raise(frame, column, first, np.full(end - first, level))
        _raise(contour, crest, first, np.full(middle - first, level))
        _raise(contour, crest + bend_bins, middle, np.full(end - middle, level))
        if strength:
            frame[first : first + 3, column] = _FLOOR
            contour[first : first + 7, crest] = _FLOOR
            _raise(frame, column, first - 3, level * np.array(_FRAME_SHAPE))
            _raise(contour, crest, first, level * np.array(_CONTOUR_SHAPE))
            _raise(onset, column, first - 3, strength * np.array(_ONSET_SHAPE))
    return Activations(0, onset, frame, contour)


def _raise(maps: NDArray[np.float32], column: int, first: int, values: NDArray[np.float64]) -> None:
    values = values[max(0, -first) :][: max(0, len(maps) - max(first, 0))]
    rows = slice(max(first, 0), max(first, 0) + len(values))
    maps[rows, column] = np.maximum(maps[rows, column], values)


def noise_maps(frames: int, seed: int) -> Activations:
    """Activations without any music in them, busy enough that every rule of a tracker is met."""
    rng = np.random.default_rng(seed)
    frame = rng.random((frames, PITCH_COUNT), np.float32)
    # Averaging makes levels that stay up for a while; the cube makes most onsets weak and some strong.
    smooth = np.stack([np.convolve(column, np.ones(15) / 15, "same") for column in frame.T], axis=1)
    frame = np.clip((smooth - 0.42) * 6, 0, 1).astype(np.float32)
    onset = rng.random((frames, PITCH_COUNT), np.float32) ** 3
    return Activations(0, onset, frame, rng.random((frames, CONTOUR_BINS), np.float32))


def pieces_of(whole: Activations, sizes: Iterable[int]) -> list[Activations]:
    """`whole` cut into pieces of the given sizes, over and over."""
    wanted, pieces, begin = list(sizes), list[Activations](), 0
    while begin < len(whole):
        end = begin + wanted[len(pieces) % len(wanted)]
        pieces.append(whole.rows(begin, end))
        begin = end
    return pieces
