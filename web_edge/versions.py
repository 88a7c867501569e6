"""What answers say of the interface's version, and of operations that will go.

The version is the product's, by semantic versioning: who was made for 1.2 works with every later 1.x. An operation that
will go is marked in the table of operations; from then on its answers carry `Deprecation` (RFC 9745), `Sunset`
(RFC 8594) once the day is known, and a link to what takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from importlib.metadata import version
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web_edge.openapi.operation import Deprecation, Operation

VERSION: Final = version("genesis-music")
VERSION_HEADER: Final = "Genesis-Version"
DEPRECATION_HEADER: Final = "Deprecation"
SUNSET_HEADER: Final = "Sunset"


def note_deprecated(routes: Iterable[BaseRoute], operations: Mapping[tuple[str, str], Operation]) -> list[BaseRoute]:
    """The same routes; what answers for an operation that is deprecated says so."""
    noted = list(routes)
    for route in noted:
        if isinstance(route, Route):
            headers = {
                method: deprecation_headers(known.deprecated)
                for (method, path), known in operations.items()
                if path == route.path and known.deprecated is not None
            }
            if headers:
                route.app = _saying(route.app, headers)
    return noted


def deprecation_headers(deprecated: Deprecation) -> list[tuple[str, str]]:
    """Of every answer of an operation; days begin at midnight, UTC."""
    since = int(_midnight(deprecated.since).timestamp())
    headers = [(DEPRECATION_HEADER, f"@{since}"), ("Link", f'<{deprecated.link}>; rel="deprecation"')]
    if deprecated.sunset is not None:
        headers.append((SUNSET_HEADER, format_datetime(_midnight(deprecated.sunset), usegmt=True)))
    return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _saying(app: ASGIApp, by_method: Mapping[str, list[tuple[str, str]]]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" and "HEAD" not in by_method else scope["method"]

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in by_method.get(method, ()):
                    # An answer may have a Link of its own.
                    headers.append(name, value)
            await send(message)

        await app(scope, receive, send_with)

    return answer
