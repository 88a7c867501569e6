"""`/api/uploads`: tus 1.0. An upload that is whole becomes a job of the same id by itself."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import wraps
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from music.errors import Conflict, GenesisError, InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat
from web_edge.accounts.identity import caller_of
from web_edge.audio_files import AudioFiles
from web_edge.jobs import JobRunner
from web_edge.options import OPTION_NAMES, priority_of, session_config
from web_edge.problems import problem_response
from web_edge.resumable.parts import KEPT_S, ChecksumWrong, Parts, Plan, not_found
from web_edge.resumable.protocol import (
    ALGORITHMS,
    EXTENSIONS,
    MEDIA_TYPE,
    VERSION,
    checksum_of,
    length_of,
    metadata_of,
    offset_of,
)
from web_edge.transcriptions import Transcriptions
from web_edge.uploads import body_chunks

PATH: Final = "/api/uploads"
_ONE: Final = PATH + "/{upload}"
MADE_HEADER: Final = "Genesis-Transcription"
_VERSION_UNKNOWN, _CHECKSUM_MISMATCH = 412, 460

Handler = Callable[["UploadsApi", Request], Awaitable[Response]]


def _tus(handler: Handler) -> Handler:
    """Says the version in every answer, and refuses others than ours."""

    @wraps(handler)
    async def answer(self: UploadsApi, request: Request) -> Response:
        if request.headers.get("Tus-Resumable") != VERSION:
            spoken = InvalidInput(Reason.REQUEST_INVALID, f"Say `Tus-Resumable: {VERSION}`.")
            response = problem_response(spoken, {"Tus-Version": VERSION}, status=_VERSION_UNKNOWN)
            response.status_code = _VERSION_UNKNOWN
        else:
            try:
                response = await handler(self, request)
            except ChecksumWrong as error:
                response = problem_response(error, status=_CHECKSUM_MISMATCH)
                response.status_code = _CHECKSUM_MISMATCH
            except GenesisError as error:
                response = problem_response(error)
        response.headers["Tus-Resumable"] = VERSION
        return response

    return answer


@dataclass(frozen=True, slots=True)
class UploadsApi:
    """The handlers and what they work with."""

    transcriptions: Transcriptions
    files: AudioFiles
    jobs: JobRunner
    parts: Parts
    max_upload_bytes: int
    upload_idle_s: float
    _busy: set[str] = field(default_factory=set)

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self.offer, methods=["OPTIONS"]),
            Route(PATH, self.create, methods=["POST"]),
            Route(_ONE, self.look, methods=["HEAD"]),
            Route(_ONE, self.add, methods=["PATCH"]),
            Route(_ONE, self.remove, methods=["DELETE"]),
        ]

    async def offer(self, _request: Request) -> Response:
        """What this server understands of tus."""
        headers = {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self.max_upload_bytes),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return Response(status_code=204, headers=headers)

    @_tus
    async def create(self, request: Request) -> Response:
        """Begin an upload that can be gone on with (tus 1.0).

        `Upload-Metadata` holds the file's name as `filename`, and the options of the transcription.
        """
        length = length_of(request.headers, self.max_upload_bytes)
        metadata = metadata_of(request.headers)
        upload_id = uuid.uuid4().hex
        options = {name: metadata[name] for name in OPTION_NAMES if name in metadata}
        # What they say is judged before the first byte is taken.
        session_config(options, AudioFormat(AudioEncoding.CONTAINER), upload_id)
        priority_of(options)
        owner = caller_of(request).id
        plan = Plan(upload_id, owner, length, metadata.get("filename", ""), options, time.time() + KEPT_S)
        await self.parts.create(plan)
        return Response(status_code=201, headers={"Location": f"{PATH}/{upload_id}", **_expires(plan)})

    @_tus
    async def look(self, request: Request) -> Response:
        """How much of an upload is here."""
        plan, offset = await self._own(request)
        if offset == plan.length and plan.upload_id not in self._busy:
            # Whole, but perhaps the server went down before it could say so.
            self._busy.add(plan.upload_id)
            try:
                await self._make(plan)
            finally:
                self._busy.discard(plan.upload_id)
        headers = {"Upload-Offset": str(offset), "Upload-Length": str(plan.length), "Cache-Control": "no-store"}
        return Response(status_code=200, headers={**headers, **_expires(plan), **_made(plan, offset)})

    @_tus
    async def add(self, request: Request) -> Response:
        """Go on with an upload; the last byte makes its job."""
        plan, offset = await self._own(request)
        if request.headers.get("Content-Type") != MEDIA_TYPE:
            raise InvalidInput(Reason.ENCODING_UNSUPPORTED, f"The Content-Type is {MEDIA_TYPE}.")
        said, checksum = offset_of(request.headers), checksum_of(request.headers)
        if plan.upload_id in self._busy:
            raise Conflict(Reason.JOB_STATE_CONFLICT, "Another request goes on with this upload. Try again soon.")
        if said != offset:
            raise Conflict(Reason.JOB_STATE_CONFLICT, f"{offset} bytes are here. Go on from there.", offset=offset)
        self._busy.add(plan.upload_id)
        try:
            async with aclosing(body_chunks(request, self.max_upload_bytes, self.upload_idle_s)) as chunks:
                offset = await self.parts.append(plan, offset, chunks, checksum)
            if offset == plan.length:
                await self._make(plan)
        finally:
            self._busy.discard(plan.upload_id)
        return Response(
            status_code=204, headers={"Upload-Offset": str(offset), **_expires(plan), **_made(plan, offset)}
        )

    @_tus
    async def remove(self, request: Request) -> Response:
        """Give an upload up. What it has become by then stays."""
        plan, _ = await self._own(request)
        if plan.upload_id in self._busy:
            raise Conflict(Reason.JOB_STATE_CONFLICT, "Another request goes on with this upload. End it first.")
        await self.parts.remove(plan.upload_id)
        return Response(status_code=204)

    async def _own(self, request: Request) -> tuple[Plan, int]:
        """Raises NotFound: NOT_FOUND, also for somebody else's."""
        plan, offset = await self.parts.get(request.path_params["upload"])
        caller = caller_of(request)
        if not caller.is_local and not caller.may_see(plan.owner):
            raise not_found(plan.upload_id)
        return plan, offset

    async def _make(self, plan: Plan) -> None:
        """The job of a whole upload, once."""
        if plan.is_done:
            return
        if await self.transcriptions.find(plan.upload_id) is None:
            config = session_config(plan.options, AudioFormat(AudioEncoding.CONTAINER), plan.upload_id)
            priority = priority_of(plan.options)
            async with self.files.receive(plan.upload_id) as incoming:
                async for piece in self.parts.pieces(plan.upload_id):
                    await incoming.write(piece)
                audio = await incoming.finish(plan.name)
            await self.transcriptions.create_upload(config, audio, plan.owner, priority=priority)
            self.jobs.submit(plan.upload_id, priority)
        await self.parts.finish(plan)


def _expires(plan: Plan) -> dict[str, str]:
    return {"Upload-Expires": formatdate(plan.expires_s, usegmt=True)}


def _made(plan: Plan, offset: int) -> dict[str, str]:
    return {MADE_HEADER: f"/api/transcribe/{plan.upload_id}"} if offset == plan.length else {}
