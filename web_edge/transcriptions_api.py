"""`/api/transcribe`: upload, list, look, result, delete."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.session_log import delete_session
from music.audio import seconds
from music.errors import GenesisError, InvalidInput, NotFound, Reason
from music.events import AudioEncoding, AudioFormat, SeparationChosen
from web_edge.accounts.identity import caller_of
from web_edge.audio_files import AudioFiles
from web_edge.bus_link import BusLink
from web_edge.conditional import has_it, json_response, not_modified, tag_of, tagged
from web_edge.documents_api import MAKER, DocumentsApi, document_version
from web_edge.hub import Hub
from web_edge.idempotency import REPLAYED_HEADER, AlreadyMade, Claim, fingerprint, key_of
from web_edge.jobs import JobRunner
from web_edge.json_bodies import is_json, read_object
from web_edge.kept import KeptAnswers
from web_edge.live import LiveSessions
from web_edge.options import OPTION_NAMES, priority_of, session_config
from web_edge.rows import Status, Transcription, config_to_json
from web_edge.transcriptions import Transcriptions, job_cancelled
from web_edge.uploads import receive_upload
from web_edge.videos.fetching import Videos
from web_edge.videos.recordings import url_in
from wire.errors import to_problem

PATH = "/api/transcribe"
_DEFAULT_PAGE, _MAX_PAGE = 50, 200
_KEPT_BYTES = 16 << 20
_MOST_JSON_BYTES = 64 << 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TranscriptionsApi:
    """The handlers and what they work with."""

    transcriptions: Transcriptions
    documents: DocumentsApi
    files: AudioFiles
    jobs: JobRunner
    live: LiveSessions
    hub: Hub
    bus: BusLink
    max_upload_bytes: int
    upload_idle_s: float
    videos: Videos
    _kept: KeptAnswers = field(default_factory=lambda: KeptAnswers(_KEPT_BYTES))

    def routes(self) -> list[Route]:
        one = PATH + "/{id}"
        return [
            Route(PATH, self.create, methods=["POST"]),
            Route(PATH, self.list, methods=["GET"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(one + "/result", self.result, methods=["GET"]),
            Route(one + "/cancel", self.cancel, methods=["POST"]),
            Route(one + "/retry", self.retry, methods=["POST"]),
            *self.documents.routes(),
        ]

    async def create(self, request: Request) -> Response:
        """Take an upload, or a video's address, and queue its job."""
        if is_json(request):
            return await self._create_from_address(request)
        transcription_id = uuid.uuid4().hex
        container = AudioFormat(AudioEncoding.CONTAINER)
        # What the query says is judged before the first byte is taken.
        session_config(request.query_params, container, transcription_id)
        key = key_of(request.headers)
        priority_of(request.query_params)
        async with self.files.receive(transcription_id) as incoming:
            upload = await receive_upload(request, incoming, max_bytes=self.max_upload_bytes, idle_s=self.upload_idle_s)
            config = session_config(upload.options, container, transcription_id)
            priority = priority_of(upload.options)
            audio = await incoming.finish(upload.name)
        owner = caller_of(request).id
        asked = [config_to_json(replace(config, session_id="")), priority, audio.name, audio.sha256]
        claimed = None if key is None else Claim(owner, key, fingerprint(asked))
        try:
            created = await self.transcriptions.create_upload(config, audio, owner, priority=priority, claimed=claimed)
        except AlreadyMade as made:
            await self.files.remove(transcription_id)
            return self._accepted(await self.transcriptions.get(made.transcription_id), {REPLAYED_HEADER: "true"})
        except GenesisError:
            await self.files.remove(transcription_id)
            raise
        self.jobs.submit(transcription_id, priority)
        return self._accepted(created, {})

    async def _create_from_address(self, request: Request) -> Response:
        transcription_id = uuid.uuid4().hex
        asked = await read_object(request, {"url", *OPTION_NAMES}, max_bytes=_MOST_JSON_BYTES)
        config = session_config(asked, AudioFormat(AudioEncoding.CONTAINER), transcription_id)
        priority, key = priority_of(asked), key_of(request.headers)
        # What the spelling shows is refused now; what only the site knows, by the job.
        url = self.videos.address(url_in(asked)).url
        owner = caller_of(request).id
        marks = [config_to_json(replace(config, session_id="")), priority, url]
        claimed = None if key is None else Claim(owner, key, fingerprint(marks))
        try:
            created = await self.transcriptions.create_video(config, url, owner, priority=priority, claimed=claimed)
        except AlreadyMade as made:
            return self._accepted(await self.transcriptions.get(made.transcription_id), {REPLAYED_HEADER: "true"})
        self.jobs.submit(transcription_id, priority)
        return self._accepted(created, {})

    def _accepted(self, transcription: Transcription, headers: dict[str, str]) -> Response:
        location = f"{PATH}/{transcription.id}"
        return JSONResponse(self.resource(transcription), 202, {"Location": location, **headers})

    async def list(self, request: Request) -> Response:
        """Your transcriptions, the newest first, a page at a time."""
        limit = request.query_params.get("limit", str(_DEFAULT_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit[:9]) <= _MAX_PAGE:
            raise InvalidInput(Reason.REQUEST_INVALID, f"`limit` is a number from 1 to {_MAX_PAGE}.")
        page = await self.transcriptions.page(
            caller_of(request), int(limit), request.query_params.get("cursor"), _statuses(request)
        )
        items = [self.resource(transcription) for transcription in page.items]
        return JSONResponse({"items": items, "next": page.next_cursor})

    async def show(self, request: Request) -> Response:
        """How a transcription stands."""
        return json_response(request, self.resource(await self.transcriptions.get(request.path_params["id"])))

    async def cancel(self, request: Request) -> Response:
        """Stop a job that waits or runs, and keep what it came to."""
        transcription_id: str = request.path_params["id"]
        cancelled = await self.transcriptions.cancel(transcription_id)
        await self.jobs.stop(transcription_id)
        self.hub.note_broken(transcription_id, job_cancelled(transcription_id))
        return JSONResponse(self.resource(cancelled))

    async def retry(self, request: Request) -> Response:
        """Queue a job that failed or was cancelled once more, from the recording that is kept."""
        transcription_id: str = request.path_params["id"]
        await self.jobs.begin_again(transcription_id)
        return self._accepted(await self.transcriptions.get(transcription_id), {})

    async def result(self, request: Request) -> Response:
        """The transcription, or with `?document=ID` a document derived of it, as a file of schema
        genesis.transcription/1.
        """
        document_id = request.query_params.get("document")
        if document_id is not None:
            return await self.documents.result(request, document_id)
        known = await self.documents.over(request.path_params["id"])
        etag = tag_of("result", MAKER, *document_version(known))
        if has_it(request, etag):
            return not_modified(etag)
        body = self._kept.get(etag)
        if body is None:
            content = await self.documents.content(known.id)
            body = bytes(await anyio.to_thread.run_sync(lambda: JSONResponse(content).body))
            self._kept.put(etag, body)
        return Response(body, headers=tagged(etag), media_type="application/json")

    async def delete(self, request: Request) -> Response:
        """Delete a transcription: recording, result, documents and events."""
        transcription_id: str = request.path_params["id"]
        await self.delete_one(transcription_id)
        return Response(status_code=204)

    async def delete_one(self, transcription_id: str) -> None:
        """Everything of it. Raises NotFound: TRANSCRIPTION_NOT_FOUND."""
        await self.transcriptions.get(transcription_id)
        await self.jobs.stop(transcription_id)
        await self.transcriptions.delete(transcription_id)
        gone = NotFound(Reason.TRANSCRIPTION_NOT_FOUND, "This transcription was deleted.", id=transcription_id)
        self.hub.note_broken(transcription_id, gone)
        self.live.stop(transcription_id, gone)
        await self.files.remove(transcription_id)
        await self._purge(transcription_id)

    async def purge_deleted(self) -> None:
        """Remove the logs that the bus kept because it was away when they were deleted. Raises Unavailable."""
        for transcription_id in await self.transcriptions.unpurged():
            await delete_session(self.bus.require(), transcription_id)
            await self.transcriptions.mark_purged(transcription_id)

    async def _purge(self, transcription_id: str) -> None:
        try:
            await delete_session(self.bus.require(), transcription_id)
            await self.transcriptions.mark_purged(transcription_id)
        except GenesisError as error:
            # The deletion is remembered, and done on the bus when it is back.
            log.warning("edge.purge_postponed", id=transcription_id, error=error.message)

    def resource(self, transcription: Transcription) -> dict[str, Any]:
        error = transcription.error
        done = transcription.status in (Status.COMPLETED, Status.CANCELLED)
        return {
            "id": transcription.id,
            "status": transcription.status.value,
            "progress": 1.0 if done else round(self.jobs.progress_of(transcription.id), 4),
            "priority": transcription.priority.value,
            "title": transcription.title,
            "url": transcription.url,
            "video": transcription.video,
            "created_at": datetime.fromtimestamp(transcription.created_at_ns / 1e9, UTC).isoformat(),
            "duration_s": None if transcription.duration is None else seconds(transcription.duration),
            "separation": None if transcription.separation is None else _heard(transcription.separation),
            "error": None if error is None else to_problem(error),
        }


def _heard(chosen: SeparationChosen) -> dict[str, Any]:
    return {
        "separation": chosen.separation.value,
        "start_s": seconds(chosen.start),
        "cause": chosen.cause,
        "voice_share": chosen.voice_share,
    }


def _statuses(request: Request) -> frozenset[Status]:
    """Those that `status` names, several with commas between; all for none. Raises InvalidInput: REQUEST_INVALID."""
    named = {name for given in request.query_params.getlist("status") for name in given.split(",") if name}
    if not named <= set(Status):
        raise InvalidInput(Reason.REQUEST_INVALID, f"A `status` is one of {', '.join(Status)}.")
    return frozenset(map(Status, named))
