"""Activations drawn by hand: what a network would say about given notes, without a network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, LOWEST_PITCH, PITCH_COUNT, Activations

Drawn = tuple[int, int, int, float, float]
"""First and one past the last frame, MIDI pitch, onset strength, level."""


def draw_maps(frames: int, notes: Iterable[Drawn], bend_bins: int = 0) -> Activations:
    """Activations of `frames` frames in which each note has one onset peak, a level frame and a contour crest.

    The crest leaves the pitch by `bend_bins` thirds of a semitone from the middle of each note on.
    """
    onset = np.zeros((frames, PITCH_COUNT), np.float32)
    frame = np.zeros((frames, PITCH_COUNT), np.float32)
    contour = np.zeros((frames, CONTOUR_BINS), np.float32)
    for first, end, pitch, strength, level in notes:
        column = pitch - LOWEST_PITCH
        onset[first, column] = max(onset[first, column], strength)
        frame[first:end, column] = np.maximum(frame[first:end, column], level)
        crest = BINS_PER_SEMITONE * column + 1
        middle = (first + end) // 2
        contour[first:middle, crest] = level
        contour[middle:end, crest + bend_bins] = level
    return Activations(0, onset, frame, contour)


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
