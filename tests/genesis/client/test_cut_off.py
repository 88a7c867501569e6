"""Lines that break: uploads and readers go on where they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.abc
import httpx
import pytest

from genesis.client import GenesisClient, Options, Patience
from music.errors import NotFound, Unavailable
from music.events import SessionEnded, SessionEvent
from music.session_state import SessionState
from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator

pytestmark = pytest.mark.anyio
SOUND = bytes(range(256)) * 2000


class Breaking(httpx.AsyncBaseTransport):
    """Loses every second answer to a PATCH after the server has it, and damages one."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.patches = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PATCH":
            return await self._inner.handle_async_request(request)
        self.patches += 1
        if self.patches == 3:
            await request.aread()
            damaged = b"?" * len(request.content)
            return await self._inner.handle_async_request(
                httpx.Request("PATCH", request.url, headers=request.headers, content=damaged)
            )
        response = await self._inner.handle_async_request(request)
        if self.patches % 2:
            await response.aread()
            raise httpx.ReadError("the answer was lost")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_an_upload_goes_on_after_every_cut(edge: Edge, tmp_path: Path, orchestrator: FakeOrchestrator) -> None:
    song = tmp_path / "long.wav"
    song.write_bytes(SOUND)
    breaking, told = Breaking(), list[int]()
    async with GenesisClient(f"http://{edge.host}", http=breaking) as genesis:
        job = await genesis.transcriptions.upload_resumably(
            song, Options(capo=3), chunk_bytes=100_000, on_progress=lambda sent, _: told.append(sent)
        )
        assert job.title == "long.wav"
        assert breaking.patches == 7
        assert told == sorted(told)
        assert told[-1] == len(SOUND)
        await genesis.transcriptions.wait(job.id)
        assert await genesis.transcriptions.audio(job.id) == SOUND
    assert orchestrator.configs[job.id].instrument.capo == 3


async def test_another_process_goes_on_with_an_upload(edge: Edge, tmp_path: Path) -> None:
    song = tmp_path / "long.wav"
    song.write_bytes(SOUND)
    async with GenesisClient(f"http://{edge.host}", http=Breaking(), patience=Patience(attempts=1)) as first:
        upload = await first.uploads.begin("long.wav", len(SOUND))
        with pytest.raises(Unavailable):
            await first.uploads.send(upload, song, chunk_bytes=100_000)
    async with GenesisClient(f"http://{edge.host}") as second:
        assert await second.uploads.offset(upload) == 100_000
        made = await second.uploads.send(upload, song)
        assert await second.uploads.send(upload, song) == made
        assert (await second.transcriptions.wait(made)).id == made
        other = await second.uploads.begin("b.wav", 10)
        await second.uploads.give_up(other)
        with pytest.raises(NotFound):
            await second.uploads.offset(other)


@dataclass
class Cutter:
    """A line to the edge that breaks after so many bytes have come down."""

    host: str
    after: int
    connections: int = 0

    async def serve(self, near: anyio.abc.SocketStream) -> None:
        self.connections += 1
        far = await anyio.connect_tcp(*self._address())
        async with near, far, anyio.create_task_group() as group:
            group.start_soon(self._carry, near, far, None, group.cancel_scope)
            await self._carry(far, near, self.after, group.cancel_scope)

    async def _carry(
        self,
        source: anyio.abc.SocketStream,
        target: anyio.abc.SocketStream,
        most: int | None,
        scope: anyio.CancelScope,
    ) -> None:
        carried = 0
        try:
            while most is None or carried < most:
                data = await source.receive()
                await target.send(data)
                carried += len(data)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass
        scope.cancel()

    def _address(self) -> tuple[str, int]:
        host, _, port = self.host.partition(":")
        return host, int(port)


@asynccontextmanager
async def cut_line(edge: Edge, after: int) -> AsyncGenerator[tuple[str, Cutter], None]:
    cutter = Cutter(edge.host, after)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no database
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, cutter.serve)
        yield f"http://127.0.0.1:{port}", cutter
        group.cancel_scope.cancel()


async def test_a_reader_misses_nothing_and_sees_nothing_twice(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.notes_per_file, orchestrator.gate = 30, anyio.Event()
    job = await edge.upload()
    state, seen = SessionState(), list[SessionEvent]()
    async with cut_line(edge, 6_000) as (url, cutter), GenesisClient(url) as genesis:
        with anyio.fail_after(45):
            async for event in genesis.transcriptions.follow(job):
                orchestrator.gate.set()
                seen.append(event)
                state.apply(event)
    assert cutter.connections >= 2
    sequences = [event.sequence for event in seen]
    assert sequences == sorted(set(sequences))
    assert state.is_over
    assert len(state.notes) == 30
    assert isinstance(seen[-1].payload, SessionEnded) or state.ended is not None
