"""Scores of notes against a truth: mir_eval's, and the same onsets with string and fret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mir_eval
import numpy as np

ONSET_TOLERANCE_S = 0.05
PITCH_TOLERANCE_CENTS = 50.0


@dataclass(frozen=True, slots=True, order=True)
class PlainNote:
    """A note to score: seconds, MIDI pitch, and the place on the neck where there is one (string 1 is the highest)."""

    onset_s: float
    offset_s: float
    pitch: int
    string: int | None = None
    fret: int | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Each 0..1.

    Attributes:
        precision, recall, f1: onset within 50 ms, pitch within 50 cents (mir_eval.transcription, no offsets).
        f1_offset: also the offset within 50 ms or a fifth of the length.
        tab_f1: onset within 50 ms, same string and fret.
    """

    precision: float
    recall: float
    f1: float
    f1_offset: float
    tab_f1: float


def notes_of(document: dict[str, Any]) -> list[PlainNote]:
    """The notes of a file in the schema "genesis.transcription/1"."""
    return [
        PlainNote(n["onset_s"], n["offset_s"], n["pitch"], n.get("string"), n.get("fret")) for n in document["notes"]
    ]


def score(truth: Sequence[PlainNote], found: Sequence[PlainNote]) -> Scores:
    """Score `found`; a truth without places, or notes without, have a Tab F1 of 0."""
    right = len(matches(truth, found))
    total = max(1, len(truth) + len(found))
    with_offset, places = matches_with_offset(truth, found), matches_on_the_neck(truth, found)
    return Scores(
        right / max(1, len(found)),
        right / max(1, len(truth)),
        2 * right / total,
        2 * len(with_offset) / total,
        2 * len(places) / total,
    )


def matches(truth: Sequence[PlainNote], found: Sequence[PlainNote]) -> list[tuple[int, int]]:
    """The most pairs of indices (truth, found) with onsets within 50 ms and pitches within 50 cents, each used once."""
    return _matched(truth, found, None)


def matches_with_offset(truth: Sequence[PlainNote], found: Sequence[PlainNote]) -> list[tuple[int, int]]:
    """As `matches`, and the ends within 50 ms or a fifth of the true note's length."""
    return _matched(truth, found, 0.2)


def matches_on_the_neck(truth: Sequence[PlainNote], found: Sequence[PlainNote]) -> list[tuple[int, int]]:
    """The most pairs of indices with onsets within 50 ms, the same string and the same fret, each used once."""
    pairs: list[tuple[int, int]] = []
    for place in {(n.string, n.fret) for n in truth if n.string is not None}:
        sides = [[i for i, n in enumerate(notes) if (n.string, n.fret) == place] for notes in (truth, found)]
        if all(sides):
            # Within one place all notes have one pitch, so matching onsets is all that is left.
            onsets = [
                np.array([notes[i].onset_s for i in side]) for notes, side in zip((truth, found), sides, strict=True)
            ]
            within = mir_eval.util.match_events(*onsets, ONSET_TOLERANCE_S)
            pairs += [(sides[0][int(t)], sides[1][int(f)]) for t, f in within]
    return pairs


def _matched(
    truth: Sequence[PlainNote], found: Sequence[PlainNote], offset_ratio: float | None
) -> list[tuple[int, int]]:
    if not truth or not found:
        return []
    pairs = mir_eval.transcription.match_notes(
        *note_arrays(truth),
        *note_arrays(found),
        onset_tolerance=ONSET_TOLERANCE_S,
        pitch_tolerance=PITCH_TOLERANCE_CENTS,
        offset_ratio=offset_ratio,
    )
    return [(int(t), int(f)) for t, f in pairs]


def note_arrays(notes: Sequence[PlainNote]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals in seconds and pitches in hertz, as mir_eval takes them."""
    # A note of no length is nothing to mir_eval; the stock program and ours both end notes at a frame.
    intervals = np.array([[n.onset_s, max(n.offset_s, n.onset_s + 1e-3)] for n in notes])
    hertz = np.array([440.0 * 2 ** ((n.pitch - 69) / 12) for n in notes])
    return intervals, hertz
