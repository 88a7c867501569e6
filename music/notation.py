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

from dataclasses import dataclass
from fractions import Fraction

from music.beats import Bar

MELODY, BASS = 1, 2


@dataclass(frozen=True, slots=True)
class Symbol:
    """One printed head, chord or rest.

    Attributes:
        start: whole notes from the bar's start.
        duration: whole notes.
        base: 1, 2, 4, 8, 16, 32: the type of note.
        dots: 0 to 2.
        tuplet: (actual, normal): (3, 2) for triplets, (1, 1) for none.
        notes: ids of the notes that sound, low to high; empty for a rest.
        tied: those of `notes` that are tied on into the voice's next symbol, in this bar or the next.
        starts: those of `notes` that begin here; the others were tied in.
    """

    start: Fraction
    duration: Fraction
    base: int
    dots: int = 0
    tuplet: tuple[int, int] = (1, 1)
    notes: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()

    @property
    def is_rest(self) -> bool:
        return not self.notes

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


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
