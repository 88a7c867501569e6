"""How good places on the neck are: agreement with people, travel of the hand, shapes that nobody can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from bench._tabs import Tab
from music.arranging import LiveArranger, group_notes
from music.audio import SAMPLE_RATE_HZ
from music.neck import is_playable, placements
from music.note import Note
from music.preferences import Preferences
from music.tuning import Position

Strings = Sequence[int | None]
"""The string of each note of a tab, None or 0 where it has none."""
_STEP = SAMPLE_RATE_HZ // 50


def right(tab: Tab, strings: Strings) -> float:
    """Share of the scored notes on their string (and so at their fret)."""
    pairs = [(found, true) for found, true in zip(strings, tab.strings, strict=True) if true is not None]
    return sum(found == true for found, true in pairs) / max(1, len(pairs))


def strings_of(notes: Sequence[Note]) -> list[int | None]:
    return [note.position.string if note.position else None for note in notes]


def arrange_live(tab: Tab, lookahead_s: float, preferences: Preferences) -> list[Note]:
    """As a session does it: driven every 20 ms, a note's end known once it has passed."""
    arranger = LiveArranger(tab.instrument, round(lookahead_s * SAMPLE_RATE_HZ), preferences, hears_ends=True)
    coming = sorted(tab.notes, key=lambda note: note.onset)
    ending = sorted((note.offset or note.onset, note.id) for note in tab.notes)
    settled: list[Note] = []
    for now in range(0, (coming[-1].onset if coming else 0) + _STEP, _STEP):
        while coming and coming[0].onset < now:
            arranger.add(replace(coming.pop(0), offset=None))
        while ending and ending[0][0] <= now:
            offset, name = ending.pop(0)
            arranger.end(name, offset)
        settled += arranger.advance(now, {})
    for note in coming:
        arranger.add(note)
    settled += arranger.finish({note.id: note.offset for note in tab.notes})
    by_id = {note.id: note for note in settled}
    return [by_id[note.id] for note in tab.notes]


def unplayable(tab: Tab, strings: Strings) -> int:
    """Chords in a shape that no hand can hold, or not whole, where there is a shape for all of their notes."""
    return sum(
        not (all(held) and is_playable([place for place in held if place]))
        for group, held in _held(tab, strings)
        if len(group) <= tab.instrument.string_count and len(placements([note.pitch for note in group], tab.instrument))
    )


def travel(tab: Tab, strings: Strings) -> float:
    """Frets that the lowest finger goes from group to group, a mean; open strings leave it where it is."""
    fretted = [
        min(place.fret for place in held if place and place.fret)
        for _, held in _held(tab, strings)
        if any(place and place.fret for place in held)
    ]
    return float(np.abs(np.diff(fretted)).mean()) if len(fretted) > 1 else 0.0


def _held(tab: Tab, strings: Strings) -> Iterator[tuple[list[Note], list[Position | None]]]:
    string_of = {note.id: string for note, string in zip(tab.notes, strings, strict=True)}
    for group in group_notes(tab.notes):
        yield group, [_place(tab, note, string_of[note.id]) for note in group]


def _place(tab: Tab, note: Note, string: int | None) -> Position | None:
    return Position(string, note.pitch - tab.instrument.pitch_at(Position(string, 0))) if string else None
