"""Note values for a performance: the nearest of each beat's quarters or thirds, written in one voice.

An onset goes to the nearest slot of its bar; a beat has four slots, or three where its onsets lie nearer to thirds. Two
notes never stand on one string in one slot: the later one moves on. A note lasts until its end or the next onset; a
rest shorter than half a beat is not written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from music.beats import Bar
from music.notation import NotatedBar, Notation, Symbol
from music.note import Note

_SHORTEST = Fraction(1, 32)
_LENGTHS = [Fraction(2 * (dots + 1) - dots, 2 * base) for base in (1, 2, 4, 8, 16, 32) for dots in (1, 0)]
_THIRD_MUST_BE_NEARER = 0.8
"""Thirds are written when they fit this much better: a beat that is played late is no triplet."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place where something may begin: a bar, whole notes from its start, the moment, whether it is a third."""

    bar: int
    place: Fraction
    time: float
    is_third: bool


def notate(notes: Sequence[Note], bars: Sequence[Bar]) -> Notation:
    """Written values of notes that have an end, in the order of onset.

    Args:
        notes: ids are distinct.
        bars: without a hole; notes that begin outside them are left out.
    """
    inside = [note for note in notes if bars[0].start <= note.onset < bars[-1].end]
    slots = _slots(bars, [note.onset for note in inside])
    starts = _onset_slots(inside, slots)
    placed = [(slot, note) for slot, note in zip(starts, inside, strict=True) if slot is not None]
    kept = {note.id for _, note in placed}
    symbols = _symbols(placed, slots, bars)
    written = tuple(NotatedBar(bar, (tuple(voice), ())) for bar, voice in zip(bars, symbols, strict=True))
    return Notation(written, tuple(note.id for note in notes if note.id not in kept))


def _slots(bars: Sequence[Bar], onsets: Sequence[int]) -> list[_Slot]:
    slots = []
    for index, bar in enumerate(bars):
        beat = bar.signature.beat
        for number, (start, end) in enumerate(pairwise((*bar.beats, bar.end))):
            inside = onsets[bisect_left(onsets, start) : bisect_left(onsets, end)]
            places = [(onset - start) / (end - start) for onset in inside]
            count, is_third = _division(bar, places)
            slots += [
                _Slot(index, beat * number + beat * n / count, start + (end - start) * n / count, is_third)
                for n in range(count)
            ]
    return slots


def _division(bar: Bar, places: Sequence[float]) -> tuple[int, bool]:
    """Slots of a beat, and whether they are thirds; `places` are its onsets, in beats."""
    if bar.signature.is_compound:
        return 6, False
    straight = 4 if bar.signature.beat / 4 >= _SHORTEST else int(bar.signature.beat / _SHORTEST)
    off_beat = [place for place in places if 0.1 < place < 0.9]
    can_be_thirds = straight == 4 and bar.signature.beat <= Fraction(1, 2) and len(off_beat) >= 2
    if can_be_thirds and _distance(off_beat, 3) < _THIRD_MUST_BE_NEARER * _distance(off_beat, straight):
        return 3, True
    return straight, False


def _distance(places: Iterable[float], count: int) -> float:
    return sum(abs(place - round(place * count) / count) for place in places)


def _onset_slots(notes: Sequence[Note], slots: Sequence[_Slot]) -> list[int | None]:
    """The slot each note begins in; None where its string has no free one left."""
    times = [slot.time for slot in slots]
    free: dict[int, int] = {}
    chosen: list[int | None] = []
    for note in notes:
        after = min(bisect_right(times, note.onset), len(times) - 1)
        nearest = after if times[after] - note.onset < note.onset - times[max(after - 1, 0)] else max(after - 1, 0)
        if note.position is not None:
            nearest = max(nearest, free.get(note.position.string, 0))
            free[note.position.string] = nearest + 1
        chosen.append(nearest if nearest < len(slots) else None)
    return chosen


def _symbols(placed: Sequence[tuple[int, Note]], slots: Sequence[_Slot], bars: Sequence[Bar]) -> list[list[Symbol]]:
    """Symbols of every bar; each bar is filled from its start to its end."""
    chords: dict[int, list[Note]] = {}
    for slot, note in placed:
        chords.setdefault(slot, []).append(note)
    edges = sorted({0, *chords, len(slots)})
    written: list[list[Symbol]] = [[] for _ in bars]
    times = [*(slot.time for slot in slots), float(bars[-1].end)]
    for start, end in pairwise(edges):
        notes = sorted(chords.get(start, []), key=lambda note: (note.pitch, note.id))
        stop = _sounding_until(start, end, notes, times, slots, bars) if notes else start
        _write(written, start, stop, tuple(note.id for note in notes), slots, bars)
        _write(written, stop, end, (), slots, bars)
    return written


def _sounding_until(
    start: int, end: int, notes: Sequence[Note], times: Sequence[float], slots: Sequence[_Slot], bars: Sequence[Bar]
) -> int:
    """The slot in which a chord stops, at most `end`: a rest of less than half a beat is not worth a sign."""
    last = max(note.offset or 0 for note in notes)
    stop = min(max(bisect_left(times, last), start + 1), end)
    bar = bars[slots[start].bar]
    half_a_beat = (bar.end - bar.start) / len(bar.beats) / 2
    return end if times[end] - times[stop] < half_a_beat else stop


def _write(
    written: list[list[Symbol]],
    start: int,
    stop: int,
    notes: tuple[str, ...],
    slots: Sequence[_Slot],
    bars: Sequence[Bar],
) -> None:
    """Add symbols from one slot to another, joined by ties where one does not do."""
    pieces = list(_pieces(start, stop, slots, bars))
    for number, (index, symbol) in enumerate(pieces):
        tied = notes if number < len(pieces) - 1 else ()
        written[index].append(replace(symbol, notes=notes, tied=tied, starts=notes if number == 0 else ()))


def _pieces(start: int, stop: int, slots: Sequence[_Slot], bars: Sequence[Bar]) -> Iterable[tuple[int, Symbol]]:
    """Printable lengths from one slot to another, none over a bar line, none half in a triplet."""
    at = start
    while at < stop:
        to = _stretch(at, stop, slots, bars)
        first = slots[at]
        beat = bars[first.bar].signature.beat
        end = slots[to].place if to < len(slots) and slots[to].bar == first.bar else bars[first.bar].length
        place = first.place
        while place < end:
            whole_beat = first.is_third and end - place == beat
            length = _longest(end - place, place, beat, first.is_third and not whole_beat)
            yield first.bar, _symbol(place, length, first.is_third and not whole_beat)
            place += length
        at = to


def _stretch(at: int, stop: int, slots: Sequence[_Slot], bars: Sequence[Bar]) -> int:
    """The slot up to which symbols may go on from `at`: within the bar, and within the beat where one is in thirds."""
    beat = bars[slots[at].bar].signature.beat
    to = at + 1
    while to < stop and slots[to].bar == slots[at].bar:
        starts_a_beat = slots[to].place % beat == 0
        if starts_a_beat and (slots[at].is_third or slots[to].is_third):
            break
        to += 1
    return to


def _longest(room: Fraction, place: Fraction, beat: Fraction, is_third: bool) -> Fraction:
    """The longest printable length that fits; one that begins off the beat goes no farther than the next beat."""
    if is_third:
        return min(room, beat * 2 / 3)
    if place % beat:
        room = min(room, beat - place % beat)
    return next((length for length in _LENGTHS if length <= room), room)


def _symbol(place: Fraction, length: Fraction, is_third: bool) -> Symbol:
    if is_third:
        return Symbol(place, length, base=int(1 / (length * 3 / 2)), tuplet=(3, 2))
    dots = int(length.numerator == 3)
    return Symbol(place, length, base=int(1 / (length * 2 / 3 if dots else length)), dots=dots)
