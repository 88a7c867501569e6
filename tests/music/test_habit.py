from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.arranging import LiveArranger, arrange
from music.habit import FADES_S, Habit
from music.preferences import Preferences
from music.tuning import Instrument
from tests.music.test_arranging import note
from tests.music.test_tuning import instruments

GUITAR = Instrument()
SECOND = 22_050


@given(instrument=instruments, data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_pitch_has_shares_of_one(instrument: Instrument, data: st.DataObject) -> None:
    habit, onset = Habit(instrument), 0
    pitches = st.integers(instrument.lowest_pitch, min(127, instrument.highest_pitch))
    for _ in range(data.draw(st.integers(0, 6))):
        onset += data.draw(st.sampled_from([0, 5_000, SECOND * 60, SECOND * 10_000]))
        pitch = data.draw(pitches)
        places = instrument.positions_of(pitch)
        if places:
            habit.remember([pitch], np.array([data.draw(st.sampled_from(places)).string]), onset)
    asked = [pitch for pitch in range(128) if instrument.positions_of(pitch)]
    for pitch, costs in zip(asked, habit.costs(asked, onset), strict=True):
        strings = [place.string - 1 for place in instrument.positions_of(pitch)]
        assert (costs >= 0).all()
        assert np.exp(-costs[strings]).sum() == pytest.approx(1)
        assert not np.delete(costs, strings).any()


def test_what_was_played_is_usual_and_fades() -> None:
    habit = Habit(GUITAR)
    before = habit.costs([64], 0)[0]
    assert len(set(before[:5])) == 1, "nobody knows anything yet"
    habit.remember([64], np.array([3]), 0)
    soon, late = (habit.costs([64], round(passed_s * SECOND))[0] for passed_s in (1, 20 * FADES_S))
    assert soon.argmin() == 2 or soon[2] == soon[:5].min()
    assert before[2] - soon[2] > 0.3
    assert late == pytest.approx(before, abs=1e-3)
    assert habit.costs([65], SECOND)[0] == pytest.approx(Habit(GUITAR).costs([65], SECOND)[0]), "of 65 nothing is known"


def test_a_note_that_comes_again_is_played_where_it_was() -> None:
    """A low line leads to string 3, a high one to string 1; what follows is the same and says nothing."""
    sure = Preferences(learned=Preferences().weights.changed({"same": 3.0}))
    heads = {
        "low": [45, 47, 48, 50, 52, 53, 55, 57, 59, 60, 59, 57],
        "high": [76, 79, 81, 79, 76, 74, 76, 79, 76, 74, 72, 71],
    }
    seen = {}
    for name, head in heads.items():
        line = [note(number, number * 5_000, pitch) for number, pitch in enumerate([*head, 64])]
        again = [note(99, line[-1].onset + 4 * SECOND, 64)]
        first, second = arrange([*line, *again], GUITAR, sure)[-2:]
        assert first.position == second.position
        seen[name] = second.position
    assert all(seen.values())


def test_live_and_offline_remember_the_same() -> None:
    sure = Preferences(learned=Preferences().weights.changed({"same": 1.0}))
    line = [note(number, number * 9_000, 59 + (number * 7) % 12) for number in range(40)]
    live = LiveArranger(GUITAR, 10**9, sure)
    for member in line:
        live.advance(member.onset, {})
        live.add(member)
    placed = {member.id: member.position for member in live.finish({})}
    with patch("music.arranging.CHANGED_MIND", 0.0):
        assert [placed[member.id] for member in line] == [member.position for member in arrange(line, GUITAR, sure)]
