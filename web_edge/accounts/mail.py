"""Notices by e-mail, through an SMTP server: written down in a short queue, sent by a worker, never waited for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
import anyio
import stamina
import structlog

from access.tls import client_context

_MOST_WAITING = 256
_TRIES, _TIMEOUT_S = 4, 20.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `security` "starttls" and "tls" are TLS 1.3; "none" is for a server on this machine."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    context: ssl.SSLContext | None = None


class Mailer:
    """Sends notices; without a server it says nothing to anybody."""

    def __init__(self, server: SmtpServer | None, *, first_wait_s: float = 1.0) -> None:
        self._server = server
        self._first_wait_s = first_wait_s
        self._in, self._out = anyio.create_memory_object_stream[EmailMessage](_MOST_WAITING)

    def notify(self, address: str, subject: str, text: str) -> None:
        """Queue a notice; one too many is dropped and counted in the log."""
        if self._server is None:
            return
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = address
        message["Subject"] = subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            self._in.send_nowait(message)
        except anyio.WouldBlock:
            log.warning("mail.dropped", waiting=_MOST_WAITING)

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        while True:
            message = await self._out.receive()
            try:
                await self._send(message)
            except (aiosmtplib.SMTPException, OSError) as error:
                log.warning("mail.not_sent", error=type(error).__name__)

    def close(self) -> None:
        self._in.close()
        self._out.close()

    async def _send(self, message: EmailMessage) -> None:
        server = self._server
        assert server is not None  # noqa: S101 - nothing is queued without one
        async for attempt in stamina.retry_context(
            on=_is_passing, attempts=_TRIES, timeout=None, wait_initial=self._first_wait_s, wait_max=60.0
        ):
            with attempt:
                await aiosmtplib.send(
                    message,
                    hostname=server.host,
                    port=server.port,
                    username=server.user or None,
                    password=server.password or None,
                    use_tls=server.security == "tls",
                    start_tls=server.security == "starttls",
                    tls_context=None if server.security == "none" else server.context or client_context(None),
                    timeout=_TIMEOUT_S,
                )


def _is_passing(error: Exception) -> bool:
    """Whether the server may take it later: it was away, or said 4xx."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return 400 <= error.code < 500
    return isinstance(error, OSError | aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPConnectError | TimeoutError)
