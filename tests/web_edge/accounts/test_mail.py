"""Notices through a real SMTP server on this machine."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from access.tls import client_context
from music.errors import InvalidInput, Reason
from tests.web_edge.accounts.conftest import PASSWORD, Town
from tests.web_edge.conftest import WAIT_S, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.accounts.mail import Mailer, SmtpServer
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


class Box:
    """What arrived; `refusals` answers so many messages with 451 first."""

    def __init__(self, refusals: int = 0) -> None:
        self.messages: list[Any] = []
        self.refusals = refusals
        self.arrived = anyio.Event()

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - the library's
        if self.refusals:
            self.refusals -= 1
            return "451 later"
        self.messages.append(envelope)
        self.arrived.set()
        return "250 OK"


@asynccontextmanager
async def smtp(box: Box, **options: Any) -> AsyncGenerator[int, None]:
    """The port of a server that puts mail into `box`."""
    import asyncio

    make: Callable[[], SMTP] = lambda: SMTP(box, hostname="localhost", **options)  # noqa: E731 - a factory
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def working(mailer: Mailer) -> AsyncGenerator[Mailer, None]:
    async with anyio.create_task_group() as group:
        group.start_soon(mailer.run)
        yield mailer
        group.cancel_scope.cancel()
    mailer.close()


async def arrival(box: Box) -> Any:
    with anyio.fail_after(WAIT_S):
        await box.arrived.wait()
    return box.messages[-1]


async def test_whoever_changes_a_password_is_told(account_settings: Settings, orchestrator: FakeOrchestrator) -> None:
    box = Box()
    async with smtp(box) as port:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "smtp_sender": "tabs@example.com"}
        async with running_edge(account_settings.model_copy(update=mail)) as edge:
            await edge.until_ready()
            town = Town(edge, orchestrator)
            async with town.person("alice") as alice:
                body = {"password": PASSWORD, "new_password": "another long password"}
                assert (await alice.http.post("/api/me/password", json=body)).status_code == 200
                envelope = await arrival(box)
    assert envelope.rcpt_tos == ["alice@example.com"]
    assert envelope.mail_from == "tabs@example.com"
    assert b"Subject: Your password was changed" in envelope.content
    assert b"another long password" not in envelope.content


@pytest.mark.parametrize("account_settings", ["sqlite", "postgresql"], indirect=True)
async def test_whoever_wants_to_is_told_once_that_a_job_is_over(
    account_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    box = Box()
    async with smtp(box) as port:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
        settings = account_settings.model_copy(update={**mail, "origins": "https://tabs.example.com"})
        # Two edges that share a database: one of them tells.
        async with running_edge(settings) as edge, running_edge(settings) as other:
            for one in (edge, other):
                await one.until_ready()
            town = Town(edge, orchestrator)
            async with town.person("alice") as alice, town.person("bob") as bob:
                quiet = await bob.http.patch("/api/me/preferences", json={"email_notices": False})
                assert quiet.status_code == 200
                await town.upload(bob)
                await town.upload(alice)
                await arrivals(box, 1)
                orchestrator.break_after = (0, InvalidInput(Reason.AUDIO_UNREADABLE, "This is no music."))
                failed = (await alice.http.post("/api/transcribe", files={"file": ("b.wav", b"RIFF")})).json()["id"]
                await arrivals(box, 2)
                orchestrator.break_after = None
                # A job that is tried again is another one to tell about.
                assert (await alice.http.post(f"/api/transcribe/{failed}/retry")).status_code == 202
                await arrivals(box, 3)
                assert (await alice.http.get(f"/api/transcribe/{failed}")).json()["status"] == "completed"
    assert [envelope.rcpt_tos for envelope in box.messages] == [["alice@example.com"]] * 3
    texts = [message_from_bytes(envelope.content, policy=policy.default) for envelope in box.messages]
    assert [text["subject"] for text in texts] == [
        "Your transcription is done",
        "Your transcription failed",
        "Your transcription is done",
    ]
    assert "“song.wav” is transcribed." in texts[0].get_content()
    assert "https://tabs.example.com" in texts[0].get_content()
    assert "“b.wav” could not be transcribed.\nThis is no music." in texts[1].get_content().replace("\r\n", "\n")


async def arrivals(box: Box, count: int) -> None:
    with anyio.fail_after(WAIT_S):
        while len(box.messages) < count:
            box.arrived = anyio.Event()
            await box.arrived.wait()
    assert len(box.messages) == count


async def test_a_server_that_says_later_is_asked_again() -> None:
    box = Box(refusals=2)
    async with smtp(box) as port:
        server = SmtpServer("127.0.0.1", port, "tabs@example.com", security="none")
        async with working(Mailer(server, first_wait_s=0.01)) as mailer:
            mailer.notify("a@example.com", "Hello", "E♭maj7")
            assert (await arrival(box)).rcpt_tos == ["a@example.com"]
    assert len(box.messages) == 1


async def test_passwords_go_over_tls_only_and_to_whom_the_authority_knows(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), tmp_path / "ca.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[bytes] = []

    def check(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
        seen.append(data.password)
        return AuthResult(success=data.password == b"secret")

    box = Box()
    options = {"tls_context": context, "authenticator": check, "auth_required": True, "require_starttls": True}
    async with smtp(box, **options) as port:
        trustme.CA().cert_pem.write_to_path(stranger)
        server = SmtpServer("127.0.0.1", port, "a@example.com", "tabs", "secret", "starttls", client_context(stranger))
        async with working(Mailer(server, first_wait_s=0.01)) as mailer:
            mailer.notify("a@example.com", "Hello", "…")
            trusted = tmp_path / "ours.pem"
            authority.cert_pem.write_to_path(trusted)
            good = SmtpServer("127.0.0.1", port, "a@example.com", "tabs", "secret", "starttls", client_context(trusted))
            async with working(Mailer(good)) as other:
                other.notify("b@example.com", "Hello", "…")
                assert (await arrival(box)).rcpt_tos == ["b@example.com"]
    assert seen == [b"secret"]


async def test_too_much_mail_is_dropped_and_none_is_waited_for() -> None:
    mailer = Mailer(SmtpServer("127.0.0.1", 1, "a@example.com", security="none"))
    for _ in range(1000):
        mailer.notify("a@example.com", "Hello", "…")
    mailer.close()
    silent = Mailer(None)
    silent.notify("a@example.com", "Hello", "…")
    silent.close()
