"""`/api/transcribe/{id}/audio` and `/stem`: the recording as it was uploaded, and what was heard of it where something
was separated; whole or in ranges, so that a player can seek.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from music.errors import GenesisError, NotFound, Reason
from web_edge.audio_files import AudioFiles, stem_of
from web_edge.conditional import has_it, not_modified, tag_of, tagged
from web_edge.documents_api import ONE, document_version
from web_edge.exports_api import attachment
from web_edge.problems import problem_response
from web_edge.ranges import ByteRange, parse_ranges
from web_edge.rows import Source
from web_edge.stems import Stems
from web_edge.transcriptions import Transcriptions

_SNIFFED_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is given out: `name` in the store, and what is told of it."""

    name: str
    size: int
    etag: str
    title: str
    media_type: str


@dataclass(frozen=True, slots=True)
class AudioApi:
    """The handlers and what they work with."""

    transcriptions: Transcriptions
    files: AudioFiles
    stems: Stems

    def routes(self) -> list[Route]:
        return [
            Route(ONE + "/audio", self.audio, methods=["GET"]),
            Route(ONE + "/stem", self.stem, methods=["GET"]),
        ]

    async def audio(self, request: Request) -> Response:
        """The recording; 206 for ranges of it, 304 for who has it, 416 for ranges that are not in it."""
        known = await self.transcriptions.get(request.path_params["id"])
        if known.audio_bytes is None or known.audio_sha256 is None:
            why = "of a live session" if known.source is Source.STREAM else "of this transcription any more"
            raise NotFound(Reason.NOT_FOUND, f"No recording is kept {why}.", id=known.id)
        etag = f'"{known.audio_sha256}"'
        if has_it(request, etag):
            return not_modified(etag)
        media_type = await self._media_type(known.id)
        return self._given(request, _Stored(known.id, known.audio_bytes, etag, known.title, media_type))

    async def stem(self, request: Request) -> Response:
        """What was heard of it, the voice taken out or the guitar alone, as FLAC; answers as `audio` does."""
        known = await self.transcriptions.get(request.path_params["id"])
        size = await self.stems.size(known)
        etag = tag_of("stem", *document_version(known), size)
        if has_it(request, etag):
            return not_modified(etag)
        title = f"{known.title.rsplit('.', 1)[0]}, separated.flac"
        return self._given(request, _Stored(stem_of(known.id), size, etag, title, "audio/flac"))

    def _given(self, request: Request, stored: _Stored) -> Response:
        """The whole of it, or the ranges that are asked for."""
        size = stored.size
        headers = {
            **tagged(stored.etag),
            "Accept-Ranges": "bytes",
            "Content-Disposition": attachment(stored.title),
        }
        try:
            ranges = _wanted(request, stored.etag, size)
        except GenesisError as error:
            return problem_response(error, {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
        if ranges is None:
            headers["Content-Length"] = str(size)
            return StreamingResponse(self.files.pieces(stored.name), headers=headers, media_type=stored.media_type)
        if len(ranges) == 1:
            only = ranges[0]
            headers |= {"Content-Range": only.of(size), "Content-Length": str(len(only))}
            pieces = self.files.pieces(stored.name, only.start, only.stop)
            return StreamingResponse(pieces, 206, headers, stored.media_type)
        return self._several(stored, ranges, headers)

    def _several(self, stored: _Stored, ranges: list[ByteRange], headers: dict[str, str]) -> Response:
        boundary = uuid.uuid4().hex
        type_ = f"--{boundary}\r\nContent-Type: {stored.media_type}\r\n"
        heads = [f"{type_}Content-Range: {one.of(stored.size)}\r\n\r\n".encode() for one in ranges]
        end = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + len(one) + 2 for head, one in zip(heads, ranges, strict=True)) + len(end)

        async def body() -> AsyncGenerator[bytes, None]:
            for head, one in zip(heads, ranges, strict=True):
                yield head
                async with aclosing(self.files.pieces(stored.name, one.start, one.stop)) as pieces:
                    async for piece in pieces:
                        yield piece
                yield b"\r\n"
            yield end

        headers["Content-Length"] = str(length)
        return StreamingResponse(body(), 206, headers, f"multipart/byteranges; boundary={boundary}")

    async def _media_type(self, transcription_id: str) -> str:
        """By the first bytes; what the uploader said need not be so. Raises Unavailable: STORAGE_UNAVAILABLE."""
        async with aclosing(self.files.pieces(transcription_id, 0, _SNIFFED_BYTES)) as pieces:
            return media_type_of(await anext(pieces, b""))


def media_type_of(start: bytes) -> str:
    """The kind of container that these first bytes begin."""
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        return "audio/wav"
    if start[:4] == b"fLaC":
        return "audio/flac"
    if start[:4] == b"OggS":
        return "audio/ogg"
    if start[4:8] == b"ftyp":
        return "audio/mp4"
    if start[:3] == b"ID3" or (start[:1] == b"\xff" and start[1:2] >= b"\xe0"):
        return "audio/mpeg"
    return "application/octet-stream"


def _wanted(request: Request, etag: str, size: int) -> list[ByteRange] | None:
    """None for the whole: nothing else was asked for, or what the reader has a part of is not this file."""
    header = request.headers.get("range")
    if header is None or request.headers.get("if-range", etag) != etag:
        return None
    return parse_ranges(header, size)
