"""`/api/transcribe/{id}/arrange` and `/documents`: the same notes for another tuning, capo or hand, as documents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from music.derived import Wanted, derive, rearrange, wanted_by
from music.document import summary_of, to_document
from music.errors import Conflict, InvalidInput, Overloaded, Reason
from music.note import Note
from music.session_state import SessionState
from music.tuning_offer import offer_tuning
from web_edge.conditional import has_it, not_modified, tag_of, tagged
from web_edge.documents import Document, Documents, settings_to_json
from web_edge.options import INSTRUMENT_OPTIONS, PLAYER_OPTIONS, instrument_of, player_of
from web_edge.rows import Transcription
from web_edge.transcriptions import Transcriptions

ONE = "/api/transcribe/{id}"
_MOST_BYTES = 1 << 20
_MOST_WAITING = 16
_REVISION = "revision"
MAKER = version("genesis-music")
"""Part of every tag: another version may write another file."""

_KNOWN = {*INSTRUMENT_OPTIONS, *PLAYER_OPTIONS, "pins", "document"}


@dataclass(frozen=True, slots=True)
class DocumentsApi:
    """The handlers and what they work with. One document is arranged at a time: it takes a core while it lasts."""

    transcriptions: Transcriptions
    documents: Documents
    _turn: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    def routes(self) -> list[Route]:
        one = ONE + "/documents/{document}"
        return [
            Route(ONE + "/arrange", self.arrange, methods=["POST"]),
            Route(ONE + "/documents", self.list, methods=["GET"]),
            Route(ONE + "/tuning", self.tuning, methods=["GET"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

    async def arrange(self, request: Request) -> Response:
        """A document with the best places for what the body asks for: 201, its file, and where it can be had again.

        The body is a JSON object: `tuning`, `capo`, `fret_count`, `difficulty`, `style`, `max_stretch`, `lowest_fret`,
        `highest_fret`, `pins` (string or null by note id), and `document`, whose next revision this is to be. What it
        does not say is as in that document, or else as in the transcription.
        """
        transcription_id: str = request.path_params["id"]
        asked = await _read_body(request)
        state = await self.finished(transcription_id)
        async with self._waiting_turn():
            document_id = asked.get("document")
            before = None if document_id is None else await self.documents.get(transcription_id, document_id)
            wanted = _wanted(asked, wanted_by(state) if before is None else before.wanted)
            places = await anyio.to_thread.run_sync(rearrange, state, wanted)
            document = await self.documents.add(
                transcription_id, document_id, state.durable_sequence, wanted, places, summary_of(places)
            )
        location = f"{ONE.format(id=transcription_id)}/result?document={document.id}&{_REVISION}={document.revision}"
        return await _file(state, document, places, 201, {"Location": location})

    @asynccontextmanager
    async def _waiting_turn(self) -> AsyncIterator[None]:
        """Raises Overloaded: SESSION_LIMIT_REACHED."""
        if self._turn.statistics().tasks_waiting >= _MOST_WAITING:
            raise Overloaded(Reason.SESSION_LIMIT_REACHED, "Too many are being arranged. Try again in a moment.")
        async with self._turn:
            yield

    async def list(self, request: Request) -> Response:
        """The last revision of every document of a transcription, the newest first."""
        transcription = await self.transcriptions.get(request.path_params["id"])
        found = await self.documents.latest(transcription.id)
        return JSONResponse({"items": [to_json(document) for document in found]})

    async def show(self, request: Request) -> Response:
        """What is told of a document besides its notes."""
        transcription = await self.transcriptions.get(request.path_params["id"])
        document = await self.documents.get(transcription.id, request.path_params["document"], revision_of(request))
        return JSONResponse(to_json(document))

    async def tuning(self, request: Request) -> Response:
        """Another tuning or capo that the notes suggest, to be offered; `offer` is null where they suggest none."""
        state = await self.finished(request.path_params["id"])
        wanted = wanted_by(state)
        async with self._waiting_turn():
            preferences = wanted.player.preferences
            offer = await anyio.to_thread.run_sync(offer_tuning, state.sorted_notes(), wanted.instrument, preferences)
        told = None if offer is None else {"name": offer.name, "tuning": list(offer.tuning), "capo": offer.capo}
        return JSONResponse({"offer": told})

    async def delete(self, request: Request) -> Response:
        """Delete a document in all its revisions."""
        transcription = await self.transcriptions.get(request.path_params["id"])
        await self.documents.delete(transcription.id, request.path_params["document"])
        return Response(status_code=204)

    async def result(self, request: Request, document_id: str) -> Response:
        """A document as a file of schema genesis.transcription/1, with a member `document` that says what it is."""
        known = await self.over(request.path_params["id"])
        document, places = await self.documents.read(known.id, document_id, revision_of(request))
        etag = tag_of("document", MAKER, *document_version(known), document.id, document.revision)
        if has_it(request, etag):
            return not_modified(etag)
        state = await self.transcriptions.state(known.id)
        return await _file(state, document, places, 200, tagged(etag))

    async def derived(self, transcription_id: str, document_id: str, revision: int | None = None) -> SessionState:
        """A document as a folded session, for whoever writes files of it. Raises as `finished`; NotFound: NOT_FOUND."""
        state = await self.finished(transcription_id)
        document, places = await self.documents.read(transcription_id, document_id, revision)
        return derive(state, document.wanted, places)

    async def finished(self, transcription_id: str) -> SessionState:
        """The log of a transcription that is over, folded. Raises as `over`."""
        await self.over(transcription_id)
        return await self.transcriptions.state(transcription_id)

    async def over(self, transcription_id: str) -> Transcription:
        """A transcription that has a result.

        Raises:
            NotFound: TRANSCRIPTION_NOT_FOUND. Conflict: RESULT_NOT_READY. Whatever made it fail.
        """
        transcription = await self.transcriptions.get(transcription_id)
        if transcription.error is not None:
            raise transcription.error
        if not transcription.is_over:
            raise Conflict(
                Reason.RESULT_NOT_READY,
                f"This transcription is {transcription.status.value}. Ask again when it is completed.",
                status=transcription.status.value,
            )
        return transcription


def document_version(known: Transcription) -> tuple[object, ...]:
    """Changes with all that a transcription's result is made of; a job that began again began at another time."""
    return (known.id, known.started_at_ns, known.attempt, known.durable_sequence, known.status.value, known.duration)


def to_json(document: Document) -> dict[str, Any]:
    """What is told of a document: who it is, which log it folds and how far, and what it was arranged for."""
    return {
        "id": document.id,
        "revision": document.revision,
        "kind": "arrangement",
        "session": document.transcription_id,
        "sequence": document.log_sequence,
        "created_at": datetime.fromtimestamp(document.created_at_ns / 1e9, UTC).isoformat(),
        "settings": settings_to_json(document.wanted),
        "summary": dict(document.summary),
    }


def revision_of(request: Request) -> int | None:
    """The query's `revision`; None for the last one. Raises InvalidInput: REQUEST_INVALID."""
    given = request.query_params.get(_REVISION)
    if given is None:
        return None
    if not given.isdecimal() or not int(given[:9]) >= 1:
        raise InvalidInput(Reason.REQUEST_INVALID, "`revision` counts from 1; leave it out for the last one.")
    return int(given[:9])


async def _file(
    state: SessionState, document: Document, places: list[Note], status: int, headers: Mapping[str, str]
) -> Response:
    def write() -> Response:
        content = {**to_document(derive(state, document.wanted, places)), "document": to_json(document)}
        return JSONResponse(content, status, headers)

    return await anyio.to_thread.run_sync(write)


async def _read_body(request: Request) -> dict[str, Any]:
    """Raises InvalidInput: REQUEST_INVALID."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise InvalidInput(Reason.REQUEST_INVALID, f"Say what to arrange in {_MOST_BYTES} bytes at most.")
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is not JSON; send an object such as {}.") from None
    if not isinstance(asked, dict):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is a JSON object, such as {}.")
    unknown = sorted(set(asked) - _KNOWN)
    if unknown:
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"There is no option {unknown[0][:40]!r}; there is: {', '.join(sorted(_KNOWN))}."
        )
    if not isinstance(asked.get("document"), str | None):
        raise InvalidInput(Reason.REQUEST_INVALID, "`document` is the id of a document.")
    return asked


def _wanted(asked: Mapping[str, Any], before: Wanted) -> Wanted:
    """Raises InvalidInput: those of the options; REQUEST_INVALID for pins that are none."""
    given = asked.get("pins") or {}
    if not isinstance(given, dict):
        raise InvalidInput(Reason.REQUEST_INVALID, "`pins` is an object: the string, or null, by note id.")
    instrument = instrument_of(asked, before.instrument)
    # A string of another tuning has other pitches: what was decided for the one says nothing about the other.
    pins = dict(before.pins) if instrument == before.instrument else {}
    for name, string in given.items():
        if string is None:
            pins.pop(name, None)
        elif isinstance(string, int) and not isinstance(string, bool):
            pins[name] = string
        else:
            raise InvalidInput(Reason.REQUEST_INVALID, f"Note {name[:64]!r} is pinned to the number of a string.")
    return Wanted(instrument, player_of(asked, before.player), tuple(sorted(pins.items())))
