"""Transcriptions in the database: what the API, the jobs and the sockets ask for. `recorder` writes their music."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.caller import Caller
from music.errors import Cancelled, Conflict, GenesisError, NotFound, Reason, Unauthenticated
from music.events import EndReason, SessionConfig, SnapshotTaken, snapshot_event
from music.note import Note
from music.session_state import SessionState
from web_edge.accounts.tables import users
from web_edge.database import Database
from web_edge.idempotency import Claim, claim
from web_edge.paging import Page, after, cursor_of
from web_edge.rows import (
    OVER,
    Priority,
    Source,
    Status,
    Transcription,
    config_to_json,
    gap_from_row,
    note_from_row,
    transcription_from_row,
)
from web_edge.schema import deletions, documents, gaps, notes, transcriptions

_ROWS_AT_A_TIME = 200
"""Notes read from the database before somebody else has a turn."""


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """An upload that is stored: its name for people, how much it is."""

    name: str
    byte_count: int
    sha256: str


class Transcriptions:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_upload(
        self,
        config: SessionConfig,
        audio: StoredAudio,
        owner: str,
        *,
        priority: Priority = Priority.NORMAL,
        claimed: Claim | None = None,
    ) -> Transcription:
        """A pending job for a stored file of the account `owner`; `config.session_id` names it.

        Raises InvalidInput: IDEMPOTENCY_KEY_REUSED. AlreadyMade: the claimed key names a job made before.
        Unauthenticated: TOKEN_INVALID, the account has gone since the request began.
        """
        now = time.time_ns()
        async with self._database.write() as connection:
            await _check_owner(connection, owner)
            await connection.execute(
                insert(transcriptions).values(
                    **new_row(config, title=audio.name, source=Source.UPLOAD, owner=owner, now_ns=now),
                    audio_bytes=audio.byte_count,
                    audio_sha256=audio.sha256,
                    priority=priority,
                )
            )
            if claimed is not None:
                await claim(connection, claimed, config.session_id, now)
            return await _get(connection, config.session_id)

    async def create_video(
        self,
        config: SessionConfig,
        url: str,
        owner: str,
        *,
        priority: Priority = Priority.NORMAL,
        claimed: Claim | None = None,
    ) -> Transcription:
        """A pending job whose recording is yet to be fetched from `url`. Raises as `create_upload`."""
        now = time.time_ns()
        row = new_row(config, title=url, source=Source.UPLOAD, owner=owner, now_ns=now)
        async with self._database.write() as connection:
            await _check_owner(connection, owner)
            await connection.execute(insert(transcriptions).values(**row, priority=priority, url=url))
            if claimed is not None:
                await claim(connection, claimed, config.session_id, now)
            return await _get(connection, config.session_id)

    async def note_recording(self, transcription_id: str, audio: StoredAudio, video: Mapping[str, Any]) -> None:
        """The recording of a video is stored; `video` is what its site says of it."""
        await self._set_unless_over(
            transcription_id,
            title=audio.name,
            audio_bytes=audio.byte_count,
            audio_sha256=audio.sha256,
            video=dict(video),
        )

    async def get(self, transcription_id: str) -> Transcription:
        """Raises NotFound: TRANSCRIPTION_NOT_FOUND."""
        async with self._database.read() as connection:
            return await _get(connection, transcription_id)

    async def find(self, transcription_id: str) -> Transcription | None:
        async with self._database.read() as connection:
            return await find(connection, transcription_id)

    async def check_visible(self, transcription_id: str, caller: Caller) -> None:
        """Raises NotFound: TRANSCRIPTION_NOT_FOUND, for one of somebody else as for none."""
        query = select(transcriptions.c.owner).where(transcriptions.c.id == transcription_id)
        async with self._database.read() as connection:
            owner = (await connection.execute(query)).scalar_one_or_none()
        if owner is None or not caller.may_see(owner):
            raise unknown_transcription(transcription_id)

    async def owned_by(self, owner: str) -> list[str]:
        """Ids of everything an account has."""
        query = select(transcriptions.c.id).where(transcriptions.c.owner == owner)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def page(self, caller: Caller, limit: int, cursor: str | None, statuses: Collection[Status] = ()) -> Page:
        """At most `limit` of the caller's, of these statuses if there are any, after the one the cursor names.

        Raises InvalidInput: REQUEST_INVALID.
        """
        query = select(transcriptions).order_by(transcriptions.c.created_at_ns.desc(), transcriptions.c.id.desc())
        if not caller.is_local:
            query = query.where(transcriptions.c.owner == caller.id)
        if statuses:
            query = query.where(transcriptions.c.status.in_(sorted(statuses)))
        if cursor is not None:
            query = query.where(after(cursor))
        async with self._database.read() as connection:
            rows = (await connection.execute(query.limit(limit + 1))).mappings().all()
        items = [transcription_from_row(row) for row in rows[:limit]]
        return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)

    async def unfinished_uploads(self) -> list[tuple[str, Priority]]:
        """Ids and priorities of the jobs that are neither completed nor given up, oldest first."""
        query = (
            select(transcriptions.c.id, transcriptions.c.priority)
            .where(transcriptions.c.source == Source.UPLOAD, transcriptions.c.status.not_in(OVER))
            .order_by(transcriptions.c.created_at_ns, transcriptions.c.id)
        )
        async with self._database.read() as connection:
            return [(row.id, Priority(row.priority)) for row in await connection.execute(query)]

    async def mark_processing(self, transcription_id: str) -> None:
        await self._set_unless_over(transcription_id, status=Status.PROCESSING)

    async def fail(self, transcription_id: str, error: GenesisError) -> bool:
        """Give a transcription up; False when it was over already or is not there."""
        return await self._set_unless_over(
            transcription_id,
            status=Status.FAILED,
            error_reason=error.reason.value,
            error_message=error.message,
            notice_due=transcriptions.c.owner != "",
        )

    async def take_due_notices(self, limit: int) -> list[Transcription]:
        """Jobs that are over and whose owners are yet to be told; each is taken once, by one process."""
        due = transcriptions.c.notice_due.is_(True)
        async with self._database.read() as connection:
            if (await connection.execute(select(transcriptions.c.id).where(due).limit(1))).first() is None:
                return []
        async with self._database.write() as connection:
            rows = (await connection.execute(select(transcriptions).where(due).limit(limit))).mappings().all()
            taken = transcriptions.c.id.in_([row["id"] for row in rows])
            await connection.execute(update(transcriptions).where(taken).values(notice_due=False))
        return [transcription_from_row(row) for row in rows]

    async def cancel(self, transcription_id: str) -> Transcription:
        """Give a job up because its owner wants so; one that is cancelled stays so.

        Raises NotFound: TRANSCRIPTION_NOT_FOUND. Conflict: JOB_STATE_CONFLICT, it is over or no job.
        """
        until = transcriptions.c.processed_until
        query = (
            update(transcriptions)
            .where(transcriptions.c.id == transcription_id, transcriptions.c.status.not_in(OVER))
            .values(
                status=Status.CANCELLED,
                end_reason=EndReason.CANCELLED.value,
                duration=case((until > 0, until), else_=None),
                updated_at_ns=time.time_ns(),
            )
        )
        async with self._database.write() as connection:
            known = await _get(connection, transcription_id)
            if known.source is not Source.UPLOAD or known.status in OVER - {Status.CANCELLED}:
                raise _wrong_state(known, "Only a job that is pending or processing can be cancelled.")
            await connection.execute(query)
            return await _get(connection, transcription_id)

    async def check_retriable(self, transcription_id: str) -> None:
        """Raises NotFound: TRANSCRIPTION_NOT_FOUND. Conflict: JOB_STATE_CONFLICT."""
        known = await self.get(transcription_id)
        if known.source is not Source.UPLOAD or known.status not in (Status.FAILED, Status.CANCELLED):
            raise _wrong_state(known, "Only a job that failed or was cancelled can be tried again.")
        if known.audio_bytes is None and known.url is None:
            raise _wrong_state(known, "Its recording is no longer kept; upload it again.")

    async def start_over(self, transcription_id: str) -> None:
        """Forget what an earlier log of a job said: it is about to get a new one."""
        async with self._database.write() as connection:
            for table in (notes, gaps, documents):
                await connection.execute(delete(table).where(table.c.transcription_id == transcription_id))
            await connection.execute(
                update(transcriptions)
                .where(transcriptions.c.id == transcription_id)
                .values(
                    status=Status.PENDING,
                    attempt=0,
                    durable_sequence=0,
                    processed_until=0,
                    separation=None,
                    rhythm=None,
                    started_at_ns=None,
                    duration=None,
                    end_reason=None,
                    error_reason=None,
                    error_message=None,
                    notice_due=False,
                    updated_at_ns=time.time_ns(),
                )
            )

    async def snapshot(self, transcription_id: str) -> SnapshotTaken:
        """Everything durable of it, from one state of the database. Raises NotFound: TRANSCRIPTION_NOT_FOUND."""
        of_it = notes.c.transcription_id == transcription_id
        by_onset = select(notes).where(of_it).order_by(notes.c.onset, notes.c.pitch, notes.c.note_id)
        its_gaps = select(gaps).where(gaps.c.transcription_id == transcription_id).order_by(gaps.c.start, gaps.c.end)
        async with self._database.read() as connection:
            transcription = await _get(connection, transcription_id)
            its_notes: list[Note] = []
            async with connection.stream(by_onset) as result:
                async for rows in result.mappings().partitions(_ROWS_AT_A_TIME):
                    its_notes += map(note_from_row, rows)
            gap_rows = (await connection.execute(its_gaps)).mappings().all()
        return transcription.snapshot(its_notes, map(gap_from_row, gap_rows))

    async def state(self, transcription_id: str) -> SessionState:
        """The same, folded."""
        state = SessionState()
        state.apply(snapshot_event(transcription_id, await self.snapshot(transcription_id)))
        # A job that was cancelled before it began has a name and nothing else.
        state.session_id = transcription_id
        return state

    async def delete(self, transcription_id: str) -> None:
        """Forget it and remember that it was deleted, so that its log does not bring it back.

        Raises NotFound: TRANSCRIPTION_NOT_FOUND.
        """
        async with self._database.write() as connection:
            await _get(connection, transcription_id)
            await connection.execute(delete(transcriptions).where(transcriptions.c.id == transcription_id))
            await connection.execute(
                insert(deletions).values(transcription_id=transcription_id, deleted_at_ns=time.time_ns(), purged=False)
            )

    async def unpurged(self) -> list[str]:
        """Ids of deleted transcriptions whose log may still be on the bus."""
        async with self._database.read() as connection:
            query = select(deletions.c.transcription_id).where(deletions.c.purged.is_(False))
            return list((await connection.execute(query)).scalars())

    async def mark_purged(self, transcription_id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(deletions).where(deletions.c.transcription_id == transcription_id).values(purged=True)
            )

    async def _set_unless_over(self, transcription_id: str, **values: object) -> bool:
        query = (
            update(transcriptions)
            .where(transcriptions.c.id == transcription_id, transcriptions.c.status.not_in(OVER))
            .values(updated_at_ns=time.time_ns(), **values)
        )
        async with self._database.write() as connection:
            return (await connection.execute(query)).rowcount > 0


async def find(connection: AsyncConnection, transcription_id: str) -> Transcription | None:
    """The row, or None, within the caller's transaction."""
    query = select(transcriptions).where(transcriptions.c.id == transcription_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else transcription_from_row(row)


def new_row(config: SessionConfig, *, title: str, source: Source, owner: str, now_ns: int) -> dict[str, object]:
    """Column values of a transcription of which nothing is known yet but what was asked for."""
    return {
        "id": config.session_id,
        "title": title,
        "status": Status.PENDING,
        "source": source,
        "owner": owner,
        "config": config_to_json(config),
        "models": [],
        "attempt": 0,
        "durable_sequence": 0,
        "processed_until": 0,
        "created_at_ns": now_ns,
        "updated_at_ns": now_ns,
    }


async def _get(connection: AsyncConnection, transcription_id: str) -> Transcription:
    found = await find(connection, transcription_id)
    if found is None:
        raise unknown_transcription(transcription_id)
    return found


async def _check_owner(connection: AsyncConnection, owner: str) -> None:
    """What an account owns is deleted once it is disabled: whatever arrives later must not outlive it."""
    if not owner:
        return
    good = select(users.c.id).where(users.c.id == owner, users.c.disabled.is_(False))
    if (await connection.execute(good)).first() is None:
        raise Unauthenticated(Reason.TOKEN_INVALID, "This account is no more; nothing was kept.")


def job_cancelled(transcription_id: str) -> Cancelled:
    return Cancelled(Reason.CANCELLED, "This job was cancelled. Retry it to begin again.", id=transcription_id)


def _wrong_state(known: Transcription, what_may: str) -> Conflict:
    kind = "job" if known.source is Source.UPLOAD else "live session"
    return Conflict(
        Reason.JOB_STATE_CONFLICT,
        f"This {kind} is {known.status.value}. {what_may}",
        id=known.id,
        status=known.status.value,
    )


def unknown_transcription(transcription_id: str) -> NotFound:
    return NotFound(
        Reason.TRANSCRIPTION_NOT_FOUND, f"There is no transcription {transcription_id!r}.", id=transcription_id
    )
