"""The edge under load: API answers, WebSockets that idle and receive, a large upload. `python -m bench edge`.

The edge is the real process; the orchestrator is the tests', which writes real logs on a real bus and hears nothing, so
that what is measured is the edge's.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx
import numpy as np
import psutil
import websockets

from bench._processes import MIB, load_of_the_machine
from bench._report import print_json, print_table
from bus.connection import Bus
from tests.support.nats import running_nats
from tests.web_edge.conftest import edge_process
from tests.web_edge.fakes import FakeOrchestrator, serving
from web_edge.settings import Settings

RATE_HZ, REQUESTS = 50.0, 1500
IDLE_SOCKETS, RECEIVING_SOCKETS = 1000, 200
NOTES, NOTE_EVERY_S = 60, 0.1
UPLOAD_BYTES, PIECE_BYTES = 1 << 30, 1 << 20
LOOK_S = 0.05


def main() -> None:
    """Print the table and the JSON line."""
    print(load_of_the_machine(), flush=True)
    # A file a socket, here and in the edge, which inherits it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with TemporaryDirectory(prefix="genesis-edge-") as folder:
        facts = asyncio.run(_measure(Path(folder)))
    print_table(["what", "p50", "p95", "p99", "unit", "of"], facts.pop("rows"))
    print_json("edge", **facts)


async def _measure(folder: Path) -> dict[str, Any]:
    os.environ |= {
        "GENESIS_EDGE_MAX_SOCKETS": str(IDLE_SOCKETS + RECEIVING_SOCKETS + 10),
        "GENESIS_EDGE_MAX_UPLOAD_BYTES": str(2 * UPLOAD_BYTES),
    }
    async with running_nats(folder) as nats, Bus.connect(nats.url, name="bench") as bus:
        await bus.declare()
        orchestrator = FakeOrchestrator(bus, notes_per_file=NOTES)
        async with serving(orchestrator) as address:
            settings = Settings(orchestrator=address, nats_url=nats.url, data_dir=folder / "data")
            async with edge_process(settings, folder / "port") as (process, client):
                edge = psutil.Process(process.pid)
                answers = await _answers(client)
                fan_out, memory_of_sockets = await _fan_out(client, orchestrator, edge)
                upload = await _upload(client, edge)
                process.terminate()
                await process.wait()
    rows = [
        _row("API answer at 50/s", answers, "ms", f"{len(answers)} requests"),
        _row("event to 200 sockets, 1 000 idle", fan_out, "ms", f"{len(fan_out)} arrivals"),
    ]
    print_table(["what", "figure"], [[name, f"{value:.1f}"] for name, value in (memory_of_sockets | upload).items()])
    return {
        "rows": rows,
        "answer_p95_ms": _percentile(answers, 95),
        "fan_out_p95_ms": _percentile(fan_out, 95),
        **memory_of_sockets,
        **upload,
    }


async def _answers(client: httpx.AsyncClient) -> list[float]:
    """Milliseconds of each answer, requests sent at a fixed rate whether or not the one before is answered."""
    made = await client.post("/api/transcribe", files={"file": b"x" * 1000})
    job = f"/api/transcribe/{made.json()['id']}"
    while (await client.get(job)).json()["status"] != "completed":  # noqa: ASYNC110 - behind a socket
        await anyio.sleep(0.05)
    paths = ("/api/transcribe?limit=20", job, job + "/result", "/health")
    took_ms: list[float] = []

    async def ask(path: str, due_s: float) -> None:
        answer = await client.get(path)
        answer.raise_for_status()
        # From when it was due: a generator that is late counts against the server, not for it.
        took_ms.append((time.perf_counter() - due_s) * 1000)

    begun_s = time.perf_counter() + 0.2
    async with anyio.create_task_group() as group:
        for number in range(REQUESTS):
            due_s = begun_s + number / RATE_HZ
            await anyio.sleep(max(0.0, due_s - time.perf_counter()))
            group.start_soon(ask, paths[number % len(paths)], due_s)
    return took_ms


async def _fan_out(
    client: httpx.AsyncClient, orchestrator: FakeOrchestrator, edge: psutil.Process
) -> tuple[list[float], dict[str, float]]:
    """Milliseconds from an event's making to each of the sockets that follow its session."""
    orchestrator.gate = anyio.Event()
    made = await client.post("/api/transcribe", files={"file": b"x" * 1000})
    session_id = made.json()["id"]
    url = f"ws://{client.base_url.netloc.decode()}/ws"
    before = edge.memory_info().rss
    arrivals_ms: list[float] = []
    idle = [await websockets.connect(url, compression=None) for _ in range(IDLE_SOCKETS)]
    following = [await websockets.connect(url, compression=None) for _ in range(RECEIVING_SOCKETS)]
    held = edge.memory_info().rss
    async with anyio.create_task_group() as group:
        for socket in following:
            group.start_soon(_listen, socket, session_id, arrivals_ms)
        await anyio.sleep(2)  # every socket has caught up with the start
        group.start_soon(_play, orchestrator)
    still_open = sum(socket.state is websockets.State.OPEN for socket in idle)
    for socket in (*idle, *following):
        await socket.close()
    return arrivals_ms, {
        "idle_sockets_held": float(still_open),
        "memory_of_1200_sockets_mib": (held - before) / MIB,
    }


async def _play(orchestrator: FakeOrchestrator) -> None:
    """One note each tenth of a second: opens the fake's gate for one note at a time."""
    for _ in range(NOTES):
        gate, orchestrator.gate = orchestrator.gate, anyio.Event()
        gate.set()
        await anyio.sleep(NOTE_EVERY_S)
    orchestrator.gate.set()


async def _listen(socket: Any, session_id: str, arrivals_ms: list[float]) -> None:
    await socket.send(json.dumps({"type": "subscribe:job", "id": session_id}))
    async for text in socket:
        frame = json.loads(text)
        if frame["type"] in ("job:complete", "job:error"):
            return
        if frame["type"] == "note":
            arrivals_ms.append(time.time() * 1000 - _made_ms(frame))


def _made_ms(frame: dict[str, Any]) -> float:
    return datetime.fromisoformat(frame["event"]["createdAt"]).timestamp() * 1000


async def _upload(client: httpx.AsyncClient, edge: psutil.Process) -> dict[str, float]:
    """The edge's memory while a gigabyte comes."""
    before = edge.memory_info().rss
    highest, is_done = before, False

    async def watch() -> None:
        nonlocal highest
        while not is_done:
            highest = max(highest, edge.memory_info().rss)
            await anyio.sleep(LOOK_S)

    async def body() -> AsyncIterator[bytes]:
        piece = os.urandom(PIECE_BYTES)
        for _ in range(UPLOAD_BYTES // PIECE_BYTES):
            yield piece

    begun_s = time.perf_counter()
    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        headers = {"Content-Type": "audio/wav", "Content-Length": str(UPLOAD_BYTES)}
        answer = await client.post("/api/transcribe", content=body(), headers=headers, timeout=300)
        is_done = True
    assert answer.status_code == 202, answer.text
    took_s = time.perf_counter() - begun_s
    await client.delete(answer.headers["location"])
    return {
        "upload_mb_per_s": UPLOAD_BYTES / 1e6 / took_s,
        "memory_before_upload_mib": before / MIB,
        "memory_added_by_1gb_upload_mib": (highest - before) / MIB,
    }


def _row(name: str, values: list[float], unit: str, of: str) -> list[object]:
    return [name, *(_percentile(values, percent) for percent in (50, 95, 99)), unit, of]


def _percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))
