"""A surer and an older note is never less stable, whatever the curve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.stability import AS_CONFIDENT, CURVES, StabilityCurve, curve_of, stability

curves = st.sampled_from([AS_CONFIDENT, StabilityCurve(-1.0, 0.5, 2.0), *CURVES.values()])
shares = st.floats(0, 1)
ages = st.floats(-3, 1e6)


@given(curves, shares, shares, ages, ages)
def test_surer_and_older_is_no_less_stable(
    curve: StabilityCurve, sure: float, surer: float, age: float, older: float
) -> None:
    (sure, surer), (age, older) = sorted((sure, surer)), sorted((age, older))
    least, most = stability(sure, age, curve), stability(surer, older, curve)
    assert 0 <= least <= most <= 1


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_a_frozen_curve_weighs_nothing_backwards(curve: StabilityCurve) -> None:
    assert curve.confidence >= 0
    assert curve.age >= 0


@pytest.mark.parametrize("confidence", [0.01, 0.5, 0.9, 0.99])
def test_without_a_curve_a_note_is_as_stable_as_it_is_sure(confidence: float) -> None:
    assert stability(confidence, 5, curve_of("nobody's")) == pytest.approx(confidence)


def test_certainty_is_not_told_before_it_is_there() -> None:
    assert 0 < stability(0.0, 0, AS_CONFIDENT) < stability(1.0, 0, AS_CONFIDENT) < 1
