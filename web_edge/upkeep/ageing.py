"""Which transcriptions are old, and which files are somebody's."""

from __future__ import annotations

from sqlalchemy import select, update

from web_edge.database import Database
from web_edge.rows import OVER, Source
from web_edge.schema import transcriptions


class Ageing:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ids_with_files(self, stems_from_ns: int = 0) -> set[str]:
        """Of those that a recording or a stem may be stored of, or be about to; no stems of what was over before."""
        is_on = transcriptions.c.status.not_in(OVER)
        has_audio = (transcriptions.c.source == Source.UPLOAD) & (transcriptions.c.audio_bytes.is_not(None) | is_on)
        is_separated = transcriptions.c.separation.is_not(None)
        has_stem = is_separated & (is_on | (transcriptions.c.created_at_ns >= stems_from_ns))
        query = select(transcriptions.c.id).where(has_audio | has_stem)
        async with self._database.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def older_than(self, before_ns: int, limit: int, *, with_recording: bool = False) -> list[str]:
        """Ids of what is over and was made before; only of what has a recording, if told so. The oldest first."""
        made = transcriptions.c.created_at_ns
        query = select(transcriptions.c.id).where(made < before_ns, transcriptions.c.status.in_(OVER))
        if with_recording:
            query = query.where(transcriptions.c.audio_bytes.is_not(None))
        async with self._database.read() as connection:
            return list((await connection.execute(query.order_by(made).limit(limit))).scalars())

    async def forget_recording(self, transcription_id: str) -> bool:
        """What came of it stays. False when it is not over, or not there."""
        query = (
            update(transcriptions)
            .where(transcriptions.c.id == transcription_id, transcriptions.c.status.in_(OVER))
            .values(audio_bytes=None, audio_sha256=None)
        )
        async with self._database.write() as connection:
            return (await connection.execute(query)).rowcount > 0
