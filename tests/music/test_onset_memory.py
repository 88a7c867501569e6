from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.onset_memory import (
    FRAMES_PAST,
    STIR_COUNT,
    TOGETHER_AFTER,
    TOGETHER_BEFORE,
    Array,
    exact,
    stir,
    surroundings,
)

LENGTH = FRAMES_PAST + 60
ROW = FRAMES_PAST + 20


def memory(seed: int, length: int = LENGTH) -> tuple[Array, Array]:
    """Early opinions, as rare as peaks are, and stirs."""
    random = np.random.default_rng(seed)
    early = random.random((length, 88), np.float32) * (random.random((length, 88)) < 0.05)
    return exact(early), stir(*random.random((2, length, 88), np.float32))


def figures_at(early: Array, stirs: Array, row: int, column: int) -> dict[str, float]:
    names, figures = surroundings(early, stirs, np.array([row]), np.array([column]))
    return dict(zip(names, figures[0].tolist(), strict=True))


@given(seed=st.integers(0, 100), cut=st.integers(0, 20), length=st.integers(TOGETHER_AFTER + 1, 39))
@settings(max_examples=30, deadline=None)
def test_figures_are_the_same_to_the_bit_whatever_was_remembered(seed: int, cut: int, length: int) -> None:
    early, stirs = memory(seed)
    rows, columns = np.nonzero(early)
    asked = (rows >= ROW) & (rows < ROW + length - TOGETHER_AFTER)
    rows, columns = rows[asked], columns[asked]
    if len(rows):
        whole = surroundings(early, stirs, rows, columns)[1]
        part = slice(cut, ROW + length)
        np.testing.assert_array_equal(surroundings(early[part], stirs[part], rows - cut, columns)[1], whole)


def test_what_comes_after_the_decision_and_what_is_forgotten_have_no_say() -> None:
    early, stirs = memory(1)
    expected = figures_at(early, stirs, ROW, 40)
    early[ROW + TOGETHER_AFTER + 1 :], stirs[ROW + 1 :] = 1, 1
    early[: ROW - FRAMES_PAST], stirs[: ROW - FRAMES_PAST] = 1, 1
    assert figures_at(early, stirs, ROW, 40) == expected


@pytest.mark.parametrize("row", [ROW - FRAMES_PAST, ROW - TOGETHER_BEFORE, ROW + TOGETHER_AFTER])
def test_all_that_is_remembered_has_a_say(row: int) -> None:
    early, stirs = memory(1)
    expected = figures_at(early, stirs, ROW, 40)
    early[row, 50] = 1
    assert figures_at(early, stirs, ROW, 40) != expected


def test_a_chord_is_told_from_a_note_by_itself() -> None:
    early, stirs = np.zeros((LENGTH, 88), np.float32), np.zeros((LENGTH, STIR_COUNT), np.float32)
    early[ROW, 31], early[ROW - 2, 19], early[ROW + TOGETHER_AFTER, 38] = 0.25, 0.75, 0.5
    early[ROW - 100, 31], early[ROW - 80, 24] = 0.75, 0.25
    figures = figures_at(early, stirs, ROW, 31)
    assert figures["early"] == 0.25
    assert figures["others together"] == 1.25
    assert figures["strongest other"] == figures["other -12 st"] == 0.75
    assert figures["likely others"] == 2
    assert figures["likely others below"] == 1
    assert figures["other +7 st"] == 0.5
    assert figures["from the others"] == pytest.approx(31 - (19 * 0.75 + 38 * 0.5) / 1.25)
    assert figures["past own"] == 0.75
    assert figures["past fifths"] == figures["past below"] == 0.25
    assert figures["past likely"] == 1
    assert figures["past likely of a peak"] == 0.5
    assert figures["from the register"] == pytest.approx(31 - (31 * 0.75 + 24 * 0.25))


def test_a_bass_and_a_loud_past_are_noticed() -> None:
    onset, frame = np.zeros((2, LENGTH, 88), np.float32)
    onset[ROW - 50, 10], frame[ROW - 50 : ROW - 7, 10] = 0.5, 0.75
    onset[ROW - FRAMES_PAST, 30] = 0.75
    figures = figures_at(np.zeros_like(onset), stir(onset, frame), ROW, 31)
    assert figures["past bass onsets, strongest"] == 0.5
    assert figures["past onsets, strongest"] == 0.75
    assert figures["past onsets, 95 %"] == 0
    assert figures["past sounding bass"] == pytest.approx(0.75 * 43 / FRAMES_PAST)
    assert figures["past sounding pitches"] == pytest.approx(43 / FRAMES_PAST)
