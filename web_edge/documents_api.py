"""`/api/transcribe/{id}/arrange`, `/bars` and `/documents`: the same notes for another hand, or in other bars."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from music.derived import Wanted, derive, rearrange, wanted_by
from music.document import music_of_session, summary_of, to_document
from music.errors import Conflict, InvalidInput, Overloaded, Reason
from music.note import Note
from music.session_state import SessionState
from music.tuning_offer import offer_tuning
from web_edge.bars_options import LOCK_OPTIONS, lock_from_json
from web_edge.conditional import has_it, not_modified, tag_of, tagged
from web_edge.documents import Document, Documents, settings_to_json
from web_edge.json_bodies import read_object
from web_edge.options import INSTRUMENT_OPTIONS, PLAYER_OPTIONS, instrument_of, player_of
from web_edge.rows import Transcription
from web_edge.transcriptions import Transcriptions

ONE = "/api/transcribe/{id}"
_MOST_BYTES = 1 << 20
_MOST_WAITING = 16
_REVISION = "revision"
MAKER = version("genesis-music")
"""Part of every tag: another version may write another file."""

_ARRANGING = {*INSTRUMENT_OPTIONS, *PLAYER_OPTIONS, "pins", "document"}
_BARRING = {*LOCK_OPTIONS, "document"}


@dataclass(frozen=True, slots=True)
class _Made:
    """A revision's content: `music` are bars, chords and keys of its own, None for those of the finished log."""

    wanted: Wanted
    places: list[Note]
    music: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class DocumentsApi:
    """The handlers and what they work with. One document is arranged at a time: it takes a core while it lasts."""

    transcriptions: Transcriptions
    documents: Documents
    _turn: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    _finding: anyio.Lock = field(default_factory=anyio.Lock)

    def routes(self) -> list[Route]:
        one = ONE + "/documents/{document}"
        return [
            Route(ONE + "/arrange", self.arrange, methods=["POST"]),
            Route(ONE + "/bars", self.bars, methods=["POST"]),
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
        asked = await _read_body(request, _ARRANGING)
        state = await self.finished(transcription_id)
        async with self._waiting_turn():
            before = await self._before(state, asked.get("document"))
            wanted = _wanted(asked, before.wanted)
            places = await anyio.to_thread.run_sync(rearrange, state, wanted)
            made = replace(before, wanted=wanted, places=places)
            return await self._keep(state, asked.get("document"), made)

    async def bars(self, request: Request) -> Response:
        """A document with the same notes in the same places, in bars around what the body says: 201, as `arrange`.

        The body is a JSON object: `tempo_bpm`, `time_signature` ("3/4"), `bar_one_s`, `taps_s` (seconds at which beats
        were tapped), null for what is to be found; and `document`, whose next revision this is to be. What it does not
        say is as in that document, or else as it was set while the session ran. No note, and no time of one, changes.
        """
        asked = await _read_body(request, _BARRING)
        state = await self.finished(request.path_params["id"])
        async with self._waiting_turn():
            before = await self._before(state, asked.get("document"))
            lock = lock_from_json(asked, before.wanted.lock)
            music = await anyio.to_thread.run_sync(music_of_session, state, lock)
            made = replace(before, wanted=replace(before.wanted, lock=lock), music=music)
            return await self._keep(state, asked.get("document"), made)

    async def _before(self, state: SessionState, document_id: str | None) -> _Made:
        """What the next revision goes out from: the last one, or the log."""
        if document_id is None:
            return _Made(wanted_by(state), state.sorted_notes(), None)
        document, places, music = await self.documents.read(state.session_id, document_id)
        return _Made(document.wanted, places, music)

    async def _keep(self, state: SessionState, document_id: str | None, made: _Made) -> Response:
        name, summary = state.session_id, summary_of(made.places)
        document = await self.documents.add(
            name, document_id, state.durable_sequence, made.wanted, made.places, summary, made.music
        )
        location = f"{ONE.format(id=name)}/result?document={document.id}&{_REVISION}={document.revision}"
        return await self._file(state, document, made, 201, {"Location": location})

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
        document, places, music = await self.documents.read(known.id, document_id, revision_of(request))
        etag = tag_of("document", MAKER, *document_version(known), document.id, document.revision)
        if has_it(request, etag):
            return not_modified(etag)
        state = await self.transcriptions.state(known.id)
        return await self._file(state, document, _Made(document.wanted, places, music), 200, tagged(etag))

    async def content(
        self, transcription_id: str, document_id: str | None = None, revision: int | None = None
    ) -> dict[str, Any]:
        """A finished transcription, or a document of it, as a file. Raises as `finished`; NotFound: NOT_FOUND."""
        state = await self.finished(transcription_id)
        if document_id is None:
            music = await self.final_bars(state)
            return await anyio.to_thread.run_sync(to_document, state, music)
        document, places, own = await self.documents.read(state.session_id, document_id, revision)
        made = _Made(document.wanted, places, own)
        return await self._content(state, made)

    async def final_bars(self, state: SessionState) -> dict[str, Any]:
        """Bars, chords and keys of a session that is over, found in all of its notes; found once and then kept."""
        kept = await self.documents.final_music(state.session_id, state.durable_sequence)
        if kept is not None:
            return kept
        # Everybody who follows a session asks for its result once it is over: found once, not once for each of them.
        async with self._finding:
            kept = await self.documents.final_music(state.session_id, state.durable_sequence)
            if kept is None:
                kept = await anyio.to_thread.run_sync(music_of_session, state)
                with suppress(IntegrityError):  # it was deleted meanwhile
                    await self.documents.keep_final_music(state.session_id, state.durable_sequence, kept)
        return kept

    async def _content(self, state: SessionState, made: _Made) -> dict[str, Any]:
        music = await self.final_bars(state) if made.music is None else made.music
        derived = derive(state, made.wanted, made.places)
        return await anyio.to_thread.run_sync(to_document, derived, music)

    async def _file(
        self, state: SessionState, document: Document, made: _Made, status: int, headers: Mapping[str, str]
    ) -> Response:
        content = {**await self._content(state, made), "document": to_json(document)}
        return await anyio.to_thread.run_sync(lambda: JSONResponse(content, status, headers))

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


async def _read_body(request: Request, known: Set[str]) -> dict[str, Any]:
    """Raises InvalidInput: REQUEST_INVALID."""
    asked = await read_object(request, known, max_bytes=_MOST_BYTES)
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
    return replace(
        before, instrument=instrument, player=player_of(asked, before.player), pins=tuple(sorted(pins.items()))
    )
