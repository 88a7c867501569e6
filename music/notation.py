"""Written note values: what an engraver or an export needs, derived from notes and bars, for reading only.

    notate(notes, bars) → Notation: for every bar, for every voice, symbols that fill it from its start to its end

Lengths and places are exact `Fraction`s of a whole note (a quarter is 1/4; a bar of 3/4 lasts 3/4), counted from the
bar's start. A `Symbol` is one printed head, chord or rest: `base` is its type (4 for a quarter), `dots` its dots,
`tuplet` (3, 2) for three in the time of two; `duration` says the same as a number:
`duration = 1/base × (2 − 1/2**dots) × tuplet[1] / tuplet[0]`. A note that one symbol cannot write, because it lasts
over a bar line or has an odd length, is several symbols joined by ties: all but the last list it in `tied`. A note that
begins before the first bar or after the last is in `left_out`. The notes' own times are never changed.

Voice 1 is the melody (stems up), voice 2 the bass (stems down); voice 2 of a bar is empty when one voice says it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from music.beats import Bar
from music.notation_timing import Stroke, place_strokes, split_voices
from music.notation_values import Symbol as Symbol
from music.notation_values import spell
from music.note import Note

MELODY, BASS = 1, 2


@dataclass(frozen=True, slots=True)
class NotatedBar:
    """A bar and its voices: melody first; each fills the bar without hole or overlap, or is empty."""

    bar: Bar
    voices: tuple[tuple[Symbol, ...], tuple[Symbol, ...]]


@dataclass(frozen=True, slots=True)
class Notation:
    """A piece as written; `left_out` are ids of notes outside all bars."""

    bars: tuple[NotatedBar, ...] = ()
    left_out: tuple[str, ...] = ()


def notate(notes: Iterable[Note], bars: Sequence[Bar]) -> Notation:
    """Write notes down in bars that follow each other.

    Args:
        notes: in any order; ids must differ.
        bars: in order, each beginning where the one before ends.
    """
    if not bars:
        return Notation((), tuple(note.id for note in sorted(notes, key=lambda n: (n.onset, n.pitch))))
    strokes, left_out = place_strokes(notes, bars)
    melody, bass = split_voices(strokes, bars)
    edges = _edges(bars)
    upper = _write(melody, edges, bars)
    lower = _write(bass, edges, bars) if bass else [()] * len(bars)
    written = []
    for bar, above, below in zip(bars, upper, lower, strict=True):
        silent = all(symbol.is_rest for symbol in below)
        written.append(NotatedBar(bar, (above, () if silent else below)))
    return Notation(tuple(written), tuple(left_out))


def _edges(bars: Sequence[Bar]) -> list[Fraction]:
    """Where bars begin, in whole notes from the first one's start; and where the last one ends."""
    edges = [Fraction(0)]
    for bar in bars:
        edges.append(edges[-1] + bar.length)
    return edges


def _write(strokes: Sequence[Stroke], edges: Sequence[Fraction], bars: Sequence[Bar]) -> list[tuple[Symbol, ...]]:
    """One voice: every bar filled with its strokes and with rests."""
    written: list[list[Symbol]] = [[] for _ in bars]
    upcoming = 0
    for index, bar in enumerate(bars):
        begin, end = edges[index], edges[index + 1]
        at = begin
        while upcoming < len(strokes) and strokes[upcoming].end <= begin:
            upcoming += 1
        for stroke in strokes[upcoming:]:
            if stroke.start >= end:
                break
            start, until = max(stroke.start, begin), min(stroke.end, end)
            written[index] += spell(at - begin, start - begin, bar.signature.beat, ())
            written[index] += spell(
                start - begin,
                until - begin,
                bar.signature.beat,
                stroke.notes,
                tied_in=stroke.start < begin,
                tied_on=stroke.end > end,
            )
            at = until
        written[index] += spell(at - begin, end - begin, bar.signature.beat, ())
    return [tuple(symbols) for symbols in written]
