"""The connection to NATS: opened once, mended for ever, and what must exist on the server."""

from __future__ import annotations

import random
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import nats.errors
import nats.js.errors
import stamina
import structlog
from nats.aio.client import Client, Server
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from bus.declarations import declare
from music.errors import Reason, Unavailable

T = TypeVar("T")

TRANSIENT = (
    nats.errors.TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.StaleConnectionError,
    nats.errors.OutboundBufferLimitError,
    nats.js.errors.NoStreamResponseError,
    nats.js.errors.ServiceUnavailableError,
    OSError,
)
"""What a server that restarts or a cable that is cut looks like; asking again may help."""

_REQUEST_TIMEOUT_S = 2.0
_RECONNECT_FIRST_S, _RECONNECT_CAP_S = 0.05, 2.0
_PENDING_BYTES = 2 * 1024**2

log = structlog.get_logger(__name__)


class Bus:
    """One process's connection. Entered through `Bus.connect`, which also closes it."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.address = address_of(url)
        self._url = url
        self._tls = tls
        self.client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=_REQUEST_TIMEOUT_S)
        self._connected = anyio.Event()
        self._on_reconnect: set[Callable[[], None]] = set()
        self._closing = False

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, *, name: str, first_connect_s: float = 10.0, tls: ssl.SSLContext | None = None
    ) -> AsyncGenerator[Bus, None]:
        """Connect to `url` ("nats://user:password@host:port", several separated by commas) as `name`.

        `tls` is what a `tls://` address is checked with.

        Raises Unavailable: BUS_UNAVAILABLE when nothing answers within `first_connect_s`. Later cuts are mended for
        ever in the background.
        """
        bus = cls(url, tls)
        try:
            await bus._connect(name, first_connect_s)
            yield bus
        finally:
            bus._closing = True
            with anyio.CancelScope(shield=True):
                await bus.client.close()

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    async def wait_connected(self) -> None:
        """Return once the connection stands."""
        await self._connected.wait()

    async def declare(self) -> None:
        """Create the stream and the bucket, or change them to what `wire.subjects` says.

        Raises Unavailable: BUS_UNAVAILABLE, also when the server runs without JetStream.
        """
        await self.patiently(lambda: declare(self.jetstream))

    @contextmanager
    def on_reconnect(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, call `callback` each time the connection was cut and stands again."""
        self._on_reconnect.add(callback)
        try:
            yield
        finally:
            self._on_reconnect.discard(callback)

    async def patiently(self, operation: Callable[[], Awaitable[T]], *, timeout_s: float = 10.0) -> T:
        """The result of `operation`, tried again through cuts and restarts until `timeout_s` have passed.

        Raises Unavailable: BUS_UNAVAILABLE after that time, or at once for a refusal that will not go away.
        NotFoundError and BadRequestError of JetStream pass through: they are answers.
        """
        begun = anyio.current_time()
        try:
            if self.is_connected and timeout_s >= _REQUEST_TIMEOUT_S:
                # Almost always all there is to it, and a twentieth of what a live stream costs when it is made ready
                # for more.
                with suppress(*TRANSIENT):
                    return await operation()
            with anyio.fail_after(begun + timeout_s - anyio.current_time()):
                async for attempt in stamina.retry_context(
                    on=TRANSIENT, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0, wait_jitter=0.05
                ):
                    with attempt:
                        await self.wait_connected()
                        return await operation()
        except (nats.js.errors.NotFoundError, nats.js.errors.BadRequestError):
            raise
        except TimeoutError:
            raise self.unavailable(f"did not answer within {timeout_s:g} s") from None
        except nats.errors.Error as error:
            raise self.unavailable(f"refused: {error}") from error
        raise AssertionError("a retry without end has ended")

    async def last_message(self, stream: str, subject: str) -> RawStreamMsg | None:
        """The newest message of a subject, None when there is none. Raises Unavailable: BUS_UNAVAILABLE."""
        return await self._message(lambda: self.jetstream.get_last_msg(stream, subject))

    async def next_message(self, stream: str, subject: str, sequence: int) -> RawStreamMsg | None:
        """The first message of a subject from a stream sequence on, None when there is none. Raises Unavailable."""
        return await self._message(lambda: self.jetstream.get_msg(stream, sequence, subject, next=True))

    def unavailable(self, what_happened: str) -> Unavailable:
        return Unavailable(Reason.BUS_UNAVAILABLE, f"The bus at {self.address} {what_happened}.", address=self.address)

    async def _message(self, ask: Callable[[], Awaitable[RawStreamMsg]]) -> RawStreamMsg | None:
        try:
            return await self.patiently(ask)
        except nats.js.errors.NotFoundError:
            return None

    async def _connect(self, name: str, first_connect_s: float) -> None:
        options: dict[str, Any] = {
            "name": name,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.1,  # between the tries of the first connect
            "reconnect_to_server_handler": _next_server,
            "pending_size": _PENDING_BYTES,
            # A server that is paused keeps its sockets: it is given up after three unanswered pings.
            "ping_interval": 5,
            "connect_timeout": 2,
            "disconnected_cb": self._note_disconnect,
            "reconnected_cb": self._note_reconnect,
            "error_cb": self._note_error,
        }
        if self._tls is not None:
            options["tls"] = self._tls
        if (user := user_of(self._url)) is not None:
            options["inbox_prefix"] = inbox_prefix(user)
        try:
            with anyio.fail_after(first_connect_s):
                await self.client.connect(self._url.split(","), **options)
        except TimeoutError:
            raise self.unavailable(f"did not answer within {first_connect_s:g} s") from None
        except nats.errors.Error as error:
            raise self.unavailable(f"refused: {error}") from error
        self._connected.set()
        log.info("bus.connected", address=self.address)

    async def _note_disconnect(self) -> None:
        if self._closing:
            return
        self._connected = anyio.Event()
        log.warning("bus.disconnected", address=self.address)

    async def _note_reconnect(self) -> None:
        self._connected.set()
        log.info("bus.reconnected", address=self.address)
        for callback in tuple(self._on_reconnect):
            callback()

    async def _note_error(self, error: Exception) -> None:
        # Every failed try to reconnect comes by here; the cut itself was logged once.
        level = "debug" if isinstance(error, OSError | nats.errors.StaleConnectionError) else "warning"
        getattr(log, level)("bus.error", address=self.address, error=repr(error))


def address_of(url: str) -> str:
    """The same without user and password: what may be logged and told."""
    return re.sub(r"(?<=://)[^@/,]*@", "", url)


def user_of(url: str) -> str | None:
    """The user that a URL names."""
    return urlsplit(url.split(",")[0]).username


def inbox_prefix(user: str) -> str:
    """Where answers to a user come; the server lets nobody else listen there."""
    return f"_INBOX_{user}"


def _next_server(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    """The server that failed least, and how long to wait: doubling up to a cap, jittered so that clients spread."""
    server = min(servers, key=lambda candidate: candidate.reconnects)
    delay_s = min(_RECONNECT_CAP_S, _RECONNECT_FIRST_S * 2 ** min(server.reconnects, 10))
    return server, delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets
