"""What one hand can hold: the shapes in which notes that sound together lie on the neck.

Playable means, as in docs and benchmarks: one note a string, at most four fingers where a barre counts one, and a span
of at most 4 frets below fret 7 and 5 above. Frets are counted from the capo, as positions are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from music.tuning import Instrument, Position

MAX_FINGERS = 4
_HIGH_FRET = 7
# Four fingers on neighbouring frets reach three frets up without stretching.
_RELAXED_SPAN = 3
_MOST_TRIED = 20_000

FRET_COST = 0.04
"""A mild preference for low frets, where strings are longer and ring better."""
OFFSET_COST = 0.05
"""Each fret between the hand's place and a fretted note."""
STRETCH_COST = 1.5
"""Each fret of span beyond what four neighbouring fingers cover."""
FINGER_COST = 0.1
"""Each finger that presses a string."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to hold the notes of a chord (or a single note).

    Attributes:
        positions: one for each note, in the notes' order, on distinct strings.
        hand: fret at which the index finger lies, ≥ 1; open strings alone leave it free.
        cost: what holding it costs, unitless, ≥ 0.
    """

    positions: tuple[Position, ...]
    hand: int
    cost: float


def span_limit(lowest_fret: int) -> int:
    """Frets the hand can span when its lowest finger is on `lowest_fret`."""
    return 4 if lowest_fret < _HIGH_FRET else 5


def finger_count(positions: Sequence[Position]) -> int:
    """Fingers needed; the index finger bars the notes of the lowest fret if no open string lies between them."""
    fretted = [position for position in positions if position.fret > 0]
    if not fretted:
        return 0
    lowest = min(position.fret for position in fretted)
    barred = [position.string for position in fretted if position.fret == lowest]
    inside = range(min(barred), max(barred) + 1)
    if any(position.fret == 0 and position.string in inside for position in positions):
        return len(fretted)
    return len(fretted) - len(barred) + 1


def is_playable(positions: Sequence[Position]) -> bool:
    """Whether one hand can hold these positions at once."""
    if len({position.string for position in positions}) < len(positions):
        return False
    frets = [position.fret for position in positions if position.fret > 0]
    if frets and max(frets) - min(frets) > span_limit(min(frets)):
        return False
    return finger_count(positions) <= MAX_FINGERS


def placements(pitches: Sequence[int], instrument: Instrument) -> Iterator[tuple[Position, ...]]:
    """Playable choices of one position for each pitch, in a fixed order: all of them on any real instrument.

    A tuning of eight equal strings has 8! ways to hold eight equal notes; the search ends after `_MOST_TRIED` steps.
    """
    choices = [instrument.positions_of(pitch) for pitch in pitches]
    open_ends: list[tuple[Position, ...]] = [()]
    for _ in range(_MOST_TRIED):
        if not open_ends:
            return
        chosen = open_ends.pop()
        if len(chosen) == len(choices):
            if finger_count(chosen) <= MAX_FINGERS:
                yield chosen
            continue
        strings = {position.string for position in chosen}
        # A part that cannot be held is cut at once. Fingers are counted at the end only: a note that comes later may
        # turn the others into a barre.
        longer = [(*chosen, position) for position in choices[len(chosen)] if position.string not in strings]
        open_ends += [positions for positions in reversed(longer) if _in_span(positions)]


def shapes_of(pitches: Sequence[int], instrument: Instrument) -> list[Shape]:
    """Every playable shape for pitches that sound together, with every place of the hand that reaches it."""
    last_hand = max(1, instrument.fret_count - instrument.capo)
    return [
        Shape(positions, hand, _holding_cost(positions, hand))
        for positions in placements(pitches, instrument)
        for hand in _hands(positions, last_hand)
    ]


def _in_span(positions: Sequence[Position]) -> bool:
    frets = [position.fret for position in positions if position.fret > 0]
    return not frets or max(frets) - min(frets) <= span_limit(min(frets))


def _hands(positions: Sequence[Position], last_hand: int) -> range:
    frets = [position.fret for position in positions if position.fret > 0]
    if not frets:
        return range(1, last_hand + 1)
    lowest, highest = min(frets), max(frets)
    return range(max(1, min(lowest, highest - _RELAXED_SPAN)), lowest + 1)


def _holding_cost(positions: Sequence[Position], hand: int) -> float:
    frets = [position.fret for position in positions if position.fret > 0]
    if not frets:
        return 0.0
    stretch = max(0, max(frets) - min(frets) - _RELAXED_SPAN)
    reach = sum(fret - hand for fret in frets)
    return FRET_COST * sum(frets) + OFFSET_COST * reach + STRETCH_COST * stretch + FINGER_COST * finger_count(positions)
