"""Writes every session's durable events into the database, so that the database is the truth.

One event is one transaction; the transaction that records a session's end also says that it is over. An event that was
recorded before changes nothing. When one is missing (the bus lost it, or the database was restored from a copy) the
whole log is read and recorded at once; so it is at a session's end, which then need not wait for its turn.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from functools import cache

import structlog
from sqlalchemy import Insert, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from music.errors import GenesisError, NotFound, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    GapFound,
    NoteRevised,
    Payload,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    is_durable,
    is_terminal,
)
from music.note import SETTLED, Note, NoteState
from music.session_state import SessionState
from web_edge.database import Database
from web_edge.hub import Hub
from web_edge.rows import OVER, Source, Status, Transcription, config_to_json, gap_to_row, models_to_json, note_to_row
from web_edge.schema import deletions, gaps, notes, transcriptions
from web_edge.transcriptions import find, new_row

log = structlog.get_logger(__name__)

_NOTES_PER_STATEMENT = 500
_REMEMBERED = 1_000

_NEXT = (
    update(transcriptions)
    .where(transcriptions.c.id == bindparam("id_"), transcriptions.c.durable_sequence == bindparam("previous"))
    .values(
        durable_sequence=bindparam("sequence"),
        # A watermark never falls, and a fenced writer is not heard: the newer value is the larger one.
        attempt=bindparam("attempt_"),
        processed_until=bindparam("until"),
        updated_at_ns=bindparam("now"),
    )
)


class Recorder:
    """Handler for `bus.recording.consume_durable`.

    Args:
        read_state: the session folded from its whole log; raises NotFound when there is none.
        hub: told when a session's end stands in the database.
    """

    def __init__(self, database: Database, read_state: Callable[[str], Awaitable[SessionState]], hub: Hub) -> None:
        self._database = database
        self._read_state = read_state
        self._hub = hub
        # What is known to be recorded, so that a log that was recorded whole is not asked for event by event again.
        self._recorded_until: OrderedDict[str, int] = OrderedDict()

    async def record(self, event: SessionEvent) -> None:
        """Record one event. Raises Unavailable: DATABASE_UNAVAILABLE, BUS_UNAVAILABLE; nothing is recorded then."""
        if not is_durable(event.payload) or event.sequence <= self._recorded_until.get(event.session_id, 0):
            return
        if not await self._apply(event):
            await self.record_whole(event.session_id)
        if is_terminal(event.payload):
            self._hub.note_recorded(event.session_id)

    async def record_whole(self, session_id: str) -> None:
        """Record everything durable the log holds; nothing when there is no log."""
        try:
            state = await self._read_state(session_id)
        except NotFound:
            log.info("recorder.log_is_gone", session_id=session_id)
            return
        snapshot = state.snapshot()
        async with self._database.write() as connection:
            known = await _row_for(connection, session_id, snapshot.started)
            if known is None or snapshot.sequence <= known.durable_sequence:
                return
            await _write_snapshot(connection, known, snapshot)
        self._remember(session_id, snapshot.sequence)
        if state.is_over:
            self._hub.note_recorded(session_id)

    async def hasten(self, session_id: str) -> None:
        """Record a session that has ended before its events' turn comes; if that cannot be, their turn comes."""
        try:
            await self.record_whole(session_id)
        except GenesisError as error:
            log.info("recorder.not_hastened", session_id=session_id, cause=error.message)

    def forget(self, session_id: str) -> None:
        """A session's log begins again at its first sequence."""
        self._recorded_until.pop(session_id, None)

    def _remember(self, session_id: str, sequence: int) -> None:
        self._recorded_until[session_id] = sequence
        self._recorded_until.move_to_end(session_id)
        if len(self._recorded_until) > _REMEMBERED:
            self._recorded_until.popitem(last=False)

    async def _apply(self, event: SessionEvent) -> bool:
        """False when an event before this one never arrived."""
        async with self._database.write() as connection:
            if await _write_next(connection, event):
                return True
            started = event.payload if isinstance(event.payload, SessionStarted) else None
            known = await _row_for(connection, event.session_id, started)
            if known is None or event.sequence <= known.durable_sequence:
                return True
            if event.previous_durable_sequence != known.durable_sequence:
                return False
            await _write(connection, known, event.payload)
            await _update(
                connection,
                known.id,
                durable_sequence=event.sequence,
                attempt=max(known.attempt, event.attempt),
                processed_until=max(known.processed_until, event.processed_until),
            )
        return True


async def _write_next(connection: AsyncConnection, event: SessionEvent) -> bool:
    """The usual case, in two statements: a note or a gap right after the last event recorded; else nothing is done."""
    if not isinstance(event.payload, NoteRevised | GapFound):
        return False
    now = time.time_ns()
    place = {"id_": event.session_id, "previous": event.previous_durable_sequence, "now": now}
    moved = {"sequence": event.sequence, "attempt_": event.attempt, "until": event.processed_until}
    if (await connection.execute(_NEXT, place | moved)).rowcount == 0:
        return False
    if isinstance(event.payload, NoteRevised):
        await _write_notes(connection, event.session_id, [event.payload.note])
    else:
        await _write_gaps(connection, event.session_id, [event.payload])
    return True


async def _row_for(
    connection: AsyncConnection, session_id: str, started: SessionStarted | None
) -> Transcription | None:
    """The session's row, made when it is the first we hear of it; None when it was deleted."""
    known = await find(connection, session_id)
    if known is not None:
        return known
    was_deleted = select(deletions.c.transcription_id).where(deletions.c.transcription_id == session_id)
    if (await connection.execute(was_deleted)).first() is not None:
        return None
    unknown = SessionConfig(AudioFormat(AudioEncoding.PCM_F32LE), session_id=session_id)
    row = new_row(
        started.config if started else unknown, title="Live session", source=Source.STREAM, now_ns=time.time_ns()
    )
    await connection.execute(transcriptions.insert().values({**row, "id": session_id}))
    return await find(connection, session_id)


async def _write(connection: AsyncConnection, known: Transcription, payload: Payload) -> None:
    match payload:
        case SessionStarted() as started:
            await _update(connection, known.id, **_started_values(known, started))
        case NoteRevised(note) if note.state in SETTLED:
            await _write_notes(connection, known.id, [note])
        case GapFound() as gap:
            await _write_gaps(connection, known.id, [gap])
        case SessionEnded() | SessionFailed() as over:
            await _update(connection, known.id, **_end_values(known, over))
        case _:
            raise AssertionError(f"{type(payload).__name__} is not durable")


async def _write_snapshot(connection: AsyncConnection, known: Transcription, snapshot: SnapshotTaken) -> None:
    values: dict[str, object] = {
        "durable_sequence": snapshot.sequence,
        "attempt": snapshot.attempt,
        "processed_until": snapshot.processed_until,
    }
    if snapshot.started is not None:
        values |= _started_values(known, snapshot.started)
    over = snapshot.ended or snapshot.failed
    if over is not None:
        values |= _end_values(known, over)
    await _write_notes(connection, known.id, snapshot.notes)
    await _write_gaps(connection, known.id, snapshot.gaps)
    await _update(connection, known.id, **values)


def _started_values(known: Transcription, started: SessionStarted) -> dict[str, object]:
    return {
        "status": known.status if known.status in OVER else Status.PROCESSING,
        "config": config_to_json(started.config),
        "models": models_to_json(started.models),
        # A later attempt is the same session: it began when the first one did.
        "started_at_ns": known.started_at_ns or started.started_at_ns,
    }


def _end_values(known: Transcription, over: SessionEnded | SessionFailed) -> dict[str, object]:
    if known.source is Source.UPLOAD and is_cut_short(over):
        # The file is still here: the job is begun again, so it is not over.
        return {"status": Status.PENDING}
    if isinstance(over, SessionFailed):
        error = {"error_reason": over.reason.value, "error_message": over.message}
        return {"status": Status.FAILED, "duration": over.duration, "end_reason": None, **error}
    status = Status.CANCELLED if over.reason is EndReason.CANCELLED else Status.COMPLETED
    ended = {"duration": over.duration, "end_reason": over.reason.value}
    return {"status": status, "error_reason": None, "error_message": None, **ended}


def is_cut_short(over: SessionEnded | SessionFailed) -> bool:
    """Whether a session ended because we or the server stopped, not because of what was in the file."""
    if isinstance(over, SessionFailed):
        return over.reason is Reason.SERVER_DRAINING
    return over.reason is not EndReason.COMPLETED


async def _update(connection: AsyncConnection, transcription_id: str, **values: object) -> None:
    query = update(transcriptions).where(transcriptions.c.id == transcription_id)
    await connection.execute(query.values(updated_at_ns=time.time_ns(), **values))


async def _write_notes(connection: AsyncConnection, transcription_id: str, revised: Iterable[Note]) -> None:
    rows = [note_to_row(transcription_id, note) for note in revised]
    for start in range(0, len(rows), _NOTES_PER_STATEMENT):
        upsert = _upsert(connection.dialect.name, notes)
        await connection.execute(upsert, rows[start : start + _NOTES_PER_STATEMENT])


async def _write_gaps(connection: AsyncConnection, transcription_id: str, found: Iterable[GapFound]) -> None:
    rows = [gap_to_row(transcription_id, gap) for gap in found]
    if rows:
        await connection.execute(_upsert(connection.dialect.name, gaps), rows)


@cache
def _upsert(dialect: str, table: Table) -> Insert:
    """Insert rows of `notes` or `gaps`, or change those that are there."""
    keys = [column.name for column in table.primary_key]
    # What has ended never changes again, whatever arrives late.
    still_open = notes.c.state != NoteState.ENDED.value if table is notes else None
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    upsert: Insert = insert.on_conflict_do_update(index_elements=keys, set_=changes, where=still_open)
    return upsert
