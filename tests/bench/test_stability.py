"""What counts as held, and that a fit finds what was put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench._scoring import PlainNote
from bench.live_simulation import Run, Told
from bench.stability import Shown, expected_error, fit, judge, reliability
from music.audio import sample_at
from music.note import Note, NoteState
from music.stability import StabilityCurve, stability

HOP = 256


def told(name: str, state: NoteState, onset_s: float, *, pitch: int = 64, stability: float = 0.5) -> Told:
    note = Note(name, state, sample_at(onset_s), pitch, confidence=0.8, stability=stability)
    return Told(onset_s + 0.1, note, sample_at(onset_s) + 5 * HOP)


def test_what_became_of_a_note_is_what_counts() -> None:
    tentative, committed, retracted = NoteState.TENTATIVE, NoteState.COMMITTED, NoteState.RETRACTED
    run = Run(
        [
            told("held", tentative, 1.0),
            told("moved", tentative, 2.0),
            told("moved", tentative, 2.06),
            told("gone", tentative, 3.0),
            told("decided", tentative, 4.0, stability=1.0),
            told("held", committed, 1.04),
            told("moved", committed, 2.06),
            told("gone", retracted, 3.0),
            told("decided", committed, 4.0),
        ],
        0.1,
        5.0,
    )
    truth = [PlainNote(1.0, 2.0, 64), PlainNote(3.0, 4.0, 64)]
    shown = list(judge(run, truth, HOP))
    assert [(one.held, one.played) for one in shown] == [(True, True), (False, False), (True, False), (False, True)]
    assert {one.frames for one in shown} == {5.0}


def drawn(curve: StabilityCurve, count: int) -> list[Shown]:
    random = np.random.default_rng(0)
    confidences, ages = random.uniform(0.3, 0.999, count), random.integers(0, 12, count)
    shown = []
    for confidence, age in zip(confidences.tolist(), ages.tolist(), strict=True):
        held = bool(random.random() < stability(confidence, age, curve))
        shown.append(Shown(confidence, 0.5, float(age), held, played=held))
    return shown


@pytest.mark.parametrize("curve", [StabilityCurve(-0.5, 0.8, 0.6), StabilityCurve(1.0, 1.5, 0.0)])
def test_a_fit_finds_the_curve_that_was_drawn_from(curve: StabilityCurve) -> None:
    found = fit(drawn(curve, 20_000))
    for name in ("intercept", "confidence", "age"):
        assert getattr(found, name) == pytest.approx(getattr(curve, name), abs=0.15)


def test_a_curve_that_was_fitted_is_calibrated_and_one_that_was_not_is_not() -> None:
    shown = drawn(StabilityCurve(-3.0, 1.0, 0.6), 5000)
    held = np.array([one.held for one in shown])
    curve = fit(shown)
    fitted = np.array([stability(one.confidence, one.frames, curve) for one in shown])
    assert expected_error(fitted, held) < 0.03
    assert expected_error(np.array([one.confidence for one in shown]), held) > 0.2
    rows = reliability(fitted, held)
    assert sum(int(str(row[1])) for row in rows) == len(shown)


def test_an_age_that_speaks_against_a_note_gets_no_weight() -> None:
    shown = [replace(one, frames=11 - one.frames) for one in drawn(StabilityCurve(-1.0, 1.0, 1.0), 3000)]
    assert fit(shown).age == 0


def test_there_is_nothing_to_fit_where_all_held() -> None:
    with pytest.raises(ValueError, match="were not"):
        fit([Shown(0.9, 0.9, 3.0, held=True, played=True)] * 5)
