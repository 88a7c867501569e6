"""A real tritonserver on free ports, to pause, kill and start again."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import tritonclient.grpc.aio as triton_grpc
from anyio.abc import Process

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-triton" / "bin" / "python"
_START_S = 40.0
_METRIC = re.compile(r'^(\w+)\{model="([^"]+)",[^}]*\} ([0-9.e+]+)$', re.MULTILINE)

needs_triton = pytest.mark.skipif(not PYTHON.exists(), reason="no tritonserver here: run `make triton-environment`")


class TritonServer:
    """One server over its restarts: same ports, same repository. `folder` should be a temporary one."""

    def __init__(self, folder: Path, model_repo: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._model_repo = model_repo
        self._process: Process | None = None
        self._ports = [_free_port(), _free_port()]

    @property
    def address(self) -> str:
        """host:port of its gRPC service."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def log(self) -> str:
        return (self._folder / "triton.log").read_text(errors="replace")

    async def start(self, *, whole: bool = True) -> None:
        """Start, or start again where it was; returns once it answers.

        Args:
            whole: wait until every model is ready too.
        """
        ports = ["--grpc-port", str(self._ports[0]), "--metrics-port", str(self._ports[1])]
        command = [str(PYTHON), "deploy/triton/serve.py", "--model-repository", str(self._model_repo), *ports]
        command += ["--backends", str(self._folder / "backends")]
        with (self._folder / "triton.log").open("ab") as output:
            # A group of its own: its Python processes are paused and killed with it.
            self._process = await anyio.open_process(
                command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        with anyio.fail_after(_START_S):
            await self._wait(whole)

    async def stop(self) -> None:
        """End it and everything it started. Its own orderly way takes seconds, and tests want nothing of it."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()
            await self._process.aclose()
            self._process = None

    kill = stop

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def metrics(self) -> dict[tuple[str, str], float]:
        """(metric, model) → value, of what Triton's own metrics say about models."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self._ports[1]}/metrics")
        return {(name, model): float(value) for name, model, value in _METRIC.findall(answer.text)}

    async def _wait(self, whole: bool) -> None:
        client: Any = triton_grpc.InferenceServerClient(self.address)
        try:
            while True:
                if self._process is None or self._process.returncode is not None:
                    raise AssertionError(f"tritonserver has ended:\n{self.log[-4000:]}")
                with suppress(triton_grpc.InferenceServerException):
                    if await (client.is_server_ready() if whole else client.is_server_live()):
                        return
                await anyio.sleep(0.05)
        finally:
            await client.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


@asynccontextmanager
async def running_triton(folder: Path, model_repo: Path, *, whole: bool = True) -> AsyncGenerator[TritonServer, None]:
    """A server for the length of the block."""
    server = TritonServer(folder, model_repo)
    try:
        await server.start(whole=whole)
        yield server
    finally:
        with anyio.CancelScope(shield=True):
            await server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
