"""Connecting, declaring, losing and finding the server."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import anyio
import pytest
from nats.js.api import StreamConfig

from bus.connection import Bus
from bus.declarations import SNAPSHOTS_STREAM, sessions_stream
from bus.embedded import nats_server_binary, nats_server_command, wait_until_ready, write_nats_config
from music.errors import Reason, Unavailable
from tests.support.nats import NatsServer, running_nats
from wire.subjects import RETENTION, SESSIONS_STREAM, SNAPSHOTS_BUCKET

pytestmark = pytest.mark.anyio


async def test_declaring_twice_changes_nothing(bus: Bus) -> None:
    before = await bus.jetstream.stream_info(SESSIONS_STREAM)
    await bus.declare()
    after = await bus.jetstream.stream_info(SESSIONS_STREAM)
    assert after.config == before.config
    assert after.config.allow_msg_ttl
    assert after.config.max_age == RETENTION.total_seconds()
    snapshots = await bus.jetstream.key_value(SNAPSHOTS_BUCKET)
    assert (await snapshots.status()).ttl == RETENTION.total_seconds()


async def test_a_stream_that_differs_is_changed(tmp_path: Path) -> None:
    async with running_nats(tmp_path) as server, Bus.connect(server.url, name="test") as bus:
        old = sessions_stream().evolve(max_age=60.0, duplicate_window=30.0)
        await bus.jetstream.add_stream(old)
        await bus.declare()
        config: StreamConfig = (await bus.jetstream.stream_info(SESSIONS_STREAM)).config
        assert config.max_age == RETENTION.total_seconds()
        assert (config.duplicate_window or 0) >= 120
        assert (await bus.jetstream.stream_info(SNAPSHOTS_STREAM)).config.max_msgs_per_subject == 1


async def test_nobody_listening_is_reported_with_the_address() -> None:
    with pytest.raises(Unavailable) as raised:
        async with Bus.connect("nats://127.0.0.1:1", name="test", first_connect_s=0.3):
            raise AssertionError("connected to nobody")
    assert raised.value.reason is Reason.BUS_UNAVAILABLE
    assert "nats://127.0.0.1:1" in raised.value.message


async def test_the_first_connect_waits_for_a_server_that_is_starting(tmp_path: Path) -> None:
    async with running_nats(tmp_path) as server:
        url = server.url
        await server.stop()
        async with anyio.create_task_group() as group:
            group.start_soon(server.start)
            async with Bus.connect(url, name="test") as bus:
                assert bus.is_connected


async def test_a_cut_is_noticed_and_mended(server: NatsServer, bus: Bus) -> None:
    mended = anyio.Event()
    with bus.on_reconnect(mended.set), anyio.fail_after(10):
        await server.restart()
        await mended.wait()
        await bus.wait_connected()
        assert bus.is_connected
        await bus.declare()


async def test_a_request_nobody_answers_is_given_up(bus: Bus) -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        await bus.patiently(lambda: bus.jetstream.publish("no.such.stream", b""), timeout_s=0.2)


async def test_a_refusal_is_not_waited_out(bus: Bus) -> None:
    with pytest.raises(Unavailable, match="refused"), anyio.fail_after(2):
        await bus.patiently(lambda: bus.jetstream.publish("genesis.v1.sessions.s.durable", b"x" * 9_000_000))


def test_the_binary_is_the_wheels() -> None:
    binary = nats_server_binary()
    assert binary.stat().st_mode & stat.S_IXUSR


async def test_a_server_that_never_comes_up(tmp_path: Path) -> None:
    write_nats_config(tmp_path / "nats.conf", store_dir=tmp_path / 'a b"c', port=0, ports_dir=tmp_path / "ports")
    with pytest.raises(Unavailable):
        await wait_until_ready(tmp_path / "ports", 1, timeout_s=0.1)


def test_the_configuration_for_a_server_of_ones_own_is_valid() -> None:
    config = Path(__file__).resolve().parents[2] / "deploy" / "nats" / "nats-server.conf"
    result = subprocess.run([*nats_server_command(config), "-t"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
