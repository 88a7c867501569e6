"""A real tritonserver on free ports, to pause, kill and start again; and a slow road to it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import tritonclient.grpc as triton_grpc

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-triton" / "bin" / "python"
_START_S = 60.0
_COUNT_S = 10.0
_PIECE = 4 << 20
_METRIC = re.compile(r'^(\w+)\{model="([^"]+)",[^}]*\} ([0-9.e+]+)$', re.MULTILINE)

needs_triton = pytest.mark.skipif(not PYTHON.exists(), reason="no tritonserver here: run `make triton-environment`")


class TritonServer:
    """One server over its restarts: same ports, same repository. Its methods block.

    Args:
        folder: for its files; a temporary one.
        model_repo: what it serves.
    """

    def __init__(self, folder: Path, model_repo: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._model_repo = model_repo
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = [_free_port(), _free_port()]

    @property
    def address(self) -> str:
        """host:port of its gRPC service."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """Of the server, and of the group of all that it started."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self, *, whole: bool = True) -> None:
        """Start, or start again where it was; returns once it answers.

        Args:
            whole: wait until every model is ready too.
        """
        command = [str(PYTHON), "deploy/triton/serve.py", "--model-repository", str(self._model_repo)]
        command += ["--grpc-port", str(self._ports[0]), "--metrics-port", str(self._ports[1])]
        command += ["--backends", str(self._folder / "backends")]
        with (self._folder / "triton.log").open("ab") as output:
            # A group of its own: its Python processes are paused and killed with it.
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        self._wait(whole)

    def kill(self) -> None:
        """End it, and everything it started, as a crash would."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def metrics(self) -> dict[tuple[str, str], float]:
        """(metric, model) → value, of what Triton's own metrics say about models."""
        answer = httpx.get(f"http://127.0.0.1:{self._ports[1]}/metrics")
        return {(name, model): float(value) for name, model, value in _METRIC.findall(answer.text)}

    def metrics_after(self, requests: float, models: Sequence[str]) -> dict[tuple[str, str], float]:
        """`metrics` once they count so many answered requests of `models` in all, or ten seconds later: the server
        counts a request a moment after its answer has gone.
        """
        end = time.monotonic() + _COUNT_S
        while True:
            now = self.metrics()
            if sum(now["nv_inference_request_success", m] for m in models) >= requests or time.monotonic() > end:
                return now
            time.sleep(0.02)

    def _wait(self, whole: bool) -> None:
        end = time.monotonic() + _START_S
        client: Any = triton_grpc.InferenceServerClient(self.address)
        try:
            while time.monotonic() < end:
                if self._process is None or self._process.poll() is not None:
                    break
                with suppress(triton_grpc.InferenceServerException):
                    if client.is_server_ready() if whole else client.is_server_live():
                        return
                time.sleep(0.05)
        finally:
            client.close()
        log = (self._folder / "triton.log").read_text(errors="replace")
        self.kill()
        raise AssertionError(f"tritonserver did not get ready:\n{log[-4000:]}")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


@contextmanager
def running_triton(folder: Path, model_repo: Path, *, whole: bool = True) -> Generator[TritonServer, None, None]:
    """A server for the length of the block."""
    server = TritonServer(folder, model_repo)
    try:
        server.start(whole=whole)
        yield server
    finally:
        server.kill()


class SlowRoad:
    """A proxy in front of a server. Attributes: `address`; `delay_s`, of every piece of bytes in either direction."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.delay_s = 0.0


@asynccontextmanager
async def slow_road(to: str) -> AsyncGenerator[SlowRoad, None]:
    """A road to `to` (host:port) for the length of the block."""
    host, _, port = to.rpartition(":")
    road = SlowRoad("")
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await reader.read(_PIECE):
                    if road.delay_s:
                        await asyncio.sleep(road.delay_s)
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port), limit=_PIECE)
        for way in (carry(reader, far_writer), carry(far_reader, writer)):
            tasks.add(asyncio.create_task(way))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_PIECE)
    road.address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield road
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
