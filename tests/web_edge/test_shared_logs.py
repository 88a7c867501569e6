"""A log that many follow is read once, and each has it whole and in order, whenever it comes and however slowly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.connection import Bus
from bus.session_log import SessionLogWriter, delete_session
from music.errors import NotFound, Reason
from music.events import EndReason, NoteRevised, Progressed, SessionEnded, SessionEvent
from music.note import Note, NoteState
from tests.support.nats import NatsServer
from tests.web_edge.conftest import WAIT_S
from web_edge.bus_link import BusLink
from web_edge.frames import EventFrame
from web_edge.shared_logs import SharedLog, SharedLogs

pytestmark = pytest.mark.anyio


class Log:
    """Writes a session's log on the bus."""

    def __init__(self, writer: SessionLogWriter) -> None:
        self._writer = writer

    async def note(self, state: NoteState = NoteState.COMMITTED) -> None:
        await self._append(NoteRevised(Note(f"n{self._writer.last_sequence}", state, 0, 60)))

    async def end(self) -> None:
        await self._append(SessionEnded(EndReason.COMPLETED, 0))

    async def _append(self, payload: NoteRevised | SessionEnded) -> None:
        before = self._writer.last_durable_sequence
        tentative = isinstance(payload, NoteRevised) and payload.note.state is NoteState.TENTATIVE
        sequence = self._writer.last_sequence + 1
        event = SessionEvent(self._writer.session_id, sequence, 1, 0 if tentative else before, 0, 0, payload)
        await self._writer.append(event)


@asynccontextmanager
async def shared_logs(url: str, room: int) -> AsyncIterator[SharedLogs]:
    link = BusLink(url)
    async with anyio.create_task_group() as group:
        group.start_soon(link.run)
        await link.wait()
        logs = SharedLogs(link, room)
        await group.start(logs.run)
        yield logs
        group.cancel_scope.cancel()


class Follower:
    """Reads a session and keeps what came."""

    def __init__(self, logs: SharedLogs, session_id: str, after_sequence: int = 0) -> None:
        self.frames: list[EventFrame] = []
        self.may_go_on = anyio.Event()
        self.may_go_on.set()
        self._logs, self._session_id, self._after = logs, session_id, after_sequence
        self._news = anyio.Event()

    async def run(self) -> None:
        async with aclosing(self._logs.follow(self._session_id, self._after, wait=True)) as frames:
            async for frame in frames:
                self.frames.append(frame)
                self._news.set()
                await self.may_go_on.wait()

    async def until(self, count: int) -> None:
        with anyio.fail_after(WAIT_S):
            while len(self.frames) < count:
                self._news = anyio.Event()
                await self._news.wait()

    @property
    def sequences(self) -> list[int]:
        return [frame.event.sequence for frame in self.frames]


async def test_followers_share_frames_and_have_all_of_them(bus: Bus, nats_server: NatsServer) -> None:
    log = Log(await SessionLogWriter.open(bus, "s"))
    async with shared_logs(nats_server.url, room=8) as logs, anyio.create_task_group() as group:
        first, slow = Follower(logs, "s"), Follower(logs, "s")
        slow.may_go_on = anyio.Event()
        for follower in (first, slow):
            group.start_soon(follower.run)
        for _ in range(20):
            await log.note()
        await first.until(20)
        late, resumed = Follower(logs, "s"), Follower(logs, "s", after_sequence=15)
        for follower in (late, resumed):
            group.start_soon(follower.run)
        await late.until(20)
        await log.note()
        await log.end()
        await late.until(22)
        slow.may_go_on.set()
        with anyio.fail_after(WAIT_S):
            await slow.until(22)
    assert first.sequences == slow.sequences == late.sequences == list(range(1, 23))
    assert resumed.sequences == list(range(16, 23))
    assert late.frames[-2] is first.frames[-2], "read and written once"


async def test_a_session_nobody_has_heard_of_is_none(nats_server: NatsServer) -> None:
    async with shared_logs(nats_server.url, room=8) as logs:
        with pytest.raises(NotFound) as refused:
            async with aclosing(logs.follow("nobody", 0)) as frames:
                await anext(frames)
        assert refused.value.reason is Reason.SESSION_NOT_FOUND


async def test_another_log_under_the_same_id_is_read_anew(bus: Bus, nats_server: NatsServer) -> None:
    async with shared_logs(nats_server.url, room=8) as logs:
        for notes in (3, 1):
            log = Log(await SessionLogWriter.open(bus, "s"))
            for _ in range(notes):
                await log.note()
            await log.end()
            follower = Follower(logs, "s")
            with anyio.fail_after(WAIT_S):
                await follower.run()
            assert follower.sequences == list(range(1, notes + 2))
            await delete_session(bus, "s")


@given(
    steps=st.lists(st.integers(1, 3), min_size=1, max_size=40),
    room=st.integers(1, 12),
    joins=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=6),
)
@settings(deadline=None, max_examples=50)
async def test_whoever_stands_within_what_is_kept_misses_nothing(
    steps: list[int], room: int, joins: list[tuple[int, int]]
) -> None:
    """Sequences have holes, where what was tentative has expired."""
    shared, sequence = SharedLog(0, room), 0
    told: list[int] = []
    for at, step in enumerate(steps):
        for _, after in (join for join in joins if join[0] == at):
            kept = [one for one in told if one > after]
            if after >= shared.whole_after and kept:
                async with aclosing(shared.read(after)) as frames:
                    assert [(await anext(frames)).event.sequence for _ in kept] == kept
        sequence += step
        told.append(sequence)
        shared.add(EventFrame(SessionEvent("s", sequence, 1, 0, 0, 0, Progressed(0))))
    shared.end()
    assert [frame.event.sequence async for frame in shared.read(shared.whole_after)] == told[-room:]
