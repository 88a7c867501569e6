"""Writes every session's durable events into the database, so that the database is the truth.

What comes at a time is one transaction; the transaction that records a session's end also says that it is over. An
event that was recorded before changes nothing. When one is missing (the bus lost it, or the database was restored from
a copy) the rest of the log is read and recorded in pieces; so it is at a session's end, which then need not wait for
its turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from music.errors import GenesisError, NotFound
from music.events import SessionEvent, SessionStarted, SnapshotTaken, is_durable, is_terminal
from music.session_state import SessionState
from web_edge.database import Database
from web_edge.hub import Hub
from web_edge.session_tables import row_for, write_event, write_next, write_snapshot
from web_edge.transcriptions import find

log = structlog.get_logger(__name__)

_EVENTS_PER_PIECE = 500
_REMEMBERED = 1_000


class Recorder:
    """Handler for `bus.recording.consume_durable`.

    Args:
        read_rest: `bus.session_log.read_rest` without its bus.
        hub: told when a session's end stands in the database.
    """

    def __init__(
        self, database: Database, read_rest: Callable[[str, int], AsyncGenerator[SessionEvent, None]], hub: Hub
    ) -> None:
        self._database = database
        self._read_rest = read_rest
        self._hub = hub
        # What is known to be recorded, so that a log that was recorded whole is not asked for event by event again.
        self._recorded_until: OrderedDict[str, int] = OrderedDict()

    async def record(self, events: Sequence[SessionEvent]) -> None:
        """Record events of any sessions, each session's in order.

        Raises Unavailable: DATABASE_UNAVAILABLE, BUS_UNAVAILABLE; what follows an event that was missing may be
        recorded then, and nothing else.
        """
        by_session: dict[str, list[SessionEvent]] = {}
        for event in events:
            if is_durable(event.payload) and event.sequence > self._recorded_until.get(event.session_id, 0):
                by_session.setdefault(event.session_id, []).append(event)
        if not by_session:
            return
        async with self._database.write() as connection:
            broken = [name for name, run in by_session.items() if not await _write_run(connection, run)]
        for session_id in broken:
            await self.record_whole(session_id)
        for session_id, run in by_session.items():
            if any(is_terminal(event.payload) for event in run):
                self._hub.note_recorded(session_id)

    async def record_whole(self, session_id: str) -> None:
        """Record what the log holds by now and the database does not; nothing when there is no log."""
        async with self._database.read() as connection:
            known = await find(connection, session_id)
        recorded = 0 if known is None else known.durable_sequence
        try:
            async with aclosing(self._read_rest(session_id, recorded)) as events:
                async for piece in _pieces(events, recorded):
                    if not await self._record_piece(session_id, piece):
                        return
        except NotFound:
            log.info("recorder.log_is_gone", session_id=session_id)

    async def hasten(self, session_id: str) -> None:
        """Record a session that has ended before its events' turn comes; if that cannot be, their turn comes."""
        try:
            await self.record_whole(session_id)
        except GenesisError as error:
            log.info("recorder.not_hastened", session_id=session_id, cause=error.message)

    def forget(self, session_id: str) -> None:
        """A session's log begins again at its first sequence."""
        self._recorded_until.pop(session_id, None)

    async def _record_piece(self, session_id: str, piece: _Piece) -> bool:
        """False when the session was deleted, or begun again, since its log was read."""
        snapshot = piece.state.snapshot()
        async with self._database.write() as connection:
            known = await row_for(connection, session_id, snapshot.started)
            if known is None or known.durable_sequence < piece.after:
                return False
            if snapshot.sequence <= known.durable_sequence:
                return True
            await write_snapshot(connection, known, snapshot)
        self._remember(session_id, snapshot.sequence)
        if piece.state.is_over:
            self._hub.note_recorded(session_id)
        return True

    def _remember(self, session_id: str, sequence: int) -> None:
        self._recorded_until[session_id] = sequence
        self._recorded_until.move_to_end(session_id)
        if len(self._recorded_until) > _REMEMBERED:
            self._recorded_until.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a log, folded by itself; `after` is the durable sequence it follows, 0 for one that follows none."""

    after: int
    state: SessionState


async def _pieces(events: AsyncIterator[SessionEvent], after: int) -> AsyncIterator[_Piece]:
    piece, count = _Piece(after, SessionState()), 0
    async for event in events:
        if isinstance(event.payload, SnapshotTaken):
            piece = _Piece(0, SessionState())
        elif not is_durable(event.payload):
            continue
        piece.state.apply(event)
        count += 1
        if count % _EVENTS_PER_PIECE == 0 or isinstance(event.payload, SnapshotTaken):
            yield piece
            piece = _Piece(piece.state.durable_sequence, SessionState())
    if piece.state.durable_sequence:
        yield piece


async def _write_run(connection: AsyncConnection, run: Sequence[SessionEvent]) -> bool:
    """Events of one session, in order. False when one before or between them never arrived; what came before stands."""
    if await write_next(connection, run):
        return True
    for event in run:
        started = event.payload if isinstance(event.payload, SessionStarted) else None
        known = await row_for(connection, event.session_id, started)
        if known is None:
            return True
        if event.sequence <= known.durable_sequence:
            continue
        if event.previous_durable_sequence != known.durable_sequence:
            return False
        await write_event(connection, known, event)
    return True
