from __future__ import annotations

import math
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from music.string_chances import CONTEXT_FIGURES, LEAST, PLACE_FIGURES, StringChances
from music.string_prior import Memory, Moment, learned_prior
from music.tuning import TUNINGS, Instrument
from tests.music.test_tuning import instruments

GUITAR = Instrument()


@given(
    instrument=instruments,
    groups=st.lists(st.lists(st.integers(12, 127), min_size=1, max_size=8), min_size=1, max_size=5),
    held=st.lists(st.integers(12, 127), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_every_note_gets_probabilities_of_its_places(
    instrument: Instrument, groups: list[list[int]], held: list[int]
) -> None:
    memory, chances = Memory(), StringChances(instrument, learned_prior())
    for number, pitches in enumerate(groups):
        onset = number * 9_000
        moment = Moment(tuple(pitches), tuple(held), memory.recall(onset))
        context, owner, string, place = chances.figures([moment])
        assert context.shape == (len(pitches), CONTEXT_FIGURES)
        assert place.shape == (len(owner), PLACE_FIGURES)
        there = [(i, p.string - 1) for i, pitch in enumerate(pitches) for p in instrument.positions_of(pitch)]
        assert list(zip(owner, string, strict=True)) == there
        costs = chances.costs([moment])[0]
        assert costs.shape == (len(pitches), instrument.string_count)
        assert ((costs >= 0) & (costs <= -math.log(LEAST) + 1e-9)).all()
        for index, pitch in enumerate(pitches):
            if instrument.positions_of(pitch):
                assert np.exp(-costs[index]).sum() == pytest.approx(1.0, abs=instrument.string_count * LEAST)
        memory.remember(pitches, onset)


def asked(memory: Memory, pitch: int, onset: int, instrument: Instrument = GUITAR) -> NDArray[np.float64]:
    moment = Moment((pitch,), (), memory.recall(onset))
    (costs,) = StringChances(instrument, learned_prior()).costs([moment])
    return costs.reshape(-1)


def test_moments_are_asked_about_together_as_one_by_one() -> None:
    memory, moments = Memory(), list[Moment]()
    for number, pitches in enumerate([(40, 47, 52), (64,), (), (40, 59, 64, 67), (20,)]):
        moments.append(Moment(pitches, (45,), memory.recall(number * 9_000)))
        memory.remember(pitches, number * 9_000)
    chances = StringChances(GUITAR, learned_prior())
    for together, moment in zip(chances.costs(moments), moments, strict=True):
        assert together == pytest.approx(chances.costs([moment])[0], abs=1e-5)
        assert together.shape == (len(moment.pitches), 6)


def test_what_is_long_past_is_forgotten() -> None:
    memory = Memory()
    memory.remember([40, 47, 52], 1_000)
    assert not np.allclose(asked(memory, 57, 9_000), asked(memory, 57, 10**8))
    assert np.allclose(asked(memory, 57, 10**8), asked(Memory(), 57, 10**8), atol=1e-6)


def test_high_company_makes_high_places_likelier() -> None:
    high, low = Memory(), Memory()
    for number in range(8):
        high.remember([74 + number % 4], number * 5_000)
        low.remember([57 + number % 4], number * 5_000)
    costs = [asked(memory, 71, 40_000) for memory in (high, low)]
    assert costs[0][0] > costs[1][0], "a note is less likely low on string 1 after notes up the neck"


def test_a_bass_is_asked_about_as_a_guitar_is() -> None:
    assert np.isfinite(asked(Memory(), 40, 0, Instrument(TUNINGS["bass"]))).all()


def test_the_table_is_small() -> None:
    assert len(files("music").joinpath("string_prior.npz").read_bytes()) < 2**20
