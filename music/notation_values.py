"""Which symbols write a length at a place in a bar: dots, triplets, ties over beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_BASES = (1, 2, 4, 8, 16, 32, 64)
_TRIPLET = (3, 2)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One printed head, chord or rest.

    Attributes:
        start: whole notes from the bar's start.
        duration: whole notes.
        base: 1, 2, 4, 8, 16, 32, 64: the type of note.
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


def spell(
    start: Fraction,
    end: Fraction,
    beat: Fraction,
    notes: Sequence[str],
    *,
    tied_in: bool = False,
    tied_on: bool = False,
) -> list[Symbol]:
    """Symbols from `start` to `end`, none where they are equal.

    Args:
        start: whole notes from the bar's start.
        end: the same.
        beat: length of a beat; symbols that begin within one end with it, but for plain syncopation.
        notes: ids; empty for rests.
        tied_in: whether the notes began before.
        tied_on: whether they last on after.
    """
    pieces: list[tuple[Fraction, Fraction]] = []
    at = start
    while at < end:
        until = _reach(at, end, beat)
        pieces.append((at, until))
        at = until
    symbols = []
    for index, (begin, until) in enumerate(pieces):
        base, dots, tuplet = value_of(until - begin) or (64, 0, (1, 1))
        tied = tuple(notes) if index < len(pieces) - 1 or tied_on else ()
        starts = tuple(notes) if index == 0 and not tied_in else ()
        symbols.append(Symbol(begin, until - begin, base, dots, tuplet, tuple(notes), tied, starts))
    return symbols


def value_of(length: Fraction) -> tuple[int, int, tuple[int, int]] | None:
    """Type, dots and tuplet of a length that one symbol can write; None for others."""
    for tuplet in ((1, 1), _TRIPLET):
        plain = length * tuplet[0] / tuplet[1]
        for dots in (0, 1) if tuplet == (1, 1) else (0,):
            base = (2 - Fraction(1, 2**dots)) / plain
            if base.denominator == 1 and base.numerator in _BASES:
                return base.numerator, dots, tuplet
    return None


def _reach(at: Fraction, end: Fraction, beat: Fraction) -> Fraction:
    """Where a symbol that begins at `at` ends: at `end` if one symbol can say it legibly, else earlier."""
    place = at % beat
    next_beat = at - place + beat
    value = value_of(end - at)
    is_plain = value is not None and value[2] == (1, 1)
    if end <= next_beat:
        return end if value is not None else at + _largest(end - at)
    if place == 0:
        if is_plain:
            return end
        whole = (end - at) // beat * beat
        return at + (whole if value_of(whole) else _largest(whole))
    if is_plain and place * 2 == beat and end - at == beat:
        return end
    return next_beat if value_of(next_beat - at) else at + _largest(next_beat - at)


def _largest(length: Fraction) -> Fraction:
    """The longest length within `length` that one symbol can write and that leaves one that some can."""
    fitting = [value for value in _WRITABLE if value <= length]
    even = [value for value in fitting if ((length - value) * 96).denominator == 1]
    return (even or fitting or [length])[-1]


_WRITABLE = sorted(
    {Fraction(1, base) * (2 - Fraction(1, 2**dots)) for base in _BASES for dots in (0, 1)}
    | {Fraction(1, base) * Fraction(_TRIPLET[1], _TRIPLET[0]) for base in _BASES}
)
