"""`/api/transcribe/{id}/notation`: the note values of a transcription, or of a document derived of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from music.errors import Overloaded, Reason
from music.notation_document import notation_to_json
from web_edge.conditional import has_it, not_modified, tag_of, tagged
from web_edge.documents_api import MAKER, ONE, DocumentsApi, document_version, revision_of

_MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class NotationApi:
    """The handler and what it works with. One piece is written at a time: it takes a core while it lasts."""

    documents: DocumentsApi
    _turn: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    def routes(self) -> list[Route]:
        return [Route(ONE + "/notation", self.notation, methods=["GET"])]

    async def notation(self, request: Request) -> Response:
        """Note values, as an engraver needs them: for every bar two voices of notes, rests, dots, triplets and ties.

        They are for display: the times of notes stay as they were played. With `document` they are those of a document.
        """
        known = await self.documents.over(request.path_params["id"])
        document_id, revision = request.query_params.get("document"), None
        named: tuple[object, ...] = ()
        if document_id is not None:
            document = await self.documents.documents.get(known.id, document_id, revision_of(request))
            revision = document.revision
            named = (document.id, revision)
        etag = tag_of("notation", MAKER, *document_version(known), *named)
        if has_it(request, etag):
            return not_modified(etag)
        if self._turn.statistics().tasks_waiting >= _MOST_WAITING:
            raise Overloaded(Reason.SESSION_LIMIT_REACHED, "Too many pieces are being written. Try again in a moment.")
        async with self._turn:
            content = await self.documents.content(known.id, document_id, revision)
            body = await anyio.to_thread.run_sync(_written, content)
        return Response(body, headers=tagged(etag), media_type="application/json")


def _written(content: dict[str, Any]) -> bytes:
    return bytes(JSONResponse(notation_to_json(content)).body)
