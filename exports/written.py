"""What the writers of notation share: where notes are written, what joins them, and what is lost by writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from exports.losses import Losses, LossKind
from exports.score import Score
from music.notation import NotatedBar, Symbol
from music.note import Note

SLIDE, HAMMER_ON, PULL_OFF, BEND, VIBRATO, LET_RING = "slide", "hammer_on", "pull_off", "bend", "vibrato", "let_ring"
JOINING = frozenset({SLIDE, HAMMER_ON, PULL_OFF})
"""Techniques that lead from one note into the next on its string."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Where a note is written to begin: index of its bar, whole notes from the bar's start."""

    bar: int
    place: Fraction


def onsets_of(bars: tuple[NotatedBar, ...]) -> dict[str, Onset]:
    """Written onsets by note id."""
    return {
        note: Onset(index, symbol.start)
        for index, bar in enumerate(bars)
        for voice in bar.voices
        for symbol in voice
        for note in symbol.starts
    }


def joined_notes(score: Score) -> dict[str, Note]:
    """By note id, the note its joining technique leads into: the next written on its string, and the one meant.

    A technique that names no note leads into the next one; one that names another note is in no one's answer.
    """
    onsets = onsets_of(score.notation.bars)
    by_string: dict[int, list[Note]] = {}
    for note in score.notes.values():
        if note.position is not None and note.id in onsets:
            by_string.setdefault(note.position.string, []).append(note)
    joined = {}
    for notes in by_string.values():
        for note, following in pairwise(notes):
            meant = [technique.to for technique in note.techniques if technique.kind in JOINING]
            if any(to in ("", following.id) for to in meant):
                joined[note.id] = following
    return joined


def unwritten_techniques(score: Score, carried: frozenset[str], joined: Mapping[str, Note]) -> int:
    """How many techniques of the score are not among `carried`, or lead nowhere that can be written."""
    return sum(
        technique.kind not in carried or (technique.kind in JOINING and note.id not in joined)
        for note in score.notes.values()
        for technique in note.techniques
    )


def report_common(score: Score, losses: Losses) -> None:
    """What every notated format loses."""
    written_until: dict[str, float] = {}
    for bar in score.notation.bars:
        for voice in bar.voices:
            for symbol in voice:
                end = bar.bar.time_of(float(symbol.end / bar.bar.signature.beat))
                written_until |= dict.fromkeys(symbol.notes, end)
    notes = score.notes.values()
    losses.add(LossKind.TIMES_ROUNDED, len(written_until))
    losses.add(
        LossKind.LENGTHS_CUT,
        sum((note.offset or 0) - written_until.get(note.id, note.offset or 0) > _tolerance(note) for note in notes),
    )
    losses.add(LossKind.NOTES_LEFT_OUT, len(score.notation.left_out))
    losses.add(LossKind.CONFIDENCE, len(notes))
    losses.add(LossKind.GAPS, score.gap_count)


def _tolerance(note: Note) -> float:
    """A quarter of what sounds: less than that, an end is where it was played."""
    return ((note.offset or note.onset) - note.onset) / 4


def symbols(bar: NotatedBar) -> Iterator[tuple[int, Symbol]]:
    """The symbols of a bar with the number of their voice, from 1."""
    for number, voice in enumerate(bar.voices, start=1):
        for symbol in voice:
            yield number, symbol
