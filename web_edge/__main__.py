"""`python -m web_edge`: one edge process, until SIGTERM or SIGINT."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn

from access.tls import identity_of, server_context
from music.errors import GenesisError
from telemetry.logs import configure_logging
from web_edge.app import create_app
from web_edge.settings import PREFIX, Settings, listen_address
from web_edge.versions import VERSION, VERSION_HEADER

log = structlog.get_logger(__name__)

USAGE_EXIT_CODE = 2


class EdgeServer(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, port_file: Path | None) -> None:
        super().__init__(config)
        self._listener = listener
        self._port_file = port_file

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but ends with the code of success: its own raises the signal again once all is closed."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        log.info("edge.listening", address=address)
        if self._port_file is not None:
            # Whoever waits for the file must not find half an address in it.
            part = self._port_file.with_suffix(".part")
            part.write_text(address, encoding="utf-8")
            part.replace(self._port_file)


def create_server(settings: Settings) -> tuple[EdgeServer, socket.socket]:
    """A server and the socket it listens on; `server.run(sockets=[socket])` serves until told to stop.

    Raises:
        InvalidInput: CONFIG_INVALID for an address that is none, or that others can reach while it is not guarded, and
            for files that are not what they should be. OSError when it is taken.
    """
    host, port = listen_address(settings)
    identity = identity_of(settings.tls_certificate, settings.tls_key, PREFIX)
    tls = None if identity is None else server_context(identity)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=128)
    config = uvicorn.Config(
        create_app(settings),
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=settings.max_frame_bytes,
        # Audio does not shrink, and inflating is a way to fill memory.
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        server_header=False,
        # Of every answer, also of those that end before or after our own code.
        headers=[(VERSION_HEADER, VERSION)],
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    if tls is not None:
        # uvicorn makes a context of its own from files, one that takes TLS 1.2 too.
        config.load()
        config.ssl = tls
    return EdgeServer(config, listener, settings.port_file), listener


def main() -> int:
    settings = Settings()
    configure_logging("edge", settings.log_level)
    try:
        server, listener = create_server(settings)
    except (GenesisError, OSError) as error:
        log.error("edge.cannot_start", error=str(error))
        return USAGE_EXIT_CODE
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
