"""What each user of the bus may do, and what it may not, on a real server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import nats.errors
import pytest
import trustme

from access.api_keys import KeyRecord, make_key
from access.caller import Scope
from access.directory import find_key, put_key
from access.tls import client_context
from bus.connection import Bus, address_of
from bus.embedded import FREE_PORT, nats_server_command, wait_until_ready, write_nats_config
from bus.permissions import EDGE, OPERATOR, ORCHESTRATOR, USERS
from bus.recording import consume_durable
from bus.session_log import SessionLogWriter, delete_session, follow, read_owner
from music.errors import Unavailable
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionStarted,
)

pytestmark = pytest.mark.anyio

PASSWORDS = {name: f"{name}-password" for name in USERS}
WAIT_S = 20


@asynccontextmanager
async def server(folder: Path, **settings: Any) -> AsyncGenerator[str, None]:
    """host:port of a server with users."""
    config, ports = folder / "nats.conf", folder / "ports"
    write_nats_config(config, store_dir=folder / "store", port=FREE_PORT, ports_dir=ports, users=PASSWORDS, **settings)
    assert config.stat().st_mode & 0o077 == 0
    async with await anyio.open_process(nats_server_command(config), stdout=None, stderr=None) as process:
        try:
            url = await wait_until_ready(ports, process.pid)
            yield url.partition("://")[2]
        finally:
            process.terminate()


def connect(user: str, address: str, scheme: str = "nats", **options: Any) -> Any:
    return Bus.connect(f"{scheme}://{user}:{PASSWORDS[user]}@{address}", name=user, **options)


async def write(bus: Bus, session_id: str) -> None:
    writer = await SessionLogWriter.open(bus, session_id)
    config = SessionConfig(AudioFormat(AudioEncoding.CONTAINER), session_id=session_id)
    for sequence, payload in ((1, SessionStarted(config, (), 1, "alice")), (2, SessionEnded(EndReason.COMPLETED, 1))):
        await writer.append(SessionEvent(session_id, sequence, 1, sequence - 1, 0, 1, payload))
    await writer.save_snapshot()


async def test_each_process_can_do_its_work(tmp_path: Path) -> None:
    async with server(tmp_path) as address, connect(EDGE, address) as edge, connect(ORCHESTRATOR, address) as other:
        await edge.declare()
        await other.declare()
        await write(other, "s1")
        assert await read_owner(edge, "s1") == await read_owner(other, "s1") == "alice"
        assert [event async for event in follow(edge, "s1")] == [event async for event in follow(other, "s1")]
        recorded: list[int] = []
        done = anyio.Event()

        async def record(events: Sequence[SessionEvent]) -> None:
            recorded.extend(event.sequence for event in events)
            if len(recorded) == 2:
                done.set()

        async with anyio.create_task_group() as group:
            group.start_soon(consume_durable, edge, record)
            with anyio.fail_after(WAIT_S):
                await done.wait()
            group.cancel_scope.cancel()
        assert recorded == [1, 2]
        key = make_key()
        await put_key(edge, KeyRecord(key.id, key.sha256, "alice", frozenset({Scope.READ})))
        assert (await find_key(other, key.id)) is not None
        await delete_session(edge, "s1")
        assert await read_owner(other, "s1") is None


async def refused(bus: Bus, subject: str) -> None:
    """Nobody answers: what was published has gone nowhere."""
    with pytest.raises(nats.errors.Error):
        await bus.client.request(subject, b"{}", timeout=0.5)


async def test_neither_can_do_what_is_the_others(tmp_path: Path) -> None:
    async with server(tmp_path) as address, connect(OPERATOR, address) as operator:
        await operator.declare()
        async with connect(ORCHESTRATOR, address) as orchestrator:
            await write(orchestrator, "s1")
            for subject in (
                "$KV.ACCESS.key.0",
                "$JS.API.STREAM.PURGE.SESSIONS",
                "$JS.API.STREAM.DELETE.SESSIONS",
                "$JS.API.STREAM.NAMES",
                "$JS.API.CONSUMER.DURABLE.CREATE.SESSIONS.recorder",
                "$JS.ACK.SESSIONS.recorder.1.1.1.1.0",
                "anything.else",
            ):
                await refused(orchestrator, subject)
        async with connect(EDGE, address) as edge:
            for subject in (
                "genesis.v1.sessions.s1.durable",
                "genesis.v1.sessions.s1.tentative",
                "$KV.SESSION_SNAPSHOTS.s1",
                "$JS.API.STREAM.DELETE.KV_ACCESS",
                "$JS.API.ACCOUNT.PURGE.x",
            ):
                await refused(edge, subject)
        assert (await operator.jetstream.stream_info("SESSIONS")).state.messages == 2
        assert (await operator.jetstream.stream_info("KV_ACCESS")).state.messages == 0


async def test_nobody_listens_to_what_is_not_for_it(tmp_path: Path) -> None:
    async with server(tmp_path) as address, connect(EDGE, address) as edge, connect(OPERATOR, address) as operator:
        heard: list[bytes] = []

        async def hear(message: Any) -> None:
            heard.append(message.data)

        own = await edge.client.subscribe("_INBOX_edge.x")
        for subject in (">", "_INBOX.>", "_INBOX_orchestrator.>", "genesis.v1.sessions.*.durable"):
            await edge.client.subscribe(subject, cb=hear)
        await edge.client.flush()
        for subject in ("genesis.v1.sessions.s.durable", "_INBOX.a", "_INBOX_orchestrator.a", "_INBOX_edge.x"):
            await operator.client.publish(subject, b"secret")
        # Once this one is here, the ones before it would be too.
        assert (await own.next_msg(timeout=WAIT_S)).data == b"secret"
        assert heard == []


async def test_strangers_are_not_let_in_and_no_password_is_told(tmp_path: Path) -> None:
    async with server(tmp_path) as address:
        for url in (f"nats://{address}", f"nats://edge:wrong-secret@{address}"):
            with pytest.raises(Unavailable) as caught:
                async with Bus.connect(url, name="x", first_connect_s=1.0):
                    raise AssertionError("let in")
            assert "wrong-secret" not in caught.value.message + str(caught.value.about)
    assert address_of("nats://a:b@h:1,tls://c:d@i:2") == "nats://h:1,tls://i:2"


async def test_the_bus_speaks_tls_1_3_and_nothing_older(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, trusted = tmp_path / "bus.pem", tmp_path / "bus.key", tmp_path / "ca.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(trusted)
    async with server(tmp_path, tls=(certificate, key)) as address:
        async with connect(OPERATOR, address, "tls", tls=client_context(trusted)) as bus:
            await bus.declare()
        old = ssl.create_default_context(cafile=trusted)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        for context in (old, client_context(None)):
            with pytest.raises(Unavailable):
                async with connect(OPERATOR, address, "tls", tls=context, first_connect_s=1.5):
                    raise AssertionError("let in")
