"""Derived documents in the database: revisions that name the log they fold and say where its notes go on the neck.

A revision holds the places of its notes and nothing else of them, and its bars where they are its own; the rest is
the log's, which never changes.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func, insert, select

from music.derived import Wanted
from music.errors import NotFound, Reason
from music.note import Alternative, Note, NoteState
from music.player import Player
from music.rhythm_document import lock_to_json
from music.tuning import Instrument, Position
from web_edge.bars_options import lock_from_json
from web_edge.database import Database
from web_edge.schema import documents


@dataclass(frozen=True, slots=True)
class Document:
    """One revision, without its places.

    Attributes:
        log_sequence: of the last durable event of the transcription's log that it folds.
        summary: counts of `music.document.summary_of`.
    """

    id: str
    revision: int
    transcription_id: str
    log_sequence: int
    created_at_ns: int
    wanted: Wanted
    summary: Mapping[str, int]


class Documents:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        transcription_id: str,
        document_id: str | None,
        log_sequence: int,
        wanted: Wanted,
        places: Iterable[Note],
        summary: Mapping[str, int],
        music: Mapping[str, Any] | None = None,
    ) -> Document:
        """A new document, or the next revision of `document_id`; `music` are bars, chords and keys of its own."""
        name, now_ns = document_id or uuid.uuid4().hex, time.time_ns()
        said = {"settings": settings_to_json(wanted), "summary": dict(summary)}
        its_places = [_place_to_json(note) for note in places]
        async with self._database.write() as connection:
            latest = select(func.max(documents.c.revision)).where(documents.c.id == name)
            revision = ((await connection.execute(latest)).scalar() or 0) + 1
            await connection.execute(
                insert(documents).values(
                    id=name,
                    revision=revision,
                    transcription_id=transcription_id,
                    log_sequence=log_sequence,
                    created_at_ns=now_ns,
                    places={"places": its_places, "music": None if music is None else dict(music)},
                    **said,
                )
            )
        return Document(name, revision, transcription_id, log_sequence, now_ns, wanted, dict(summary))

    async def latest(self, transcription_id: str) -> list[Document]:
        """The last revision of every document of a transcription, the newest first."""
        newest = (
            select(documents.c.id, func.max(documents.c.revision).label("revision"))
            .where(documents.c.transcription_id == transcription_id, documents.c.id != _final_id(transcription_id))
            .group_by(documents.c.id)
            .subquery()
        )
        query = (
            _without_places()
            .join(newest, (documents.c.id == newest.c.id) & (documents.c.revision == newest.c.revision))
            .order_by(documents.c.created_at_ns.desc(), documents.c.id)
        )
        async with self._database.read() as connection:
            return [_document_from_row(row) for row in (await connection.execute(query)).mappings()]

    async def get(self, transcription_id: str, document_id: str, revision: int | None = None) -> Document:
        """A revision, or the last one. Raises NotFound: NOT_FOUND."""
        row = await self._row(_without_places(), transcription_id, document_id, revision)
        return _document_from_row(row)

    async def read(
        self, transcription_id: str, document_id: str, revision: int | None = None
    ) -> tuple[Document, list[Note], dict[str, Any] | None]:
        """The same with its places and its own bars, chords and keys as in a file, if it has any.

        Places are notes of which only id, position, alternatives and flags mean anything.
        """
        row = await self._row(select(documents), transcription_id, document_id, revision)
        held = row["places"]
        # Documents of before there were bars in them are a list of places.
        places, music = (held, None) if isinstance(held, list) else (held["places"], held["music"])
        return _document_from_row(row), [_place_from_json(place) for place in places], music

    async def final_music(self, transcription_id: str, log_sequence: int) -> dict[str, Any] | None:
        """What `keep_final_music` kept of a log that ended there; None for nothing."""
        query = select(documents.c.places).where(
            documents.c.id == _final_id(transcription_id), documents.c.log_sequence == log_sequence
        )
        async with self._database.read() as connection:
            kept = (await connection.execute(query)).scalar()
        return None if kept is None else dict(kept["music"])

    async def keep_final_music(self, transcription_id: str, log_sequence: int, music: Mapping[str, Any]) -> None:
        """Bars, chords and keys of a log that is over: a document that is no version of the tab and not listed."""
        name = _final_id(transcription_id)
        async with self._database.write() as connection:
            # Another attempt may have ended the log elsewhere; and two readers may ask at the same time.
            await connection.execute(delete(documents).where(documents.c.id == name))
            await connection.execute(
                insert(documents).values(
                    id=name,
                    revision=1,
                    transcription_id=transcription_id,
                    log_sequence=log_sequence,
                    created_at_ns=time.time_ns(),
                    settings={},
                    summary={},
                    places={"places": [], "music": dict(music)},
                )
            )

    async def delete(self, transcription_id: str, document_id: str) -> None:
        """All revisions. Raises NotFound: NOT_FOUND."""
        of_it = (documents.c.transcription_id == transcription_id) & (documents.c.id == document_id)
        async with self._database.write() as connection:
            if (await connection.execute(delete(documents).where(of_it))).rowcount == 0:
                raise _not_found(document_id)

    async def _row(
        self, query: Select[Any], transcription_id: str, document_id: str, revision: int | None
    ) -> RowMapping:
        query = query.where(
            documents.c.transcription_id == transcription_id,
            documents.c.id == document_id,
            documents.c.id != _final_id(transcription_id),
        )
        if revision is not None:
            query = query.where(documents.c.revision == revision)
        async with self._database.read() as connection:
            last = query.order_by(documents.c.revision.desc()).limit(1)
            row: RowMapping | None = (await connection.execute(last)).mappings().first()
        if row is None:
            raise _not_found(document_id)
        return row


def settings_to_json(wanted: Wanted) -> dict[str, Any]:
    """What a document was arranged for, by the names under which `POST …/arrange` takes it."""
    instrument, player = wanted.instrument, wanted.player
    return {
        "tuning": list(instrument.tuning),
        "capo": instrument.capo,
        "fret_count": instrument.fret_count,
        "difficulty": player.difficulty,
        "style": player.style,
        "max_stretch": player.max_stretch,
        "lowest_fret": player.lowest_fret,
        "highest_fret": player.highest_fret,
        "pins": dict(wanted.pins),
        "rhythm": lock_to_json(wanted.lock),
    }


def _settings_from_json(settings: Mapping[str, Any]) -> Wanted:
    instrument = Instrument(tuple(settings["tuning"]), settings["capo"], settings["fret_count"])
    names = ("difficulty", "style", "max_stretch", "lowest_fret", "highest_fret")
    player = Player(**{name: settings[name] for name in names})
    return Wanted(instrument, player, tuple(settings["pins"].items()), lock_from_json(settings.get("rhythm") or {}))


def _without_places() -> Select[Any]:
    return select(*(column for column in documents.c if column.name != "places"))


def _document_from_row(row: RowMapping) -> Document:
    return Document(
        id=row["id"],
        revision=row["revision"],
        transcription_id=row["transcription_id"],
        log_sequence=row["log_sequence"],
        created_at_ns=row["created_at_ns"],
        wanted=_settings_from_json(row["settings"]),
        summary=row["summary"],
    )


def _place_to_json(note: Note) -> list[Any]:
    place = None if note.position is None else [note.position.string, note.position.fret]
    alternatives = [[other.position.string, other.position.fret, other.cost] for other in note.alternatives]
    return [note.id, place, alternatives, list(note.flags)]


def _place_from_json(data: list[Any]) -> Note:
    note_id, place, alternatives, flags = data
    return Note(
        id=note_id,
        state=NoteState.ENDED,
        onset=0,
        pitch=0,
        position=None if place is None else Position(*place),
        alternatives=tuple(Alternative(Position(string, fret), cost) for string, fret, cost in alternatives),
        flags=tuple(flags),
    )


def _final_id(transcription_id: str) -> str:
    """Ids are one namespace, and a session's may be as long as a document's."""
    return "final-" + hashlib.sha256(transcription_id.encode()).hexdigest()[:32]


def _not_found(document_id: str) -> NotFound:
    return NotFound(Reason.NOT_FOUND, f"This transcription has no document {document_id[:64]!r}, or not that revision.")
