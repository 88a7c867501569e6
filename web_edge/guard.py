"""Which pages may talk to the edge: those served from this machine, or from the origins that the settings name.

A browser is the danger: any page it shows may send requests to 127.0.0.1. A name that resolves to 127.0.0.1 (DNS
rebinding) shows in the Host header, another site's page in the Origin header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from access.listening import is_loopback
from music.errors import GenesisError, InvalidInput, Reason
from web_edge.conversation import POLICY_VIOLATION, subprotocol_of
from web_edge.problems import problem_response

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


_PROBES: Final = frozenset({"/health", "/ready"})
"""Asked by watchers that know an address and no name."""


@dataclass(frozen=True, slots=True)
class Sites:
    """Where our pages are served: `origins` ("https://tabs.example.org"), and whether this machine's names count."""

    origins: frozenset[str] = frozenset()
    loopback: bool = True

    @classmethod
    def parse(cls, text: str, *, loopback: bool) -> Sites:
        """Of origins with commas between. Raises InvalidInput: CONFIG_INVALID."""
        origins = frozenset(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())
        for origin in origins:
            if not origin.startswith(("http://", "https://")) or not _host_of(origin):
                raise InvalidInput(
                    Reason.CONFIG_INVALID, f"{origin!r} is no origin; write it like https://tabs.example.org."
                )
        return cls(origins, loopback)

    def has_host(self, host: str) -> bool:
        """Of a Host header."""
        name = _host_of("//" + host)
        if self.loopback and is_loopback(name):
            return True
        return bool(name) and any(host.lower() == origin.partition("//")[2] for origin in self.origins)

    def has_origin(self, origin: str) -> bool:
        if origin.lower() in self.origins:
            return True
        return self.loopback and origin.startswith(("http://", "https://")) and is_loopback(_host_of(origin))


THIS_MACHINE: Final = Sites()


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, sites: Sites = THIS_MACHINE) -> None:
        self._app = app
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sites = self._sites
        refusal = None if scope["path"] in _PROBES and not sites.loopback else check_host(headers, sites)
        refusal = refusal or (None if _is_safe(scope) else check_origin(headers, sites))
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await _refuse_socket(WebSocket(scope, receive, send), refusal)
            return

        security = security_headers(headers.get("host", ""), sites, is_tls=scope.get("scheme") == "https")

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(security)
            await send(message)

        answer = self._app if refusal is None else problem_response(refusal)
        await answer(scope, receive, send_secured)


def check_host(headers: Headers, sites: Sites = THIS_MACHINE) -> GenesisError | None:
    """What is wrong with the Host header, if anything."""
    hosts = headers.getlist("host")
    if len(hosts) == 1 and sites.has_host(hosts[0]):
        return None
    names = "localhost and 127.0.0.1" if sites.loopback else "the name it was given"
    return InvalidInput(Reason.ORIGIN_NOT_ALLOWED, f"This server answers to {names} only. Open it under that name.")


def check_origin(headers: Headers, sites: Sites = THIS_MACHINE) -> GenesisError | None:
    """What is wrong with the Origin header, if anything; programs that are no browser send none."""
    origins = headers.getlist("origin")
    if not origins:
        return None
    if len(origins) == 1 and sites.has_origin(origins[0]):
        return None
    return InvalidInput(
        Reason.ORIGIN_NOT_ALLOWED, "Pages of other sites may not use this server. Open the page that it serves itself."
    )


def security_headers(host: str, sites: Sites = THIS_MACHINE, *, is_tls: bool = False) -> dict[str, str]:
    """Of every answer; `host` has passed `check_host`, or the answer is a refusal."""
    # Older browsers do not count a socket to the page's own host as 'self'.
    sockets = f" {'wss' if is_tls else 'ws'}://{host}" if sites.has_host(host) else ""
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
    transport = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} if is_tls else {}
    return {
        **transport,
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
    await socket.accept(subprotocol_of(socket))
    await socket.close(POLICY_VIOLATION, refusal.reason.value)
