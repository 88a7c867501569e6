"""Where on the neck to play: the cheapest way of one hand through the notes.

Notes that begin together form a group; the states of a group are the ways in which a hand can hold it along with what
rings on, and the best sequence of states is found by dynamic programming (Viterbi), as in Sayegh, "Fingering for String
Instruments with the Optimum Path Paradigm" (Computer Music Journal 13/3, 1989). What is cheap is learned from people's
tabs (`music.hand_model`, `music.string_prior`). `arrange` finds the optimum over all groups. `LiveArranger` settles one
group after the other when what follows within a fixed look-ahead is known, and never changes it again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from music.habit import RECALL_SAMPLES
from music.hand_model import HandWeights
from music.hand_path import HandPath, Moves, Recalled
from music.hand_score import GROUP_SAMPLES, Layer, Score, pinned
from music.hand_states import Neck
from music.neck import ANYWHERE, Reach
from music.note import Note
from music.placed_notes import PlacedNotes
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.string_prior import StringPrior
from music.tuning import Instrument, Position

CHANGED_MIND = 0.4
"""Cost of a note that is put elsewhere than by somebody who reads one second ahead: whoever knows the whole piece
changes what was told live only where it pays.
"""
_HANDS = 4
"""Kinds of sessions (instrument and player) that are remembered: some ten megabytes each at the most."""
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
    if len({note.id for note in notes}) < len(notes):
        numbered = [replace(note, id=str(index)) for index, note in enumerate(notes)]
        decided = {str(i): pins[note.id] for i, note in enumerate(notes) if note.id in pins} if pins else {}
        placed = arrange(numbered, instrument, preferences, decided)
        return [replace(found, id=note.id) for note, found in zip(notes, placed, strict=True)]
    programme, out = _programme(notes, instrument, preferences, pins or {})
    places = PlacedNotes(instrument)
    result = {note.id: places.unplaced(note) for note in out}
    if programme.layers:
        for layer, state, totals in zip(programme.layers, *programme.ways(), strict=True):
            for note in places.placed(layer.notes, layer.states, state, totals):
                result[note.id] = note
    return [result[note.id] for note in notes]


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
    """All layers, and the notes that are in none. Pins bind the way, not what is remembered of it."""
    programme, out = follow(notes, instrument, preferences.weights, preferences.reach)
    if pins:
        free, programme = programme, HandPath(Moves(preferences.weights))
        for layer in free.layers:
            programme.append(pinned(layer, pins))
    return programme, out


def follow(
    notes: Sequence[Note],
    instrument: Instrument,
    weights: HandWeights,
    reach: Reach = ANYWHERE,
    prior: StringPrior | None = None,
) -> tuple[HandPath, list[Note]]:
    """The programme of all notes, with habits as they form on the way; and the notes that have no place in it."""
    score, costs = Score(Neck(instrument, weights, reach), prior), Moves(weights)
    at_sight, considered = HandPath(costs), HandPath(costs)
    groups = group_notes(notes)
    score.look_at(groups)
    begun = [score.begin(group) for group in groups]
    playing = [group for group in begun if group.notes]
    for first in range(0, len(playing), _TOGETHER):
        together = playing[first : first + _TOGETHER]
        layers = score.layers(together)
        for group in together:
            for past in _recall(at_sight, score, group.onset):
                considered.append(_priced(past), past.moves)
            at_sight.append(next(layers))
    for past in at_sight.recall(sys.maxsize):
        considered.append(_priced(past), past.moves)
    return considered, [note for group in begun for note in group.out]


def _priced(past: Recalled) -> Layer:
    """A layer with the price of placing notes elsewhere than at sight."""
    place = past.layer.states.place
    elsewhere = (place != place[past.state]).sum(axis=1)
    return past.layer.at_cost(past.layer.cost + CHANGED_MIND * elsewhere)


def _recall(programme: HandPath, score: Score, onset: int) -> list[Recalled]:
    """Remember what lies far enough before `onset`."""
    told = programme.recall(onset - RECALL_SAMPLES)
    for past in told:
        notes = past.layer.notes
        strings = past.layer.states.strings[past.state, : len(notes)]
        score.habit.remember([note.pitch for note in notes], strings, past.layer.onset)
    return told


@lru_cache(maxsize=_HANDS)
def known_hand(instrument: Instrument, preferences: Preferences) -> tuple[Neck, Moves]:
    """The states of chords and what lies between them, which all sessions of one kind share: working them out anew
    takes a third of a live session's time.
    """
    return Neck(instrument, preferences.weights, preferences.reach), Moves(preferences.weights)


class LiveArranger:
    """Positions for notes as they come, settled once and for all.

    A group is settled when every onset up to `lookahead` samples after its first note is known. What has been given
    depends on the notes and the order of calls alone, so callers drive it at fixed frames.

    Args:
        instrument: what is played.
        lookahead: samples.
        preferences: what the player can and likes.
        hears_ends: whether `end` is told of every note, so that one that has not ended sounds on; otherwise a note
            whose offset is not known when the next begins is taken to have ended.
    """

    def __init__(
        self,
        instrument: Instrument,
        lookahead: int,
        preferences: Preferences = DEFAULT_PREFERENCES,
        *,
        hears_ends: bool = False,
    ) -> None:
        self._places = PlacedNotes(instrument)
        self._lookahead = lookahead
        self._hears_ends = hears_ends
        neck, moves = known_hand(instrument, preferences)
        self._score = Score(neck)
        self._programme = HandPath(moves)
        self._waiting: list[Note] = []
        self._ends: dict[str, int | None] = {}
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

    def end(self, note_id: str, offset: int) -> None:
        """Tell when a note that was added has ended."""
        self._ends[note_id] = offset

    def advance(self, known_until: int, offsets: Mapping[str, int | None]) -> list[Note]:
        """Settle what can be settled.

        Args:
            known_until: sample index; every note with an earlier onset has been added.
            offsets: how notes that were added before have ended since, by id.

        Returns:
            The notes settled now, by group, each with its position or a flag.
        """
        settled: list[Note] = []
        self._ends |= {name: offset for name, offset in offsets.items() if offset is not None}
        for group in group_notes(self._waiting):
            if known_until <= group[0].onset + GROUP_SAMPLES:
                break
            taken = {id(note) for note in group}
            self._waiting = [note for note in self._waiting if id(note) not in taken]
            settled += self._append(group)
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

    def _append(self, group: list[Note]) -> list[Note]:
        unknown = None if self._hears_ends else 0
        self._ends |= {note.id: unknown for note in group if note.offset is None and note.id not in self._ends}
        begun = self._score.begin(group, self._ends)
        sounding = {note.id for note in self._score.sounding}
        self._ends = {name: end for name, end in self._ends.items() if name in sounding}
        if begun.notes:
            _recall(self._programme, self._score, begun.onset)
            self._programme.append(next(self._score.layers([begun])))
            self._unsettled.append(group[0].onset)
        return [self._places.unplaced(note) for note in begun.out]

    def _settle_first(self) -> list[Note]:
        # One settled layer at least is kept before the open ones: they are the further end of its transitions.
        index = self._settled_layers
        totals = self._programme.totals(index)[0]
        layer = self._programme.layers[index]
        placed = self._places.placed(layer.notes, layer.states, int(totals.argmin()), totals)
        self._settled_layers += 1
        self._settled_layers -= self._programme.forget(self._settled_layers - 1)
        del self._unsettled[0]
        return placed
