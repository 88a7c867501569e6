"""Where on the neck to play: the cheapest way of one hand through the notes.

Notes that begin together form a group; the states of a group are the shapes in which a hand can hold it, and the best
sequence of shapes is found by dynamic programming (Viterbi), as in Sayegh, "Fingering for String Instruments with the
Optimum Path Paradigm" (Computer Music Journal 13/3, 1989). A shape includes where the hand lies, so a phrase within
four frets costs no move. `arrange` finds the optimum over all groups. `LiveArranger` settles one group after the other
when what follows within a fixed look-ahead is known, and never changes it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from music.hand_path import GROUP_SAMPLES, MOVE_COST, Floats, HandPath, Layer, ShapeBook
from music.note import Alternative, Note
from music.tuning import Instrument

OUT_OF_RANGE = "out_of_range"
UNPLAYABLE = "unplayable"


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
    chosen = layer.shapes[state]
    dearest = float(totals.max() - totals.min()) + MOVE_COST
    placed = []
    for index, note in enumerate(layer.notes):
        extra = dict.fromkeys(instrument.positions_of(note.pitch), dearest)
        for shape, total in zip(layer.shapes, totals, strict=True):
            position = shape.positions[index]
            extra[position] = min(extra[position], float(total - totals[state]))
        del extra[chosen.positions[index]]
        ranked = sorted(extra.items(), key=lambda item: (item[1], item[0]))
        alternatives = tuple(Alternative(position, round(max(0.0, cost), 3)) for position, cost in ranked)
        flags = tuple(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE))
        placed.append(replace(note, position=chosen.positions[index], alternatives=alternatives, flags=flags))
    return placed


def _unplaced(note: Note, instrument: Instrument) -> Note:
    """A note without a place, with the reason among its flags."""
    reason = UNPLAYABLE if instrument.positions_of(note.pitch) else OUT_OF_RANGE
    flags = (*(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE)), reason)
    alternatives = tuple(Alternative(position, 0.0) for position in instrument.positions_of(note.pitch))
    return replace(note, position=None, alternatives=alternatives, flags=flags)


def arrange(notes: Sequence[Note], instrument: Instrument) -> list[Note]:
    """Positions for notes whose whole future is known: the optimum.

    Args:
        notes: in any order; their present positions are ignored.
        instrument: what they are to be played on.

    Returns:
        The notes in the given order with `position`, `alternatives` and `flags` filled in and nothing else touched. A
        note gets no position and the flag "out_of_range" when the instrument has no place for it, "unplayable" when no
        hand can hold it together with the surer notes that begin with it.
    """
    neck = ShapeBook(instrument)
    programme = HandPath()
    numbered = [replace(note, id=str(index)) for index, note in enumerate(notes)]
    result: dict[str, Note] = {}
    for group in group_notes(numbered):
        layer = neck.layer(group)
        result |= {note.id: _unplaced(note, instrument) for note in layer.out}
        if layer.notes:
            programme.append(layer)
    if programme.layers:
        for layer, state, totals in zip(programme.layers, programme.best_path(), programme.totals(), strict=True):
            result |= {note.id: note for note in _placed(layer, state, totals, instrument)}
    return [replace(result[str(index)], id=note.id) for index, note in enumerate(notes)]


class LiveArranger:
    """Positions for notes as they come, settled once and for all.

    A group is settled when every onset up to `lookahead` samples after its first note is known. What has been given
    depends on the notes and the order of calls alone, so callers drive it at fixed frames.
    """

    def __init__(self, instrument: Instrument, lookahead: int) -> None:
        self._instrument = instrument
        self._lookahead = lookahead
        self._neck = ShapeBook(instrument)
        self._programme = HandPath()
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

    def advance(self, known_until: int, offsets: dict[str, int | None]) -> list[Note]:
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
            settled += self._append([replace(note, offset=offsets.get(note.id, note.offset)) for note in group])
        while self._unsettled and known_until > self._unsettled[0] + GROUP_SAMPLES + self._lookahead:
            settled += self._settle_first()
        return settled

    def finish(self, offsets: dict[str, int | None]) -> list[Note]:
        """Settle everything."""
        last = max((note.onset for note in self._waiting), default=0)
        settled = self.advance(last + GROUP_SAMPLES + 1, offsets)
        while self._unsettled:
            settled += self._settle_first()
        return settled

    def _append(self, group: list[Note]) -> list[Note]:
        layer = self._neck.layer(group)
        if layer.notes:
            self._programme.append(layer)
            self._unsettled.append(group[0].onset)
        return [_unplaced(note, self._instrument) for note in layer.out]

    def _settle_first(self) -> list[Note]:
        index = self._settled_layers
        totals = self._programme.totals(index)[0]
        layer, state = self._programme.layers[index], int(totals.argmin())
        placed = _placed(layer, state, totals, self._instrument)
        self._programme.settle(index, layer.shapes[state].positions)
        self._settled_layers = 1
        del self._unsettled[0]
        return placed
