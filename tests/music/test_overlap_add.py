"""Overlap-add: however the signal is cut, the windows and their joined result are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from music.overlap_add import OverlapAdd, SignalWindow
from music.window_schedule import WindowSchedule, parse_schedule

Signal = NDArray[np.float32]


@st.composite
def schedules(draw: st.DrawFn) -> WindowSchedule:
    hop = draw(st.integers(1, 12))
    fade, left, right = draw(st.integers(0, hop)), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return WindowSchedule(left + hop + fade + right, hop, fade, right)


def pieces_of(signal: Signal, cuts: list[int]) -> list[Signal]:
    return np.split(signal, sorted(min(cut, signal.shape[1]) for cut in cuts), axis=1)


def streamed(
    schedule: WindowSchedule, pieces: list[Signal], network: object = None
) -> tuple[Signal, list[SignalWindow]]:
    overlap = OverlapAdd(schedule, 2)
    windows, out = [], []
    for number in range(len(pieces) + 1):
        found = overlap.push(pieces[number]) if number < len(pieces) else overlap.finish()
        windows += found
        # A network that is no copy: what a sample becomes depends on where it sits in its window.
        places = np.linspace(0, 1, schedule.window, dtype=np.float32)
        out += [overlap.join(w.samples if network is None else w.samples * places) for w in found]
    return np.concatenate([*out, np.zeros((2, 0), np.float32)], axis=1), windows


@given(schedules(), st.integers(0, 80), st.lists(st.integers(0, 80), max_size=6))
def test_a_network_that_changes_nothing_gives_the_signal_back(
    schedule: WindowSchedule, length: int, cuts: list[int]
) -> None:
    signal = np.random.default_rng(length).standard_normal((2, length)).astype(np.float32)
    found, _ = streamed(schedule, pieces_of(signal, cuts))
    assert found.shape == signal.shape
    np.testing.assert_allclose(found, signal, atol=1e-6)


@given(schedules(), st.integers(0, 80), st.lists(st.integers(0, 80), max_size=6))
def test_cut_anyhow_it_is_the_same_bit_for_bit(schedule: WindowSchedule, length: int, cuts: list[int]) -> None:
    signal = np.random.default_rng(length).standard_normal((2, length)).astype(np.float32)
    whole, windows = streamed(schedule, [signal], "places")
    cut, others = streamed(schedule, pieces_of(signal, cuts), "places")
    np.testing.assert_array_equal(whole, cut)
    for one, other in zip(windows, others, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
        assert (one.begin, one.end, one.fresh) == (other.begin, other.end, other.fresh)
    assert sum(window.end - window.fresh for window in windows) == length


@given(schedules(), st.integers(0, 80))
def test_a_result_is_no_later_than_the_latency(schedule: WindowSchedule, length: int) -> None:
    overlap = OverlapAdd(schedule, 1)
    out = 0
    for received in range(1, length + 1):
        out += sum(overlap.join(w.samples).shape[1] for w in overlap.push(np.ones((1, 1), np.float32)))
        assert received - out <= schedule.latency


@pytest.mark.parametrize("text", ["8/4/2/1", "4/4/0/0"])
def test_a_schedule_is_written_and_read(text: str) -> None:
    assert str(parse_schedule(text)) == text


@pytest.mark.parametrize("text", ["", "8/4/2", "8/4/2/x", "8/0/2/1", "8/4/5/1", "8/4/2/-1", "8/6/2/1"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(text)
