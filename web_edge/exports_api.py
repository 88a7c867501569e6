"""`/api/transcribe/{id}/export/{format}`: the transcription, or a document derived of it, as other programs open it.

Files are written by a child process (`exports.limits`), one or two at a time. The entity tag is that of what goes in:
a reader that has the file already is told so without any work.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import PurePath
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exports.formats import Export, format_named
from exports.limits import run_export
from music.errors import Overloaded, Reason
from web_edge.conditional import has_it, not_modified, tagged
from web_edge.documents_api import ONE, DocumentsApi, revision_of
from web_edge.transcriptions import Transcriptions

LOSSES_HEADER = "Genesis-Export-Losses"
_PATH = ONE + "/export/{format}"
_MOST_WAITING = 16
_KEPT, _KEPT_BYTES = 8, 1 << 20
_MAKERS = tuple(f"{name}={version(name)}" for name in ("genesis-music", "music21", "mido", "PyGuitarPro"))
_UNSAFE = frozenset('/\\:*?"<>|')


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one export: seconds, bytes of memory; and how many may be written at once."""

    time_s: float
    memory_bytes: int
    at_once: int


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be written, and the entity tag of the outcome."""

    document: dict[str, object]
    name: str
    title: str
    etag: str


class ExportsApi:
    """The handlers and what they work with."""

    def __init__(self, transcriptions: Transcriptions, documents: DocumentsApi, limits: Limits) -> None:
        self._transcriptions = transcriptions
        self._documents = documents
        self._limits = limits
        self._turn = anyio.CapacityLimiter(limits.at_once)
        self._kept = _Kept()

    def routes(self) -> list[Route]:
        return [
            Route(_PATH, self.export, methods=["GET"]),
            Route(_PATH + "/report", self.report, methods=["GET"]),
        ]

    async def export(self, request: Request) -> Response:
        """The file; what it does not carry is counted in a header and told in the report that `Link` names."""
        order = await self._order(request)
        headers = tagged(order.etag)
        if has_it(request, order.etag):
            return not_modified(order.etag)
        written = await self._written(order)
        report = request.url.path + "/report" + (f"?{request.url.query}" if request.url.query else "")
        headers |= {
            "Content-Disposition": attachment(f"{order.title}.{order.name}"),
            LOSSES_HEADER: ", ".join(f"{loss.kind.value}={loss.count}" for loss in written.losses),
            "Link": f'<{report}>; rel="describedby"; type="application/json"',
        }
        return Response(written.content, headers=headers, media_type=written.format.media_type)

    async def report(self, request: Request) -> Response:
        """What the file of the same path does not carry, in sentences."""
        order = await self._order(request)
        return JSONResponse((await self._written(order)).report(), headers={"Cache-Control": "private, no-cache"})

    async def _order(self, request: Request) -> _Order:
        name = format_named(request.path_params["format"]).name
        transcription = await self._transcriptions.get(request.path_params["id"])
        document_id = request.query_params.get("document")
        revision = None if document_id is None else revision_of(request)
        document = await self._documents.content(transcription.id, document_id, revision)
        title = PurePath(transcription.title or "").stem or "Transcription"
        return await anyio.to_thread.run_sync(_order_for, document, name, title)

    async def _written(self, order: _Order) -> Export:
        """Raises Overloaded: too many are waiting. Else as `run_export`."""
        if (kept := self._kept.get(order.etag)) is not None:
            return kept
        if self._turn.statistics().tasks_waiting >= _MOST_WAITING:
            raise Overloaded(Reason.SESSION_LIMIT_REACHED, "Too many files are being written. Try again in a moment.")
        async with self._turn:
            written = await run_export(
                order.document,
                order.name,
                title=order.title,
                limit_s=self._limits.time_s,
                memory_bytes=self._limits.memory_bytes,
            )
        self._kept.put(order.etag, written)
        return written


@dataclass(slots=True)
class _Kept:
    """The last few files, so that a report costs nothing more."""

    _files: OrderedDict[str, Export] = field(default_factory=OrderedDict)

    def get(self, etag: str) -> Export | None:
        return self._files.get(etag)

    def put(self, etag: str, written: Export) -> None:
        if len(written.content) > _KEPT_BYTES:
            return
        self._files[etag] = written
        while len(self._files) > _KEPT:
            self._files.popitem(last=False)


def attachment(name: str) -> str:
    """A Content-Disposition of a name that may hold anything (RFC 6266): an ASCII one, and the whole in UTF-8."""
    safe = "".join("_" if c in _UNSAFE or unicodedata.category(c).startswith("C") else c for c in name)[-120:].strip()
    plain = safe.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def _order_for(document: dict[str, object], name: str, title: str) -> _Order:
    said = json.dumps([document, name, title, _MAKERS], sort_keys=True).encode()
    return _Order(document, name, title, f'"{hashlib.sha256(said).hexdigest()[:32]}"')
