from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.arranging import arrange
from music.errors import InvalidInput, Reason
from music.note import Note
from music.player_settings import PlayerSettings, arrange_for
from music.preferences import DIFFICULTIES, STYLES
from music.tuning import TUNINGS, Position
from tests.music.test_arranging import note, phrases

TUNE = [note(number, number * 6_000, pitch) for number, pitch in enumerate([55, 57, 59, 60, 62, 64, 65, 67])]


@given(
    notes=phrases(most=10),
    tuning=st.sampled_from(sorted(TUNINGS)),
    capo=st.integers(0, 7),
    fret_count=st.integers(12, 24),
    difficulty=st.sampled_from(sorted(DIFFICULTIES)),
    style=st.sampled_from(sorted(STYLES)),
)
@settings(max_examples=30, deadline=None)
def test_settings_say_what_their_parts_say(
    notes: list[Note], tuning: str, capo: int, fret_count: int, difficulty: str, style: str
) -> None:
    wanted = PlayerSettings(TUNINGS[tuning], capo, fret_count, difficulty, style)
    placed = arrange_for(notes, wanted)
    assert placed == arrange(notes, wanted.instrument, wanted.preferences)
    last = fret_count - capo
    assert all(member.position.fret <= last for member in placed if member.position)


def test_the_hand_stays_where_it_is_allowed() -> None:
    placed = arrange_for(TUNE, PlayerSettings(lowest_fret=5, highest_fret=9))
    frets = [member.position.fret for member in placed if member.position]
    assert len(frets) == len(TUNE)
    assert all(fret == 0 or 5 <= fret <= 9 for fret in frets)


def test_a_small_hand_does_not_stretch() -> None:
    chord = [note(number, 0, pitch) for number, pitch in enumerate([43, 50, 55, 59, 65])]
    placed = arrange_for(chord, PlayerSettings(most_span=2))
    frets = [member.position.fret for member in placed if member.position and member.position.fret]
    assert max(frets) - min(frets) <= 2


def test_pins_are_kept() -> None:
    placed = arrange_for(TUNE, PlayerSettings(pins={"n3": 4}))
    assert placed[3].position == Position(4, 10)


@pytest.mark.parametrize(("pins", "says"), [({"n99": 1}, "no note"), ({"n0": 1}, "cannot be pinned")])
def test_a_pin_that_cannot_be_is_refused(pins: dict[str, int], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        arrange_for(TUNE, PlayerSettings(pins=pins))
    assert refused.value.reason is Reason.REQUEST_INVALID


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tuning": (64, 59)}, Reason.TUNING_INVALID),
        ({"capo": 13}, Reason.CAPO_INVALID),
        ({"fret_count": 99}, Reason.CONFIG_INVALID),
        ({"difficulty": "wizard"}, Reason.CONFIG_INVALID),
        ({"style": "anyhow"}, Reason.CONFIG_INVALID),
        ({"most_span": 0}, Reason.CONFIG_INVALID),
        ({"lowest_fret": 9, "highest_fret": 5}, Reason.CONFIG_INVALID),
    ],
)
def test_settings_are_checked_when_they_are_made(wrong: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidInput) as refused:
        PlayerSettings(**wrong)
    assert refused.value.reason is reason
