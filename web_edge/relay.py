"""A session's events from the bus into a reader's outbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

import anyio

from access.caller import Caller
from bus.session_log import read_owner, unknown_session
from music.errors import GenesisError, Reason, Unavailable
from music.events import SessionEnded, SessionEvent, SessionFailed, SnapshotTaken, snapshot_event
from web_edge.bus_link import BusLink
from web_edge.frames import EventFrame
from web_edge.hub import Hub
from web_edge.outbox import Outbox
from web_edge.rows import Source, Status, Transcription
from web_edge.session_tables import is_cut_short
from web_edge.shared_logs import SharedLogs
from web_edge.transcriptions import Transcriptions, job_cancelled

_LOOK_AGAIN_S = 0.5


class Relay:
    """Hands on sessions that run from the bus, and sessions that are over from the database.

    Args:
        record_wait_s: how long a session's end is held back until the database has it; nothing says "complete" before.
    """

    def __init__(
        self, bus: BusLink, logs: SharedLogs, transcriptions: Transcriptions, hub: Hub, record_wait_s: float
    ) -> None:
        self._bus = bus
        self._logs = logs
        self._transcriptions = transcriptions
        self._hub = hub
        self._record_wait_s = record_wait_s

    async def relay(
        self, session_id: str, after_sequence: int, outbox: Outbox, caller: Caller, *, is_begun: bool = False
    ) -> None:
        """Put every event after `after_sequence` into `outbox`; returns after the last one.

        Args:
            session_id: one that can be part of a subject.
            after_sequence: the last the reader has, 0 for none.
            outbox: where to put them.
            caller: who reads.
            is_begun: whether the session is known to have a log already.

        Raises:
            NotFound: SESSION_NOT_FOUND, also for somebody else's. Unavailable: BUS_UNAVAILABLE, DATABASE_UNAVAILABLE.
            Overloaded: READER_TOO_SLOW. And whatever a job was given up for, when its log does not say so.
        """
        known = await self._transcriptions.find(session_id)
        if not caller.is_local and not is_begun:
            # One that was begun over gRPC may not be recorded yet; then its log says whose it is.
            owner = known.owner if known is not None else await read_owner(self._bus.require(), session_id)
            if owner is None or not caller.may_see(owner):
                raise unknown_session(session_id)
        if known is not None and known.is_over:
            await self._hand_on_recorded(known, after_sequence, outbox)
            return
        with self._given_up(session_id) as failures:
            sequence = await self._follow(session_id, after_sequence, outbox, known, is_begun)
            if sequence is None:
                return
            # The log ends, the job does not: what it comes to will stand in the database.
            await self._recorded(session_id, wait_s=None)
        if failures:
            raise failures[0]
        known = await self._transcriptions.get(session_id)
        await self._hand_on_recorded(known, sequence, outbox)

    async def _follow(
        self, session_id: str, sequence: int, outbox: Outbox, known: Transcription | None, is_begun: bool
    ) -> int | None:
        """The last sequence handed on when the log was cut short and the job will be begun again; else None."""
        is_upload = known is not None and known.source is Source.UPLOAD
        # An upload that waits for its turn has no log yet.
        log = self._logs.follow(session_id, sequence, wait=is_upload or is_begun)
        async with aclosing(log) as frames:
            async for frame in frames:
                over = _end_of(frame.event)
                if over is not None:
                    if is_upload and is_cut_short(over):
                        return sequence
                    await self._recorded(session_id, self._record_wait_s)
                sequence = frame.event.sequence
                await outbox.put_event(frame)
        return None

    async def _hand_on_recorded(self, known: Transcription, after_sequence: int, outbox: Outbox) -> None:
        snapshot = await self._transcriptions.snapshot(known.id)
        if known.durable_sequence == 0 and known.error is not None:
            # Nobody has written a log: there is nothing but the error.
            raise known.error
        if known.durable_sequence == 0 and known.status is Status.CANCELLED:
            raise job_cancelled(known.id)
        is_replaced = snapshot.sequence < after_sequence
        if is_replaced:
            # The reader holds more of an earlier log than this one has; nothing follows, so the number is free.
            snapshot = replace(snapshot, sequence=after_sequence + 1)
        if snapshot.sequence > after_sequence:
            await outbox.put_event(EventFrame(snapshot_event(known.id, snapshot, time.time_ns())))

    @contextmanager
    def _given_up(self, session_id: str) -> Iterator[list[GenesisError]]:
        """Leaves the block when the job is given up, and says why in the list."""
        failures: list[GenesisError] = []
        with anyio.CancelScope() as scope:

            def leave(error: GenesisError) -> None:
                failures.append(error)
                scope.cancel()

            with self._hub.on_broken(session_id, leave):
                yield failures

    async def _recorded(self, session_id: str, wait_s: float | None) -> None:
        """Returns once the database says that the session is over.

        Raises Unavailable: DATABASE_UNAVAILABLE after `wait_s`. NotFound: TRANSCRIPTION_NOT_FOUND when it was deleted.
        """
        news = anyio.Event()
        try:
            with anyio.fail_after(wait_s), self._hub.on_recorded(session_id, news.set):
                while not await self._is_over(session_id):
                    with anyio.move_on_after(_LOOK_AGAIN_S):
                        await news.wait()
        except TimeoutError:
            raise Unavailable(
                Reason.DATABASE_UNAVAILABLE,
                "The session is over but could not be recorded yet. Its result appears once the database answers.",
            ) from None

    async def _is_over(self, session_id: str) -> bool:
        try:
            known = await self._transcriptions.find(session_id)
        except Unavailable:
            return False
        return known is not None and known.is_over


def _end_of(event: SessionEvent) -> SessionEnded | SessionFailed | None:
    match event.payload:
        case SessionEnded() | SessionFailed() as over:
            return over
        case SnapshotTaken(ended=ended, failed=failed):
            return ended or failed
    return None
