"""The gate: before every route stands who may use it, and before every id whose it is.

A route that nobody has put on the short list of open ones asks for a caller; an id in its path is answered for somebody
else's transcription exactly as for none. A route that is added later is guarded without a word about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from access.caller import Caller
from access.caller import Scope as Right
from music.errors import GenesisError, NotFound, Overloaded, Reason, Unavailable
from web_edge.accounts.counters import Counters
from web_edge.accounts.identity import note_caller
from web_edge.conversation import POLICY_VIOLATION, TRY_AGAIN_LATER, subprotocol_of
from web_edge.problems import problem_response
from web_edge.transcriptions import Transcriptions

OPEN: Final = frozenset(
    {
        "/health",
        "/ready",
        "/metrics",
        "/auth/status",
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/openapi.json",
        "/asyncapi.json",
        "/docs",
        "/docs/{path:path}",
    }
)
"""What strangers may see. Everything of the page itself is a mount, and none of ours."""

ACCOUNT_PREFIXES: Final = ("/auth/", "/api/me", "/api/keys", "/api/admin/", "/api/tickets")
ADMIN_PREFIX: Final = "/api/admin/"
TICKETS: Final = "/api/tickets"

COUNTED: Final = frozenset({("POST", "/api/transcribe"), ("POST", "/api/uploads")})
"""What makes a transcription, or begins an upload that becomes one."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TRANSCRIPTION_ID: Final = "id"
"""The name of a path's parameter that is a transcription's id, and of nothing else."""


class Identifies(Protocol):
    """Says who calls; raises Unauthenticated or Unavailable."""

    async def of_request(self, headers: Headers, /) -> Caller: ...
    async def of_socket(self, headers: Headers, subprotocols: list[str], /) -> Caller: ...


class Gate:
    """Stands before routes. `counters` is None where nobody is counted."""

    def __init__(self, identity: Identifies, transcriptions: Transcriptions, counters: Counters | None) -> None:
        self._identity = identity
        self._transcriptions = transcriptions
        self._counters = counters

    def before(self, routes: Iterable[BaseRoute]) -> list[BaseRoute]:
        """The same routes, guarded. Raises TypeError for a kind that it cannot guard."""
        guarded = list(routes)
        for route in guarded:
            if isinstance(route, WebSocketRoute):
                route.app = self._socket(route.app)
            elif not isinstance(route, Route):
                raise TypeError(f"the gate cannot stand before {route!r}")
            elif route.path not in OPEN:
                route.app = self._http(route.app, route.path)
        return guarded

    def _http(self, app: ASGIApp, path: str) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            _check_names(scope)
            caller = await self._identity.of_request(Headers(scope=scope))
            _check_right(caller, path, scope["method"])
            await self._check_owner(caller, scope)
            note_caller(scope, caller)
            if self._counters is not None and (scope["method"], path) in COUNTED:
                await _counted(self._counters, caller, app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return guarded

    def _socket(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                caller = await self._identity.of_socket(Headers(scope=scope), list(scope.get("subprotocols", ())))
                caller.require(Right.WRITE if scope["path"].endswith("/live") else Right.READ)
                await self._check_owner(caller, scope)
            except GenesisError as error:
                await _refuse(WebSocket(scope, receive, send), error)
                return
            note_caller(scope, caller)
            await app(scope, receive, send)

        return guarded

    async def _check_owner(self, caller: Caller, scope: Scope) -> None:
        named = scope.get("path_params", {}).get(TRANSCRIPTION_ID)
        if named is not None and not caller.is_local:
            await self._transcriptions.check_visible(named, caller)


class RequestLimit:
    """ASGI middleware: so many requests of an address to what is not a file of the page."""

    def __init__(self, app: ASGIApp, counters: Counters | None) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._counters is None or scope["type"] not in ("http", "websocket") or not _is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        try:
            await self._counters.request(client[0] if client else "")
        except Overloaded as error:
            if scope["type"] == "websocket":
                await _refuse(WebSocket(scope, receive, send), error)
                return
            await problem_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_ours(path: str) -> bool:
    return path.startswith(("/api/", "/auth/", "/ws"))


def _check_names(scope: Scope) -> None:
    """Raises NotFound: NOT_FOUND, for a name in the path that not every database can even look for."""
    if any("\0" in str(value) for value in scope.get("path_params", {}).values()):
        raise NotFound(Reason.NOT_FOUND, "There is nothing at this address.")


def right_for(method: str, path: str) -> Right:
    """What a caller must have the right to, to use a route that is not open."""
    if path == TICKETS:
        # Whoever may read may watch.
        return Right.READ
    if path.startswith(ACCOUNT_PREFIXES):
        return Right.ACCOUNT
    return Right.READ if method in _READING else Right.WRITE


def _check_right(caller: Caller, path: str, method: str) -> None:
    if path.startswith(ADMIN_PREFIX):
        caller.require_admin()
    caller.require(right_for(method, path))


async def _counted(
    counters: Counters, caller: Caller, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """What is refused for another reason does not count."""

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in (201, 202):
            await counters.note_transcription(caller.id)
        await send(message)

    with counters.one_more(caller.id):
        await counters.check_transcriptions(caller.id)
        await app(scope, receive, noting)


async def _refuse(socket: WebSocket, error: GenesisError) -> None:
    # Refused before the handshake a browser's page would only see 1006.
    code = TRY_AGAIN_LATER if isinstance(error, Overloaded | Unavailable) else POLICY_VIOLATION
    await socket.accept(subprotocol_of(socket))
    await socket.close(code, error.reason.value)
