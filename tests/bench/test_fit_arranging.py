"""The fits learn what they are shown: slopes against differences, sums against counting, a habit learned from tabs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench._fit_hand import FITTED, Passage, _loss, fit_hand, mean_loss, pack, passages, start_weights, unpack
from bench._fit_prior import Questions, _draw_weights, _slopes, fit_prior, questions, share_right
from bench._tabs import Tab, song
from bench.fit_arranging import usual_places
from music.hand_model import HOLDING, MOVING, learned_weights
from music.note import Note, NoteState
from music.string_prior import StringPrior, learned_prior
from music.tuning import Instrument


def small_passage(random: np.random.Generator) -> Passage:
    sizes = (3, 4, 2)
    holding = tuple(random.random((size, len(HOLDING) + len(FITTED))).astype(np.float32) for size in sizes)
    moving = tuple(random.random((a * b, len(MOVING))).astype(np.float32) for a, b in itertools.pairwise(sizes))
    known = (np.zeros(3), np.array([0.0, -np.inf, 0.0, -np.inf]), np.array([-np.inf, 0.0]))
    return Passage(holding, moving, known, labels=2)


def test_the_loss_is_what_counting_all_ways_gives() -> None:
    random = np.random.default_rng(1)
    passage, parameters = small_passage(random), random.normal(0, 1, len(HOLDING) + len(MOVING) + len(FITTED))
    at_holding = np.concatenate([parameters[: len(HOLDING)], parameters[len(HOLDING) + len(MOVING) :]])
    every, agreeing = 0.0, 0.0
    for way in itertools.product(*(range(len(holding)) for holding in passage.holding)):
        cost = sum(passage.holding[i][state] @ at_holding for i, state in enumerate(way))
        for i, (a, b) in enumerate(itertools.pairwise(way)):
            row = a * len(passage.holding[i + 1]) + b
            cost += passage.moving[i][row] @ parameters[len(HOLDING) : len(HOLDING) + len(MOVING)]
        every += np.exp(-cost)
        agreeing += np.exp(-cost) * all(passage.known[i][state] == 0 for i, state in enumerate(way))
    assert _loss(passage, parameters)[0] == pytest.approx(np.log(every) - np.log(agreeing), rel=1e-5)


def test_the_hand_s_slopes_are_differences() -> None:
    random = np.random.default_rng(2)
    passage, parameters = small_passage(random), random.normal(0, 1, len(HOLDING) + len(MOVING) + len(FITTED))
    slope = _loss(passage, parameters)[1]
    for index in range(len(parameters)):
        step = np.zeros(len(parameters))
        step[index] = 1e-5
        difference = _loss(passage, parameters + step)[0] - _loss(passage, parameters - step)[0]
        assert slope[index] == pytest.approx(difference / 2e-5, abs=1e-4)


def test_the_prior_s_slopes_are_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench._fit_prior._DROPPED", 0.0)
    asked = questions([song("jazz", 7, 5.0)])
    notes = np.arange(min(12, len(asked)))
    weights = _draw_weights(np.random.default_rng(3))
    slopes = _slopes(weights, asked, notes, np.random.default_rng(0))
    for name in weights:
        index = np.unravel_index(np.abs(slopes[name]).argmax(), slopes[name].shape)
        losses = []
        for step in (1e-2, -1e-2):
            moved = {key: value.astype(np.float64) for key, value in weights.items()}
            moved[name][index] += step
            losses.append(cross_entropy(StringPrior(**moved), asked, notes))  # type: ignore[arg-type]
        assert slopes[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-2, rel=0.05, abs=1e-4)


def cross_entropy(prior: StringPrior, asked: Questions, notes: np.ndarray) -> float:
    context, place, owner, right = asked.batch(notes)
    scores = prior.scores(context, owner, place)
    sums = np.bincount(owner, np.exp(scores))
    return float((np.log(sums) - scores[right]).mean())


def test_a_habit_is_learned() -> None:
    """Somebody who plays everything on string 2 is told from somebody who plays it on string 3."""
    pitches = [62, 64, 65, 67, 65, 64] * 8
    notes = tuple(
        Note(str(n), NoteState.ENDED, n * 6_000, pitch, n * 6_000 + 5_000, confidence=1.0)
        for n, pitch in enumerate(pitches)
    )
    for string in (2, 3):
        tab = Tab("habit", Instrument(), notes, (string,) * len(notes))
        prior = fit_prior([(1.0, questions([tab] * 12))], epochs=60)
        assert share_right(prior, questions([tab])) > 0.95
        members = passages([tab], learned_prior(), start_weights())
        start = pack(start_weights())
        fitted = fit_hand([(1.0, members)], start, rounds=12)
        assert mean_loss(members, fitted) < 0.5 * mean_loss(members, start)
        assert unpack(fitted, 0.0).to_mapping().keys() == learned_weights().to_mapping().keys()


def test_unmarked_notes_lie_at_the_lowest_fret_far_from_marks() -> None:
    notes = tuple(Note(str(n), NoteState.ENDED, n * 22_050, 64, n * 22_050 + 9_000) for n in range(6))
    usual = usual_places(Tab("score", Instrument(), notes, (None, None, 3, None, None, None)))
    assert usual.strings == (1, None, None, None, 1, 1)
