"""A document is the log's notes, elsewhere on the neck."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.derived import Wanted, derive, rearrange, wanted_by
from music.errors import Conflict, Reason
from music.events import AudioEncoding, AudioFormat, EndReason, SessionConfig, SessionEnded, SessionStarted
from music.note import Note
from music.player import Player
from music.session_state import SessionState
from music.tuning import TUNINGS, Instrument
from tests.music.test_arranging import note, phrases


def session(notes: list[Note]) -> SessionState:
    state = SessionState()
    config = SessionConfig(AudioFormat(AudioEncoding.CONTAINER), Instrument(capo=2), player=Player("beginner"))
    state.started = SessionStarted(config, (), 0)
    state.ended = SessionEnded(EndReason.COMPLETED, 1_000_000)
    state.notes = {member.id: member for member in notes}
    return state


@given(phrases(most=8), st.sampled_from(sorted(TUNINGS)), st.integers(0, 7))
@settings(max_examples=30, deadline=None)
def test_nothing_is_lost_and_only_places_change(notes: list[Note], tuning: str, capo: int) -> None:
    state = session(notes)
    before = dict(state.notes)
    wanted = Wanted(Instrument(TUNINGS[tuning], capo), Player())
    derived = derive(state, wanted, rearrange(state, wanted))
    assert state.notes == before, "the log is left alone"
    assert set(derived.notes) == set(before)
    for name, placed in derived.notes.items():
        assert replace(placed, position=None, alternatives=(), flags=()) == replace(
            before[name], position=None, alternatives=(), flags=()
        )
        if placed.position is None:
            assert placed.flags
        else:
            assert wanted.instrument.pitch_at(placed.position) == placed.pitch


def test_a_document_says_what_it_was_arranged_for() -> None:
    state = session([note(0, 0, 64)])
    assert wanted_by(state) == Wanted(Instrument(capo=2), Player("beginner"))
    wanted = Wanted(Instrument(TUNINGS["drop_d"]), Player("advanced"), (("n0", 2),))
    derived = derive(state, wanted, rearrange(state, wanted))
    assert wanted_by(derived) == replace(wanted, pins=())
    place = derived.notes["n0"].position
    assert place is not None
    assert place.string == 2
    assert wanted_by(state).instrument.capo == 2


def test_what_has_not_begun_has_no_documents() -> None:
    with pytest.raises(Conflict) as refused:
        wanted_by(SessionState())
    assert refused.value.reason is Reason.RESULT_NOT_READY
