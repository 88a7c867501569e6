"""Who may talk to an edge without accounts: this machine, and pages that were served from it.

A browser is the danger: any page it shows may send requests to 127.0.0.1. A name that resolves to 127.0.0.1 (DNS
rebinding) shows in the Host header, another site's page in the Origin header.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from music.errors import GenesisError, InvalidInput, Reason
from web_edge.conversation import POLICY_VIOLATION
from web_edge.problems import problem_response
from web_edge.settings import is_loopback

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = check_host(headers) or (None if _is_safe(scope) else check_origin(headers))
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await _refuse_socket(WebSocket(scope, receive, send), refusal)
            return

        security = security_headers(headers.get("host", ""))

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(security)
            await send(message)

        answer = self._app if refusal is None else problem_response(refusal)
        await answer(scope, receive, send_secured)


def check_host(headers: Headers) -> GenesisError | None:
    """What is wrong with the Host header, if anything."""
    hosts = headers.getlist("host")
    if len(hosts) == 1 and is_loopback(_host_of("//" + hosts[0])):
        return None
    return InvalidInput(
        Reason.ORIGIN_NOT_ALLOWED, "This server answers to localhost and 127.0.0.1 only. Open it under that name."
    )


def check_origin(headers: Headers) -> GenesisError | None:
    """What is wrong with the Origin header, if anything; programs that are no browser send none."""
    origins = headers.getlist("origin")
    if not origins:
        return None
    if len(origins) == 1 and origins[0].startswith(("http://", "https://")) and is_loopback(_host_of(origins[0])):
        return None
    return InvalidInput(
        Reason.ORIGIN_NOT_ALLOWED, "Pages of other sites may not use this server. Open the page that it serves itself."
    )


def security_headers(host: str) -> dict[str, str]:
    """Of every answer; `host` has passed `check_host`, or the answer is a refusal."""
    # Older browsers do not count a socket to the page's own host as 'self'.
    sockets = f" ws://{host}" if is_loopback(_host_of("//" + host)) else ""
    policy = {
        "default-src": "'self'",
        "connect-src": f"'self'{sockets}",
        "worker-src": "'self' blob:",
        "media-src": "'self' blob:",
        "img-src": "'self' data:",
        # Engraving fonts come inlined.
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _is_safe(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in _SAFE_METHODS


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        _ = parts.port
    except ValueError:
        return ""
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        return ""
    return parts.hostname or ""


async def _refuse_socket(socket: WebSocket, refusal: GenesisError) -> None:
    # Refused before the handshake a browser's page would only see 1006.
    await socket.accept()
    await socket.close(POLICY_VIOLATION, refusal.reason.value)
