"""`python -m orchestrator` as a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

from music.errors import GenesisError, Reason
from music.events import EndReason, SessionEnded, SessionEvent
from music.session_state import fold
from tests.orchestrator.calls import Client, audio_message, config_message, pb
from tests.orchestrator.test_servicer import plucks
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from tests.support.nats import running_nats
from wire.codec import decode_event

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("built_model_repo")]


@asynccontextmanager
async def process(tmp_path: Path, nats_url: str) -> AsyncIterator[tuple[Process, str, Path]]:
    """A running orchestrator, its address and its port file."""
    port_file = tmp_path / "port"
    environment = {
        **os.environ,
        "GENESIS_ORCHESTRATOR_LISTEN": "127.0.0.1:0",
        "GENESIS_ORCHESTRATOR_NATS_URL": nats_url,
        "GENESIS_ORCHESTRATOR_PORT_FILE": str(port_file),
    }
    with (tmp_path / "orchestrator.log").open("wb") as log:
        child = await anyio.open_process(
            [sys.executable, "-m", "orchestrator"], env=environment, stdout=log, stderr=log, stdin=None
        )
        try:
            with anyio.fail_after(30.0):
                while not port_file.exists():
                    assert child.returncode is None, (tmp_path / "orchestrator.log").read_text()
                    await anyio.sleep(0.02)  # a file of another process can only be looked for
            yield child, port_file.read_text(), port_file
        finally:
            with anyio.CancelScope(shield=True):
                if child.returncode is None:
                    child.kill()
                await child.wait()
                await child.aclose()


async def test_sigterm_flushes_live_sessions_and_refuses_new_ones(tmp_path: Path) -> None:
    async with running_nats(tmp_path) as nats, process(tmp_path, nats.url) as (child, address, port_file):
        async with Client(address) as client:
            hold = anyio.Event()

            async def messages() -> AsyncIterator[pb.StreamTranscribeRequest]:
                yield config_message(session_id="song")
                yield audio_message(plucks(4.0))
                await hold.wait()

            events: list[SessionEvent] = []
            call = client.stub.StreamTranscribe(messages())
            async for response in call:
                events.append(decode_event(response.event))
                if response.event.HasField("progress"):
                    child.send_signal(signal.SIGTERM)
                    break
            events.extend([decode_event(response.event) async for response in call])
            with pytest.raises(GenesisError) as refused:
                await client.transcribe(plucks(1.0), 88_200)
        with anyio.fail_after(10.0):
            status = await child.wait()
    assert events[-1].payload == SessionEnded(EndReason.DRAINED, 4 * 22_050)
    assert len(fold(events).notes) >= 5
    assert refused.value.reason in (Reason.SERVER_DRAINING, Reason.ORCHESTRATOR_UNAVAILABLE)
    assert status == 0
    assert not port_file.exists()


async def test_a_bus_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    async with running_nats(tmp_path) as nats:
        await nats.stop()
        async with anyio.create_task_group() as group:
            group.start_soon(nats.start)
            async with process(tmp_path, nats.url) as (_child, address, _port_file), Client(address) as client:
                events = await client.transcribe(plucks(1.0), 88_200)
    assert isinstance(events[-1].payload, SessionEnded)
