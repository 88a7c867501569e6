"""What the arranger says of a note: where it lies, what every other place would cost more, or why it has no place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from music.hand_model import Floats
from music.hand_states import States
from music.note import Alternative, Note
from music.tuning import Instrument, Position

OUT_OF_RANGE = "out_of_range"
UNPLAYABLE = "unplayable"
_BEYOND = 1.0
"""Cost above the dearest known for a place that no shape of the chord has."""


class PlacedNotes:
    """Writes places into notes of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._places: dict[int, tuple[Position, ...]] = {}

    def placed(self, notes: Sequence[Note], states: States, state: int, totals: Floats) -> list[Note]:
        """The notes that begin with a layer, in the positions of one of its states.

        Args:
            notes: of the layer.
            states: of the layer.
            state: the one that is told.
            totals: f64[s], cost of the best way through each state.
        """
        above = totals - totals[state]
        dearest = float(above.max()) + _BEYOND
        count, strings = len(notes), self._instrument.string_count
        least = np.full(count * strings, dearest)
        np.minimum.at(least, states.place.ravel(), above if count == 1 else np.repeat(above, count))
        costs, chosen = least.tolist(), states.place[state].tolist()
        return [
            self._placed(note, costs[row * strings : (row + 1) * strings], chosen[row] - row * strings)
            for row, note in enumerate(notes)
        ]

    def _placed(self, note: Note, costs: list[float], chosen: int) -> Note:
        ranked, position = [], None
        for place in self._places_of(note.pitch):
            if place.string - 1 == chosen:
                position = place
            else:
                ranked.append((costs[place.string - 1], place))
        ranked.sort()
        alternatives = tuple([Alternative(place, round(cost, 3) if cost > 0 else 0.0) for cost, place in ranked])
        return note.put(position, alternatives, _without_reasons(note.flags))

    def unplaced(self, note: Note) -> Note:
        """A note without a place, with the reason among its flags."""
        places = self._places_of(note.pitch)
        flags = (*_without_reasons(note.flags), UNPLAYABLE if places else OUT_OF_RANGE)
        return note.put(None, tuple([Alternative(place, 0.0) for place in places]), flags)

    def _places_of(self, pitch: int) -> tuple[Position, ...]:
        places = self._places.get(pitch)
        if places is None:
            places = self._places[pitch] = tuple(self._instrument.positions_of(pitch))
        return places


def _without_reasons(flags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([flag for flag in flags if flag not in (OUT_OF_RANGE, UNPLAYABLE)]) if flags else flags
