"""What travels of a player's wishes says the same as what arranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput, Reason
from music.neck import ANYWHERE
from music.player import DEFAULT_PLAYER, DIFFICULTY_NAMES, STYLE_NAMES, Player
from music.preferences import DEFAULT_PREFERENCES, DIFFICULTIES, STYLES
from music.tuning import Instrument

players = st.builds(
    lambda difficulty, style, span, frets: Player(difficulty, style, span, min(frets), max(frets)),
    st.sampled_from(DIFFICULTY_NAMES),
    st.sampled_from(STYLE_NAMES),
    st.integers(1, 5),
    st.tuples(st.integers(1, 36), st.integers(1, 36)),
)


def test_the_names_are_those_of_the_hand() -> None:
    assert set(DIFFICULTY_NAMES) == set(DIFFICULTIES)
    assert set(STYLE_NAMES) == set(STYLES)


def test_a_player_who_asks_for_nothing_is_the_usual_one() -> None:
    assert DEFAULT_PLAYER.preferences == DEFAULT_PREFERENCES
    assert DEFAULT_PLAYER.preferences.reach == ANYWHERE


@given(players)
def test_preferences_and_settings_say_the_same(player: Player) -> None:
    settings = player.settings(Instrument(capo=2, fret_count=24), {"n1": 3})
    assert settings.preferences == player.preferences
    assert settings.instrument == Instrument(capo=2, fret_count=24)
    assert settings.pins == {"n1": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"difficulty": "wizard"},
        {"style": "anyhow"},
        {"max_stretch": 0},
        {"max_stretch": 6},
        {"lowest_fret": 0},
        {"lowest_fret": 9, "highest_fret": 5},
        {"highest_fret": 99},
    ],
)
def test_a_wish_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Player(**wrong)  # type: ignore[arg-type]  # names and numbers in one table
    assert refused.value.reason is Reason.CONFIG_INVALID
