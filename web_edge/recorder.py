"""Writes every session's durable events into the database, so that the database is the truth.

One event is one transaction; the transaction that records a session's end also says that it is over. An event that was
recorded before changes nothing. When one is missing (the bus lost it, or the database was restored from a copy) the
whole log is read and recorded at once.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from music.errors import NotFound, Reason
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

    async def record(self, event: SessionEvent) -> None:
        """Record one event. Raises Unavailable: DATABASE_UNAVAILABLE, BUS_UNAVAILABLE; nothing is recorded then."""
        if not is_durable(event.payload):
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
        if state.is_over:
            self._hub.note_recorded(session_id)

    async def _apply(self, event: SessionEvent) -> bool:
        """False when an event before this one never arrived."""
        async with self._database.write() as connection:
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
    # What has ended never changes again, whatever arrives late.
    still_open = notes.c.state != NoteState.ENDED.value
    for start in range(0, len(rows), _NOTES_PER_STATEMENT):
        await _upsert(connection, notes, rows[start : start + _NOTES_PER_STATEMENT], where=still_open)


async def _write_gaps(connection: AsyncConnection, transcription_id: str, found: Iterable[GapFound]) -> None:
    rows = [gap_to_row(transcription_id, gap) for gap in found]
    if rows:
        await _upsert(connection, gaps, rows, where=None)


async def _upsert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]], where: Any) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changes, where=where), rows)
