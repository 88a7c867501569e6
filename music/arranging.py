"""Where on the neck to play: the cheapest way of one hand through the notes.

Notes that begin together form a group; the states of a group are the ways in which a hand can hold it along with what
rings on, and the best sequence of states is found by dynamic programming (Viterbi), as in Sayegh, "Fingering for String
Instruments with the Optimum Path Paradigm" (Computer Music Journal 13/3, 1989). What is cheap is learned from people's
tabs (`music.hand_model`, `music.string_prior`). `arrange` finds the optimum over all groups. `LiveArranger` settles one
group after the other when what follows within a fixed look-ahead is known, and never changes it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from music.hand_model import Floats
from music.hand_path import GROUP_SAMPLES, HandPath, Layer, Neck, Score
from music.note import Alternative, Note
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.tuning import Instrument, Position

OUT_OF_RANGE = "out_of_range"
UNPLAYABLE = "unplayable"
_BEYOND = 1.0
"""Cost above the dearest known for a place that no shape of the chord has."""
_TOGETHER = 256
"""Groups about which the prior is asked at once: enough to be quick, few enough to be small."""


def group_notes(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes by onset, then pitch, in groups that begin within `GROUP_SAMPLES` of their first."""
    groups: list[list[Note]] = []
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch, note.id)):
        if groups and note.onset <= groups[-1][0].onset + GROUP_SAMPLES:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _placed(layer: Layer, state: int, totals: Floats, instrument: Instrument) -> list[Note]:
    """The layer's notes with the positions of `state`, and what every other place would cost more."""
    above = totals - totals[state]
    dearest = float(above.max()) + _BEYOND
    placed = []
    for column, note in enumerate(layer.notes):
        strings = layer.states.strings[:, column]
        extra: dict[Position, float] = {}
        for position in instrument.positions_of(note.pitch):
            if position.string == strings[state]:
                chosen = position
            else:
                extra[position] = float(above[strings == position.string].min(initial=dearest))
        ranked = sorted(extra.items(), key=lambda item: (item[1], item[0]))
        alternatives = tuple(Alternative(position, round(max(0.0, cost), 3)) for position, cost in ranked)
        flags = tuple(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE))
        placed.append(replace(note, position=chosen, alternatives=alternatives, flags=flags))
    return placed


def _unplaced(note: Note, instrument: Instrument) -> Note:
    """A note without a place, with the reason among its flags."""
    reason = UNPLAYABLE if instrument.positions_of(note.pitch) else OUT_OF_RANGE
    flags = (*(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE)), reason)
    alternatives = tuple(Alternative(position, 0.0) for position in instrument.positions_of(note.pitch))
    return replace(note, position=None, alternatives=alternatives, flags=flags)


def arrange(
    notes: Sequence[Note],
    instrument: Instrument,
    preferences: Preferences = DEFAULT_PREFERENCES,
    pins: Mapping[str, Position] | None = None,
) -> list[Note]:
    """Positions for notes whose whole future is known: the optimum.

    Args:
        notes: in any order; their present positions are ignored.
        instrument: what they are to be played on.
        preferences: what the player can and likes.
        pins: positions that are decided, by note id; the others are arranged around them.

    Returns:
        The notes in the given order with `position`, `alternatives` and `flags` filled in and nothing else touched. A
        note gets no position and the flag "out_of_range" when the instrument has no place for it, "unplayable" when no
        hand can hold it together with the surer notes that begin with it.
    """
    numbered = [replace(note, id=str(index)) for index, note in enumerate(notes)]
    wanted = pins or {}
    decided = {str(index): wanted[note.id] for index, note in enumerate(notes) if note.id in wanted}
    programme, out = _programme(numbered, instrument, preferences, decided)
    result = {note.id: _unplaced(note, instrument) for note in out}
    if programme.layers:
        for layer, state, totals in zip(programme.layers, programme.best_path(), programme.totals(), strict=True):
            result |= {note.id: note for note in _placed(layer, state, totals, instrument)}
    return [replace(result[str(index)], id=note.id) for index, note in enumerate(notes)]


def least_cost(
    notes: Sequence[Note],
    instrument: Instrument,
    preferences: Preferences = DEFAULT_PREFERENCES,
    pins: Mapping[str, Position] | None = None,
) -> tuple[float, int]:
    """What the optimum of `arrange` costs (unitless), and how many notes have no place in it."""
    programme, out = _programme(notes, instrument, preferences, pins or {})
    return (float(programme.totals(len(programme.layers) - 1)[0].min()) if programme.layers else 0.0), len(out)


def _programme(
    notes: Sequence[Note], instrument: Instrument, preferences: Preferences, pins: Mapping[str, Position]
) -> tuple[HandPath, list[Note]]:
    """All layers, and the notes that are in none."""
    score = Score(Neck(instrument, preferences.weights, preferences.reach))
    programme = HandPath(preferences.weights)
    begun = [score.begin(group) for group in group_notes(notes)]
    playing = [group for group in begun if group.notes]
    for first in range(0, len(playing), _TOGETHER):
        for layer in score.layers(playing[first : first + _TOGETHER], pins):
            programme.append(layer)
    return programme, [note for group in begun for note in group.out]


class LiveArranger:
    """Positions for notes as they come, settled once and for all.

    A group is settled when every onset up to `lookahead` samples after its first note is known. What has been given
    depends on the notes and the order of calls alone, so callers drive it at fixed frames.
    """

    def __init__(self, instrument: Instrument, lookahead: int, preferences: Preferences = DEFAULT_PREFERENCES) -> None:
        self._instrument = instrument
        self._lookahead = lookahead
        self._score = Score(Neck(instrument, preferences.weights, preferences.reach))
        self._programme = HandPath(preferences.weights)
        self._waiting: list[Note] = []
        self._unsettled: list[int] = []  # onset of every layer that is not settled
        self._settled_layers = 0

    @property
    def first_unsettled(self) -> int | None:
        """Onset of the earliest note whose position is open; None when there is none."""
        waiting = min((note.onset for note in self._waiting), default=None)
        return self._unsettled[0] if self._unsettled else waiting

    def add(self, note: Note) -> None:
        """Take a note; its onset must not lie before what `advance` was told to be known."""
        self._waiting.append(note)

    def advance(self, known_until: int, offsets: Mapping[str, int | None]) -> list[Note]:
        """Settle what can be settled.

        Args:
            known_until: sample index; every note with an earlier onset has been added.
            offsets: how notes that were added before have ended since, by id.

        Returns:
            The notes settled now, by group, each with its position or a flag.
        """
        settled: list[Note] = []
        for group in group_notes(self._waiting):
            if known_until <= group[0].onset + GROUP_SAMPLES:
                break
            taken = {id(note) for note in group}
            self._waiting = [note for note in self._waiting if id(note) not in taken]
            settled += self._append(
                [replace(note, offset=offsets.get(note.id, note.offset)) for note in group], offsets
            )
        while self._unsettled and known_until > self._unsettled[0] + GROUP_SAMPLES + self._lookahead:
            settled += self._settle_first()
        return settled

    def finish(self, offsets: Mapping[str, int | None]) -> list[Note]:
        """Settle everything."""
        last = max((note.onset for note in self._waiting), default=0)
        settled = self.advance(last + GROUP_SAMPLES + 1, offsets)
        while self._unsettled:
            settled += self._settle_first()
        return settled

    def _append(self, group: list[Note], offsets: Mapping[str, int | None]) -> list[Note]:
        begun = self._score.begin(group, offsets)
        if begun.notes:
            self._programme.append(self._score.layers([begun])[0])
            self._unsettled.append(group[0].onset)
        return [_unplaced(note, self._instrument) for note in begun.out]

    def _settle_first(self) -> list[Note]:
        index = self._settled_layers
        totals = self._programme.totals(index)[0]
        layer, state = self._programme.layers[index], int(totals.argmin())
        placed = _placed(layer, state, totals, self._instrument)
        self._programme.settle(index, layer.states.strings[state, : len(layer.notes)])
        self._settled_layers = 1
        del self._unsettled[0]
        return placed
