"""`/openapi.json`, `/asyncapi.json`, and `/docs` for people without a connection to anything else."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from music.errors import NotFound, Reason
from web_edge.asyncapi.document import document_of as sockets_document
from web_edge.asyncapi.document import with_server
from web_edge.conditional import json_response
from web_edge.openapi.document import document_of
from web_edge.openapi.page import STYLE, reference_page


class Described:
    """Tells what the routes offer, its own among them, and what is spoken on the sockets."""

    def __init__(self, routes: Iterable[BaseRoute], *, accounts: bool) -> None:
        self._document = document_of([*routes, *self.routes()], accounts=accounts)
        self._sockets = sockets_document(accounts=accounts)
        self._page = reference_page(self._document, self._sockets)

    def routes(self) -> list[Route]:
        return [
            Route("/openapi.json", self.document, methods=["GET"]),
            Route("/asyncapi.json", self.sockets, methods=["GET"]),
            Route("/docs", self.page, methods=["GET"]),
            Route("/docs/{path:path}", self.file, methods=["GET"]),
        ]

    async def document(self, request: Request) -> Response:
        """This document, as OpenAPI 3.1."""
        return json_response(request, self._document)

    async def sockets(self, request: Request) -> Response:
        """What goes over the WebSockets, as AsyncAPI 3.0."""
        url = request.url
        return json_response(request, with_server(self._sockets, url.netloc, is_tls=url.scheme == "https"))

    async def page(self, _request: Request) -> Response:
        """The reference for people."""
        return HTMLResponse(self._page, headers={"Cache-Control": "no-cache"})

    async def file(self, request: Request) -> Response:
        """What the reference's page needs."""
        if request.path_params["path"] != "style.css":
            raise NotFound(Reason.NOT_FOUND, "There is nothing at this address.")
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})
