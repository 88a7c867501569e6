"""What a session's events change in the tables; each function within the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from sqlalchemy import Insert, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from music.errors import Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    BarsRevised,
    EndReason,
    GapFound,
    HarmonyRevised,
    NoteRevised,
    RhythmLocked,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from music.note import SETTLED, Note, NoteState
from web_edge.rows import (
    OVER,
    Source,
    Status,
    Transcription,
    config_to_json,
    gap_to_row,
    locked_to_json,
    models_to_json,
    note_to_row,
    separation_to_json,
)
from web_edge.schema import deletions, gaps, notes, transcriptions
from web_edge.transcriptions import find, new_row

_NOTES_PER_STATEMENT = 500

_PLAIN = NoteRevised | GapFound | BarsRevised | HarmonyRevised
"""What changes nothing but the notes and gaps of a session, if anything."""

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


async def write_next(connection: AsyncConnection, run: Sequence[SessionEvent]) -> bool:
    """The usual case, in a statement or two: notes and gaps right after the last event recorded; else nothing is done.

    Args:
        connection: within a transaction.
        run: events of one session, in order.
    """
    first, last = run[0], run[-1]
    follows = all(event.previous_durable_sequence == before.sequence for before, event in pairwise(run))
    if not follows or not all(isinstance(event.payload, _PLAIN) for event in run):
        return False
    place = {"id_": first.session_id, "previous": first.previous_durable_sequence, "now": time.time_ns()}
    moved = {"sequence": last.sequence, "attempt_": last.attempt, "until": last.processed_until}
    if (await connection.execute(_NEXT, place | moved)).rowcount == 0:
        return False
    # Of a note that is told twice in a run only the last says anything.
    revised = {event.payload.note.id: event.payload.note for event in run if isinstance(event.payload, NoteRevised)}
    await _write_notes(connection, first.session_id, list(revised.values()))
    await _write_gaps(connection, first.session_id, [e.payload for e in run if isinstance(e.payload, GapFound)])
    return True


async def row_for(connection: AsyncConnection, session_id: str, started: SessionStarted | None) -> Transcription | None:
    """The session's row, made when it is the first we hear of it; None when it was deleted."""
    known = await find(connection, session_id)
    if known is not None:
        return known
    was_deleted = select(deletions.c.transcription_id).where(deletions.c.transcription_id == session_id)
    if (await connection.execute(was_deleted)).first() is not None:
        return None
    unknown = SessionConfig(AudioFormat(AudioEncoding.PCM_F32LE), session_id=session_id)
    row = new_row(
        started.config if started else unknown,
        title="Live session",
        source=Source.STREAM,
        owner=started.owner if started else "",
        now_ns=time.time_ns(),
    )
    await connection.execute(transcriptions.insert().values({**row, "id": session_id}))
    return await find(connection, session_id)


async def write_event(connection: AsyncConnection, known: Transcription, event: SessionEvent) -> None:
    """Any durable event that is the next one of a session."""
    match event.payload:
        case SessionStarted() as started:
            await _set(connection, known.id, **_started_values(known, started))
        case NoteRevised(note) if note.state in SETTLED:
            await _write_notes(connection, known.id, [note])
        case GapFound() as gap:
            await _write_gaps(connection, known.id, [gap])
        case SessionEnded() | SessionFailed() as over:
            await _set(connection, known.id, **_end_values(known, over))
        case SeparationChosen() as chosen:
            await _set(connection, known.id, separation=separation_to_json(chosen))
        case RhythmLocked() as locked:
            await _set(connection, known.id, rhythm=locked_to_json(locked))
        # Bars and harmony of a session that is over are found anew in its notes, all of them at once; what was heard
        # stands in the log, and a transcription is what came of it.
        case BarsRevised() | HarmonyRevised() | UnknownEvent():
            pass
        case _:
            raise AssertionError(f"{type(event.payload).__name__} is not durable")
    await _set(
        connection,
        known.id,
        durable_sequence=event.sequence,
        attempt=max(known.attempt, event.attempt),
        processed_until=max(known.processed_until, event.processed_until),
    )


async def write_snapshot(connection: AsyncConnection, known: Transcription, snapshot: SnapshotTaken) -> None:
    """A session's durable part up to a sequence, or what is new of it."""
    values: dict[str, object] = {
        "durable_sequence": snapshot.sequence,
        "attempt": max(known.attempt, snapshot.attempt),
        "processed_until": max(known.processed_until, snapshot.processed_until),
    }
    if snapshot.started is not None:
        values |= _started_values(known, snapshot.started)
    if snapshot.separation is not None:
        values["separation"] = separation_to_json(snapshot.separation)
    if snapshot.rhythm_locks:
        values["rhythm"] = locked_to_json(snapshot.rhythm_locks[-1])
    over = snapshot.ended or snapshot.failed
    if over is not None:
        values |= _end_values(known, over)
    await _write_notes(connection, known.id, snapshot.notes)
    await _write_gaps(connection, known.id, snapshot.gaps)
    await _set(connection, known.id, **values)


def _started_values(known: Transcription, started: SessionStarted) -> dict[str, object]:
    return {
        "status": known.status if known.status in OVER else Status.PROCESSING,
        "owner": known.owner or started.owner,
        "config": config_to_json(started.config),
        "models": models_to_json(started.models),
        # A later attempt is the same session: it began when the first one did.
        "started_at_ns": known.started_at_ns or started.started_at_ns,
    }


def _end_values(known: Transcription, over: SessionEnded | SessionFailed) -> dict[str, object]:
    if known.source is Source.UPLOAD and known.status is Status.CANCELLED:
        # Somebody cancelled the job; what its session still came to says nothing about it any more.
        return {}
    if known.source is Source.UPLOAD and is_cut_short(over):
        # The file is still here: the job is begun again, so it is not over.
        return {"status": Status.PENDING}
    # In the transaction that ends the job, so that it is told however this process ends.
    due = {"notice_due": known.source is Source.UPLOAD and known.owner != ""}
    if isinstance(over, SessionFailed):
        error = {"error_reason": over.reason.value, "error_message": over.message}
        return {"status": Status.FAILED, "duration": over.duration, "end_reason": None, **error, **due}
    status = Status.CANCELLED if over.reason is EndReason.CANCELLED else Status.COMPLETED
    ended = {"duration": over.duration, "end_reason": over.reason.value}
    return {"status": status, "error_reason": None, "error_message": None, **ended, **due}


def is_cut_short(over: SessionEnded | SessionFailed) -> bool:
    """Whether a session ended because we or the server stopped, not because of what was in the file."""
    if isinstance(over, SessionFailed):
        return over.reason is Reason.SERVER_DRAINING
    return over.reason is not EndReason.COMPLETED


async def _set(connection: AsyncConnection, transcription_id: str, **values: object) -> None:
    query = update(transcriptions).where(transcriptions.c.id == transcription_id)
    await connection.execute(query.values(updated_at_ns=time.time_ns(), **values))


async def _write_notes(connection: AsyncConnection, transcription_id: str, revised: Sequence[Note]) -> None:
    for start in range(0, len(revised), _NOTES_PER_STATEMENT):
        rows = [note_to_row(transcription_id, note) for note in revised[start : start + _NOTES_PER_STATEMENT]]
        await connection.execute(_upsert(connection.dialect.name, notes), rows)


async def _write_gaps(connection: AsyncConnection, transcription_id: str, found: Sequence[GapFound]) -> None:
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
