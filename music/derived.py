"""Documents that derive from a session's log: the same notes, elsewhere on the neck or in other bars.

The log itself never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace

from music.beats import NO_LOCK, RhythmLock
from music.errors import Conflict, Reason
from music.note import Note
from music.player import Player
from music.player_settings import PlayerSettings, arrange_for
from music.session_state import SessionState
from music.tuning import Instrument


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a document is made for: an instrument, a hand, strings that are decided, by note id; decided bars."""

    instrument: Instrument
    player: Player
    pins: tuple[tuple[str, int], ...] = ()
    lock: RhythmLock = NO_LOCK

    @property
    def settings(self) -> PlayerSettings:
        return self.player.settings(self.instrument, dict(self.pins))


def wanted_by(state: SessionState) -> Wanted:
    """What the session itself was asked for.

    Raises:
        Conflict: RESULT_NOT_READY, the session has not begun.
    """
    if state.started is None:
        raise Conflict(Reason.RESULT_NOT_READY, "This transcription has not begun. Ask again when it is completed.")
    return Wanted(state.started.config.instrument, state.started.config.player, lock=state.lock)


def rearrange(state: SessionState, wanted: Wanted) -> list[Note]:
    """The session's notes, by onset, with the best places for what is wanted; nothing else of them differs.

    Raises:
        InvalidInput: REQUEST_INVALID, a pin names no note, or a string that does not have its pitch.
    """
    return arrange_for(state.sorted_notes(), wanted.settings)


def derive(state: SessionState, wanted: Wanted, places: Iterable[Note]) -> SessionState:
    """A session as a document says it: instrument and hand as wanted, and of `places` position, alternatives, flags.

    A note of which `places` says nothing stays as it is. The given state is left alone.
    """
    if state.started is None:
        raise Conflict(Reason.RESULT_NOT_READY, "This transcription has not begun. Ask again when it is completed.")
    derived = copy(state)
    config = replace(state.started.config, instrument=wanted.instrument, player=wanted.player)
    derived.started = replace(state.started, config=config)
    derived.notes = dict(state.notes)
    for place in places:
        note = derived.notes.get(place.id)
        if note is not None:
            derived.notes[place.id] = replace(
                note, position=place.position, alternatives=place.alternatives, flags=place.flags
            )
    return derived
