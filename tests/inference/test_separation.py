"""The separator: one schedule, one result; the real network on every kind of sound."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.model_spec import read_model_spec
from inference.separation import RunningLevel, WindowedSeparator
from inference.separators import load_separator
from music.errors import InvalidInput, Reason, Unavailable
from music.events import Separation
from music.overlap_add import OverlapAdd
from music.window_schedule import WindowSchedule
from tests.inference.tiny_model import write_tiny_model
from tests.support.models import built_model_repo

__all__ = ["built_model_repo"]

Signal = NDArray[np.float32]

PARAMETERS = {
    "role": "separator",
    "kind": "masks",
    "separation": "vocals_removed",
    "sample_rate_hz": "44100",
    "schedule_file": "16/8/4/2",
    "schedules_live": "16/2/1/1 16/4/2/2",
}


class Network:
    """Bends the signal by its place in the window, and by its loudness where the mix is not normalised."""

    def __init__(self, *, normalises: bool) -> None:
        self.normalises = normalises
        self.seen: list[Signal] = []

    def fits(self, window: int) -> bool:
        return window == 16

    def run(self, window: Signal) -> Signal:
        self.seen.append(window)
        return np.asarray(window * np.linspace(0.5, 1, 16, dtype=np.float32) - np.abs(window), np.float32)

    def voice_share(self, window: Signal) -> float:
        return float(np.abs(window).max())


def tiny_separator(folder: Path, *, normalises: bool = False, threads: int = 2) -> WindowedSeparator:
    spec = read_model_spec(write_tiny_model(folder, parameters=PARAMETERS))
    return WindowedSeparator(spec, Network(normalises=normalises), threads, time.thread_time)


def separated(separator: object, schedule: WindowSchedule, pieces: list[Signal]) -> Signal:
    async def run() -> Signal:
        stream = separator.open_stream(schedule)  # type: ignore[attr-defined]
        out = [await stream.push(piece) for piece in pieces]
        return np.concatenate([*out, await stream.finish()], axis=1)

    return anyio.run(run)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 90), st.lists(st.integers(0, 90), max_size=5), st.booleans(), st.integers(1, 3))
def test_streamed_is_whole(
    tmp_path_factory: pytest.TempPathFactory, length: int, cuts: list[int], normalises: bool, threads: int
) -> None:
    separator = tiny_separator(tmp_path_factory.mktemp("repo"), normalises=normalises, threads=threads)
    mix = np.random.default_rng(length).standard_normal((2, length)).astype(np.float32)
    pieces = np.split(mix, sorted(min(cut, length) for cut in cuts), axis=1)
    schedule = separator.file_schedule
    whole, cut = separated(separator, schedule, [mix]), separated(separator, schedule, pieces)
    assert whole.shape == mix.shape
    np.testing.assert_allclose(cut, whole, atol=1e-4)


def test_the_running_level_ends_as_the_whole_tracks() -> None:
    mix = np.random.default_rng(1).normal(0.1, 0.5, (2, 100)).astype(np.float32)
    overlap, level = OverlapAdd(WindowSchedule(16, 8, 4, 2), 2), RunningLevel()
    mean, deviation = [level.after(w) for w in (*overlap.push(mix), *overlap.finish())][-1]
    mono = mix.mean(axis=0)
    assert mean == pytest.approx(mono.mean(), abs=1e-6)
    assert deviation == pytest.approx(mono.std(ddof=1), rel=1e-5)


def test_a_normalised_window_is_level_and_silent_outside_the_signal(tmp_path: Path) -> None:
    separator = tiny_separator(tmp_path, normalises=True)
    mix = np.full((2, 5), 0.5, np.float32)
    mix[:, ::2] = -0.25
    separated(separator, separator.file_schedule, [mix])
    (window,) = separator.network.seen  # type: ignore[attr-defined]
    mono = window[:, 2:7].mean(axis=0)
    assert mono.mean() == pytest.approx(0, abs=1e-6)
    assert mono.std(ddof=1) == pytest.approx(1, rel=1e-5)
    assert not window[:, :2].any()
    assert not window[:, 7:].any()


def test_a_live_session_gets_what_its_budget_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    separator = tiny_separator(tmp_path)
    quick, slow = separator.live_schedules
    monkeypatch.setattr(separator, "cores_of", lambda schedule: 0.4 if schedule == quick else 0.2)
    assert separator.choose_schedule(live=False, budget_cores=0.0) == separator.file_schedule
    assert separator.choose_schedule(live=True, budget_cores=0.5) == quick
    assert separator.choose_schedule(live=True, budget_cores=0.3) == slow
    assert separator.choose_schedule(live=True, budget_cores=0.1) is None


def test_a_schedule_the_network_cannot_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        tiny_separator(tmp_path).open_stream(WindowSchedule(12, 4, 2, 2))
    assert caught.value.reason is Reason.CONFIG_INVALID


@pytest.mark.parametrize(
    "changes",
    [{"separation": "drums"}, {"schedule_file": "16/9/9/9"}, {"schedules_live": "17/2/1/1"}],
    ids=["does what nobody asks for", "no schedule", "windows it cannot take"],
)
def test_a_broken_configuration_says_so(tmp_path: Path, changes: dict[str, str]) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path, parameters={**PARAMETERS, **changes}))
    with pytest.raises(Unavailable) as caught:
        WindowedSeparator(spec, Network(normalises=False), 1, time.thread_time)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_what_no_model_does_is_unavailable_and_says_what_helps(built_model_repo: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"inference\.export\.demucs") as caught:
        load_separator(Separation.GUITAR, tmp_path)
    assert caught.value.reason is Reason.SEPARATION_UNAVAILABLE


def test_the_voice_goes_and_the_strings_stay(built_model_repo: Path) -> None:
    separator = load_separator(Separation.VOCALS_REMOVED, built_model_repo, threads=1)
    time = np.arange(3 * 44_100) / 44_100
    strings = sum(
        np.sin(2 * np.pi * 110 * n * time) * np.exp(-((time * 2) % 1) * 4) / n for n in range(1, 6)
    ) * np.float32(0.1)
    mix = np.tile(strings.astype(np.float32), (2, 1))
    schedule = separator.choose_schedule(live=False, budget_cores=0)
    assert schedule is not None
    found = separated(separator, schedule, [mix])
    assert found.shape == mix.shape
    assert float(np.square(found - mix).sum() / np.square(mix).sum()) < 0.05
    share = anyio.run(partial(separator.voice_share, mix[:, : separator.look_samples]))
    assert share < 0.01


@pytest.mark.parametrize("length", [0, 1, 4_410, 100_000])
def test_silence_of_any_length_stays_silent(built_model_repo: Path, length: int) -> None:
    separator = load_separator(Separation.VOCALS_REMOVED, built_model_repo, threads=1)
    schedule = separator.choose_schedule(live=False, budget_cores=0)
    assert schedule is not None
    found = separated(separator, schedule, [np.zeros((2, length), np.float32)])
    assert found.shape == (2, length)
    assert not found.any()
