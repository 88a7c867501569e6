"""Logs that are followed here, each read from the bus once for all who follow it.

What came last is kept for a while. Who has what came before it joins there; others read for themselves until they do,
and so does whoever falls behind what is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

import anyio
import structlog
from anyio.abc import TaskGroup, TaskStatus

from bus.session_log import follow, require_session
from music.errors import GenesisError, Reason, Unavailable
from web_edge.bus_link import BusLink
from web_edge.frames import EventFrame

KEPT_FRAMES = 256
"""Of a session, some ten seconds of a busy one."""

log = structlog.get_logger(__name__)


class _FellBehind(Exception):
    """What comes next is kept no more."""


class SharedLog:
    """One session's events as they come.

    Args:
        after_sequence: what the first reader has already.
        room: frames kept.

    Attributes:
        whole_after: every event after this sequence that has come is kept.
        readers: how many read it.
        scope: whatever feeds it ends with this.
    """

    def __init__(self, after_sequence: int, room: int) -> None:
        self.whole_after = after_sequence
        self.readers = 0
        self.scope = anyio.CancelScope()
        self._frames: deque[EventFrame] = deque()
        self._room = room
        self._news = anyio.Event()
        self._is_over = False
        self._failure: GenesisError | None = None

    def add(self, frame: EventFrame) -> None:
        if len(self._frames) == self._room:
            self.whole_after = self._frames.popleft().event.sequence
        self._frames.append(frame)
        self._wake()

    def end(self, failure: GenesisError | None = None) -> None:
        """Nothing more comes: the session is over, or it cannot be read any more because of `failure`."""
        self._is_over, self._failure = True, failure
        self._wake()

    async def read(self, after_sequence: int) -> AsyncGenerator[EventFrame, None]:
        """What came and comes after `after_sequence`, until the session is over.

        Raises _FellBehind. And whatever the log cannot be read for.
        """
        sequence = after_sequence
        while True:
            if sequence < self.whole_after:
                raise _FellBehind
            news = self._news
            for frame in self._after(sequence):
                yield frame
                sequence = frame.event.sequence
            if news is not self._news:
                continue
            if self._failure is not None:
                raise self._failure
            if self._is_over:
                return
            await news.wait()

    def _after(self, sequence: int) -> list[EventFrame]:
        found = []
        for frame in reversed(self._frames):
            if frame.event.sequence <= sequence:
                break
            found.append(frame)
        found.reverse()
        return found

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()


class SharedLogs:
    """The logs that are followed here, by session."""

    def __init__(self, bus: BusLink, room: int = KEPT_FRAMES) -> None:
        self._bus = bus
        self._room = room
        self._open: dict[str, SharedLog] = {}
        self._group: TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Read for whoever follows, until cancelled."""
        async with anyio.create_task_group() as self._group:
            task_status.started()
            await anyio.sleep_forever()

    async def follow(
        self, session_id: str, after_sequence: int, *, wait: bool = False
    ) -> AsyncGenerator[EventFrame, None]:
        """As `bus.session_log.follow`; each frame is the same one for every reader."""
        bus = self._bus.require()
        if not wait:
            await require_session(bus, session_id)
        sequence = after_sequence
        with self._joined(session_id, after_sequence) as shared:
            while True:
                if sequence < shared.whole_after:
                    async with aclosing(follow(bus, session_id, sequence, wait=True)) as events:
                        async for event in events:
                            yield EventFrame(event)
                            sequence = event.sequence
                            if sequence >= shared.whole_after:
                                break
                        else:
                            return
                try:
                    async with aclosing(shared.read(sequence)) as frames:
                        async for frame in frames:
                            yield frame
                            sequence = frame.event.sequence
                    return
                except _FellBehind:
                    log.debug("edge.reader_fell_behind", session_id=session_id, after=sequence)

    @contextmanager
    def _joined(self, session_id: str, after_sequence: int) -> Iterator[SharedLog]:
        shared = self._open.get(session_id)
        if shared is None:
            if self._group is None:
                raise Unavailable(Reason.SERVER_DRAINING, "This server is stopping. Connect again in a moment.")
            shared = self._open[session_id] = SharedLog(after_sequence, self._room)
            self._group.start_soon(self._feed, session_id, after_sequence, shared)
        shared.readers += 1
        try:
            yield shared
        finally:
            shared.readers -= 1
            if shared.readers == 0:
                shared.scope.cancel()
                self._forget(session_id, shared)

    async def _feed(self, session_id: str, after_sequence: int, shared: SharedLog) -> None:
        failure: GenesisError | None = Unavailable(Reason.SERVER_DRAINING, "This server is stopping. Connect again.")
        try:
            with shared.scope:
                async with aclosing(follow(self._bus.require(), session_id, after_sequence, wait=True)) as events:
                    async for event in events:
                        shared.add(EventFrame(event))
                failure = None
        except GenesisError as error:
            failure = error
        except Exception:
            log.exception("edge.log_broke", session_id=session_id)
            failure = GenesisError(Reason.INTERNAL, "This session cannot be read, by a fault of ours.")
        finally:
            # Who comes from now on reads anew: under this id another log may begin.
            self._forget(session_id, shared)
            shared.end(failure)

    def _forget(self, session_id: str, shared: SharedLog) -> None:
        if self._open.get(session_id) is shared:
            del self._open[session_id]
