from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput, Reason
from music.tuning import MAX_STRINGS, TUNINGS, Instrument, Position, parse_tuning

instruments = st.builds(
    Instrument,
    tuning=st.one_of(
        st.sampled_from(sorted(TUNINGS.values())),
        st.lists(st.integers(24, 72), min_size=4, max_size=8).map(tuple),
    ),
    capo=st.integers(0, 12),
    fret_count=st.integers(12, 36),
)


@given(instrument=instruments, pitch=st.integers(0, 127))
def test_every_position_yields_the_pitch(instrument: Instrument, pitch: int) -> None:
    positions = instrument.positions_of(pitch)
    assert [instrument.pitch_at(position) for position in positions] == [pitch] * len(positions)
    assert len({position.string for position in positions}) == len(positions)
    assert all(0 <= position.fret <= instrument.fret_count - instrument.capo for position in positions)
    if not instrument.lowest_pitch <= pitch <= instrument.highest_pitch:
        assert positions == []


@given(instrument=instruments)
def test_the_ends_of_the_range_can_be_played(instrument: Instrument) -> None:
    assert instrument.positions_of(instrument.lowest_pitch)
    assert instrument.positions_of(instrument.highest_pitch)


def test_nothing_sounds_above_midi() -> None:
    high = Instrument((100, 95, 90, 85), capo=12, fret_count=36)
    assert high.highest_pitch == 127
    assert high.positions_of(127)
    assert high.positions_of(128) == []


def test_string_one_is_the_high_e_and_frets_count_from_the_capo() -> None:
    guitar = Instrument(capo=2)
    assert guitar.pitch_at(Position(1, 0)) == 66
    assert guitar.pitch_at(Position(6, 3)) == 45
    assert guitar.positions_of(66) == [Position(1, 0), Position(2, 5), Position(3, 9), Position(4, 14), Position(5, 19)]
    assert guitar.string_count == 6


@pytest.mark.parametrize(
    ("text", "pitches"),
    [
        ("standard", (64, 59, 55, 50, 45, 40)),
        ("Drop-D", TUNINGS["drop_d"]),
        (" open g ", TUNINGS["open_g"]),
        ("64,59,55,50,45,38", TUNINGS["drop_d"]),
        ("43, 38, 33, 28", TUNINGS["bass"]),
    ],
)
def test_a_tuning_by_name_or_by_pitches(text: str, pitches: tuple[int, ...]) -> None:
    assert parse_tuning(text) == pitches


@pytest.mark.parametrize("text", ["", "standrad", "64,59", "64;59;55;50", "1e9,2,3,4", "64,59,55,50,45,400", "9" * 50])
def test_a_tuning_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_tuning(text)
    assert caught.value.reason is Reason.TUNING_INVALID


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        (Reason.TUNING_INVALID, {"tuning": (60,) * (MAX_STRINGS + 1)}),
        (Reason.TUNING_INVALID, {"tuning": (64, 59, 55, 11)}),
        (Reason.CAPO_INVALID, {"capo": -1}),
        (Reason.CAPO_INVALID, {"capo": 13}),
        (Reason.CONFIG_INVALID, {"fret_count": 11}),
        (Reason.CONFIG_INVALID, {"fret_count": 37}),
    ],
)
def test_an_instrument_that_is_none(reason: Reason, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Instrument(**wrong)  # type: ignore[arg-type]
    assert caught.value.reason is reason
