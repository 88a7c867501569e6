"""A separated session: what it says, what it hears, and that it can be played again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from anyio import wait_all_tasks_blocked

from music.errors import InvalidInput, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    CadenceChanged,
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionStarted,
)
from music.note import SETTLED
from music.session_state import fold
from music.window_schedule import WindowSchedule
from orchestrator.inbox import OneByOne
from orchestrator.publisher import Publisher
from orchestrator.separating import SeparationPlan, SeparatorShelf
from orchestrator.session import Session, SessionLimits
from tests.orchestrator.calls import in_chunks
from tests.orchestrator.fake_separator import SCHEDULE, FakeSeparator
from tests.orchestrator.fakes import FakeTranscriber, KeptLog, beeps

pytestmark = pytest.mark.anyio

CONFIG = SessionConfig(AudioFormat(AudioEncoding.PCM_S16LE, 22_050, 1), session_id="s")
SONG = beeps(4.0).tobytes()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeparatorShelf:
    monkeypatch.setattr("orchestrator.separating.load_separator", lambda *_args, **_options: FakeSeparator())
    return SeparatorShelf(tmp_path, threads=1)


async def session_of(
    config: SessionConfig, plan: SeparationPlan, song: bytes = SONG, chunk: int = 4_410, sink: KeptLog | None = None
) -> list[SessionEvent]:
    events: list[SessionEvent] = []

    async def deliver(event: SessionEvent) -> None:
        events.append(event)

    async def chunks() -> AsyncIterator[bytes]:
        for piece in in_chunks(song, chunk):
            # As slowly as sound comes: what can be done with the last piece has been done.
            await wait_all_tasks_blocked()
            yield piece

    publisher = Publisher("s", sink or KeptLog(), deliver, lambda: 0)
    await Session(config, FakeTranscriber(), publisher, SessionLimits(), lambda: 0, plan).run(OneByOne(chunks()))
    return events


def told(events: list[SessionEvent]) -> list[SeparationChosen]:
    return [event.payload for event in events if isinstance(event.payload, SeparationChosen)]


async def test_a_separated_session_says_so_and_its_watermark_never_falls(shelf: SeparatorShelf) -> None:
    config, plan = await shelf.settle(replace(CONFIG, separation=Separation.VOCALS_REMOVED), None)
    events = await session_of(config, plan)
    started = events[0].payload
    assert isinstance(started, SessionStarted)
    assert started.config.separation_schedule == SCHEDULE
    assert [model.role for model in started.models] == ["transcriber", "separator"]
    assert told(events) == [SeparationChosen(Separation.VOCALS_REMOVED, 0, "asked", -(-SCHEDULE.latency // 2))]
    marks = [event.processed_until for event in events]
    assert marks == sorted(marks)
    assert fold(events).separation == told(events)[0]
    assert isinstance(events[-1].payload, SessionEnded)
    assert events[-1].payload.duration == 4 * 22_050


async def test_what_is_yet_to_be_separated_is_no_backlog(shelf: SeparatorShelf) -> None:
    config, plan = await shelf.settle(replace(CONFIG, separation=Separation.VOCALS_REMOVED), None)
    events = await session_of(config, plan, chunk=882)
    causes = [event.payload.cause for event in events if isinstance(event.payload, CadenceChanged)]
    assert "backlog" not in causes


@pytest.mark.parametrize("separation", [Separation.VOCALS_REMOVED, Separation.AUTO])
async def test_played_again_with_its_schedule_it_gives_the_same_notes(
    shelf: SeparatorShelf, separation: Separation
) -> None:
    loud = (np.frombuffer(beeps(14.0), np.int16) * 1.5).astype(np.int16).tobytes()
    config, plan = await shelf.settle(replace(CONFIG, separation=separation), None)
    first = await session_of(config, plan, loud, 4_410)
    started = first[0].payload
    assert isinstance(started, SessionStarted)
    again, plan = await shelf.settle(started.config, None)
    second = await session_of(again, plan, loud, 70_000)
    assert told(first) == told(second)
    notes = [[note for note in fold(events).sorted_notes() if note.state in SETTLED] for events in (first, second)]
    assert notes[0] == notes[1]
    assert notes[0]


async def test_a_further_attempt_takes_the_windows_of_the_first(shelf: SeparatorShelf) -> None:
    asked = replace(CONFIG, separation=Separation.VOCALS_REMOVED)
    other = WindowSchedule(16_384, 2_048, 512, 1_024)
    before = SessionStarted(replace(asked, separation_schedule=other), (), 0)
    config, plan = await shelf.settle(asked, before)
    assert config.separation_schedule == plan.schedule == other


@pytest.mark.parametrize(
    ("fits", "separation", "cause"), [(False, Separation.AUTO, "too_slow"), (True, Separation.OFF, "")]
)
async def test_where_nothing_is_separated_the_mix_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: bool, separation: Separation, cause: str
) -> None:
    monkeypatch.setattr("orchestrator.separating.load_separator", lambda *_a, **_o: FakeSeparator(fits=fits))
    config, plan = await SeparatorShelf(tmp_path, 1).settle(replace(CONFIG, separation=separation), None)
    assert config.separation_schedule is None
    events = await session_of(config, plan)
    assert [chosen.cause for chosen in told(events)] == ([cause] if cause else [])
    notes = fold(events).sorted_notes()
    assert notes == fold(await session_of(CONFIG, SeparationPlan())).sorted_notes()


async def test_auto_without_a_separator_hears_the_mix_and_says_why(tmp_path: Path) -> None:
    _, plan = await SeparatorShelf(tmp_path, 1).settle(replace(CONFIG, separation=Separation.AUTO), None)
    assert plan.cause == "no_separator"
    with pytest.raises(InvalidInput) as caught:
        await SeparatorShelf(tmp_path, 1).settle(replace(CONFIG, separation=Separation.GUITAR), None)
    assert caught.value.reason is Reason.SEPARATION_UNAVAILABLE


async def test_a_live_session_this_machine_is_too_slow_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.separating.load_separator", lambda *_a, **_o: FakeSeparator(fits=False))
    asked = replace(CONFIG, separation=Separation.VOCALS_REMOVED)
    with pytest.raises(InvalidInput, match="as fast as live audio") as caught:
        await SeparatorShelf(tmp_path, 1).settle(asked, None)
    assert caught.value.reason is Reason.SEPARATION_UNAVAILABLE
    file = replace(asked, audio=AudioFormat(AudioEncoding.CONTAINER))
    config, _ = await SeparatorShelf(tmp_path, 1).settle(file, None)
    assert config.separation_schedule == SCHEDULE
