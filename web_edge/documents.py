"""Derived documents in the database: revisions that name the log they fold and say where its notes go on the neck.

A revision holds the places of its notes and nothing else of them; the rest is the log's, which never changes.
"""

from __future__ import annotations

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
from music.tuning import Instrument, Position
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
    ) -> Document:
        """A new document, or the next revision of `document_id`."""
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
                    places=its_places,
                    **said,
                )
            )
        return Document(name, revision, transcription_id, log_sequence, now_ns, wanted, dict(summary))

    async def latest(self, transcription_id: str) -> list[Document]:
        """The last revision of every document of a transcription, the newest first."""
        newest = (
            select(documents.c.id, func.max(documents.c.revision).label("revision"))
            .where(documents.c.transcription_id == transcription_id)
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
    ) -> tuple[Document, list[Note]]:
        """The same with its places: notes of which only id, position, alternatives and flags mean anything."""
        row = await self._row(select(documents), transcription_id, document_id, revision)
        return _document_from_row(row), [_place_from_json(place) for place in row["places"]]

    async def delete(self, transcription_id: str, document_id: str) -> None:
        """All revisions. Raises NotFound: NOT_FOUND."""
        of_it = (documents.c.transcription_id == transcription_id) & (documents.c.id == document_id)
        async with self._database.write() as connection:
            if (await connection.execute(delete(documents).where(of_it))).rowcount == 0:
                raise _not_found(document_id)

    async def _row(
        self, query: Select[Any], transcription_id: str, document_id: str, revision: int | None
    ) -> RowMapping:
        query = query.where(documents.c.transcription_id == transcription_id, documents.c.id == document_id)
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
    }


def _settings_from_json(settings: Mapping[str, Any]) -> Wanted:
    instrument = Instrument(tuple(settings["tuning"]), settings["capo"], settings["fret_count"])
    names = ("difficulty", "style", "max_stretch", "lowest_fret", "highest_fret")
    return Wanted(instrument, Player(**{name: settings[name] for name in names}), tuple(settings["pins"].items()))


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


def _not_found(document_id: str) -> NotFound:
    return NotFound(Reason.NOT_FOUND, f"This transcription has no document {document_id[:64]!r}, or not that revision.")
