"""A site on loopback that serves media, pages and tricks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SOUND = b"RIFF" + b"\0" * 50_000
PAGE = """<!doctype html><html><head><title>x</title>
<meta property="og:title" content="&lt;script&gt;alert(1)&lt;/script&gt;&#8238;gnp&#0;">
<meta property="og:video" content="{address}/song.wav"></head><body><video src="/song.wav"></video></body></html>"""
_PIECE = b"z" * 65_536


@dataclass
class MediaServer:
    """Where it is, and the paths that were asked of it."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    redirect_to: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}"


class _Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    site: MediaServer
    release: threading.Event

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.site.asked.append(self.path)
        match self.path:
            case "/away.wav":
                self._say(302, "text/plain", b"", location=self.site.redirect_to)
            case "/page":
                page = PAGE.format(address=self.site.url).encode()
                self._say(200, "text/html; charset=utf-8", page, with_body=with_body)
            case "/song.wav":
                self._say(200, "audio/wav", SOUND, with_body=with_body)
            case "/endless.wav":
                self._say(200, "audio/wav", None)
                while with_body:
                    self.wfile.write(_PIECE)
            case "/silent.wav":
                self.release.wait()
            case _:
                self._say(404, "text/plain", b"")

    def _say(self, status: int, kind: str, body: bytes | None, *, location: str = "", with_body: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if with_body and body:
            self.wfile.write(body)

    def handle(self) -> None:
        # The reader may have had enough.
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Tests read `asked` instead."""


@contextmanager
def serving_media() -> Iterator[MediaServer]:
    """A site of its own for the length of the block."""
    site, release = MediaServer(), threading.Event()
    handler = type("Handler", (_Handler,), {"site": site, "release": release})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        site.address = f"127.0.0.1:{server.server_address[1]}"
        yield site
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()
