"""Every model in process and on a real Triton server: parity, what the way costs, batches. `python -m bench models`."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np

from bench._models import load, notes_heard, transcriber_names
from bench._processes import UsageMeter, load_of_the_machine, memory_of
from bench._recordings import labelled
from bench._report import print_json, print_table
from inference.model_spec import ModelSpec, read_model_spec
from inference.onnx_runner import OnnxRunner
from inference.registry import default_model_repo, list_models
from inference.triton_check import noise_for
from inference.triton_client import TritonClient
from inference.triton_models import TritonModels, TritonPolicy
from music.audio import SAMPLE_RATE_HZ
from music.note import Note
from music.tuning import Instrument
from tests.support.triton import PYTHON, TritonServer, running_triton

WARM_UP, RUNS, MOST_S = 10, 200, 8.0
SESSIONS = (1, 4, 8, 16)
LOAD_S = 3.0
EXCERPT_S = 20.0
GOAL_MS = 5.0
# Nothing may step in for the server here.
ALONE = TritonPolicy(deadline_s=60.0, check_s=60.0, fallback=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """One model, run by run in turns: milliseconds in this process, through the server, and in this process again.

    A run takes longer or shorter by itself. What the second one here differs from the first by is what a request that
    cost nothing would show: `noise_ms`, beside `extra_ms`.

    The processor's time, of a run here and of a request at both its ends, is what a busy machine leaves as it is.
    """

    name: str
    local_ms: np.ndarray
    far_ms: np.ndarray
    again_ms: np.ndarray
    worst: float
    moved_kib: float
    local_cpu_ms: float
    far_cpu_ms: float

    @property
    def extra_ms(self) -> np.ndarray:
        """Each request's time less the run beside it in this process."""
        return np.asarray(self.far_ms - self.local_ms)

    @property
    def noise_ms(self) -> np.ndarray:
        """Each second run in this process less the first."""
        return np.asarray(self.again_ms - self.local_ms)


def main() -> None:
    """Print the tables and the JSON line."""
    print(load_of_the_machine(), flush=True)
    if not PYTHON.exists():
        print("not run: no tritonserver here; `make triton-environment` installs it")
        print_json("models", not_run="no tritonserver")
        return
    with tempfile.TemporaryDirectory() as folder, running_triton(Path(folder), default_model_repo()) as server:
        costs = [asyncio.run(_cost(server, spec)) for spec in _specs()]
        _print_costs(costs)
        batches = [asyncio.run(_batches(server, count)) for count in SESSIONS]
        header = ["live streams of guitar at once", "requests", "runs", "mean batch", "times real time"]
        print_table(header, [[f"{b['sessions']:.0f}", *list(b.values())[1:]] for b in batches])
        parity = [asyncio.run(_parity(server, name)) for name in transcriber_names()[0]]
        for rows in parity:
            print_table(["transcriber", "recording", "notes", "differ", "requests", "counted by the server"], rows)
        rss_mib = memory_of({"tritonserver": server.pid})["tritonserver"].rss
    print(f"tritonserver and its processes: {rss_mib:.0f} MiB RSS")
    print_json(
        "models",
        overhead_ms={c.name: list(map(float, np.percentile(c.extra_ms, [50, 95]))) for c in costs},
        noise_ms={c.name: list(map(float, np.percentile(c.noise_ms, [50, 95]))) for c in costs},
        extra_cpu_ms={c.name: c.far_cpu_ms - c.local_cpu_ms for c in costs},
        worst_difference={c.name: c.worst for c in costs},
        goal_p95_ms=GOAL_MS,
        mean_batch={f"{b['sessions']:.0f}": b["mean_batch"] for b in batches},
        notes_that_differ=sum(int(str(row[3])) for rows in parity for row in rows),
        notes=sum(int(str(row[2])) for rows in parity for row in rows),
        rss_mib=rss_mib,
    )


def _specs() -> list[ModelSpec]:
    return [read_model_spec(default_model_repo() / m.name) for m in list_models(default_model_repo()) if not m.problem]


async def _cost(server: TritonServer, spec: ModelSpec) -> Cost:
    client, local, noise = TritonClient(server.address), OnnxRunner(spec, 1), noise_for(spec)
    ours, theirs = local.run_blocking(noise), await client.infer(spec, noise, ALONE.deadline_s)
    worst = max(float(np.abs(theirs[name] - array).max()) for name, array in ours.items())
    local_ms, far_ms, again_ms = list[float](), list[float](), list[float]()

    async def here() -> object:
        return local.run_blocking(noise)

    end, meter = time.perf_counter() + MOST_S, UsageMeter({"tritonserver": server.pid})
    far_cpu_s, local_cpu_s, count = 0.0, 0.0, 0
    for number in range(WARM_UP + RUNS):
        marks = [time.process_time()]
        pair = [await _timed_ms(here)]
        marks.append(time.process_time())
        pair.append(await _timed_ms(lambda: client.infer(spec, noise, ALONE.deadline_s)))
        marks.append(time.process_time())
        again = await _timed_ms(here)
        local_cpu_s, far_cpu_s, count = local_cpu_s + marks[1] - marks[0], far_cpu_s + marks[2] - marks[1], count + 1
        if number >= WARM_UP:
            local_ms.append(pair[0])
            far_ms.append(pair[1])
            again_ms.append(again)
        if time.perf_counter() > end and len(far_ms) >= WARM_UP:
            break
    await client.close()
    moved = sum(array.nbytes for arrays in (noise, ours) for array in arrays.values()) / 1024
    far_cpu_s += meter.stop().cpu_s["tritonserver"]
    cpu_ms = (local_cpu_s / count * 1e3, far_cpu_s / count * 1e3)
    return Cost(spec.name, np.array(local_ms), np.array(far_ms), np.array(again_ms), worst, moved, *cpu_ms)


async def _timed_ms(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1e3


def _print_costs(costs: list[Cost]) -> None:
    header = [
        "model",
        "KiB moved",
        "here p50 ms",
        "p95",
        "server p50 ms",
        "p95",
        "extra p50 ms",
        "p95",
        "noise p50 ms",
        "p95",
        "largest difference",
    ]
    rows: list[list[object]] = []
    for cost in costs:
        figures = [
            f"{v:.2f}"
            for times in (cost.local_ms, cost.far_ms, cost.extra_ms, cost.noise_ms)
            for v in np.percentile(times, [50, 95])
        ]
        rows.append([cost.name, f"{cost.moved_kib:.0f}", *figures, f"{cost.worst:.1e}"])
    print_table(header, rows)
    for cost in costs:
        p95 = float(np.percentile(cost.extra_ms, 95))
        verdict = "within" if p95 <= GOAL_MS else "above"
        print(
            f"{cost.name}: extra p95 {p95:.2f} ms, {verdict} {GOAL_MS:g} ms ({len(cost.far_ms)} requests, one stream); "
            f"processor time {cost.local_cpu_ms:.2f} ms here, {cost.far_cpu_ms - cost.local_cpu_ms:.2f} ms more there"
        )


async def _batches(server: TritonServer, count: int) -> dict[str, float]:
    """Streams of the guitar's network as fast as they go, each with its own state."""
    models = TritonModels(server.address, ALONE)
    transcriber = await models.load("guitar", default_model_repo())
    signal = (0.1 * np.random.default_rng(0).standard_normal(round(LOAD_S * SAMPLE_RATE_HZ))).astype(np.float32)
    before, begun = server.metrics(), time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(transcriber.open_stream(Instrument()).push, signal)
    wall_s = time.perf_counter() - begun
    after = server.metrics()
    items, runs = (
        after[key, "guitar"] - before[key, "guitar"] for key in ("nv_inference_count", "nv_inference_exec_count")
    )
    await models.client.close()
    return {
        "sessions": float(count),
        "requests": items,
        "runs": runs,
        "mean_batch": items / runs,
        "times_real_time": count * LOAD_S / wall_s,
    }


async def _parity(server: TritonServer, name: str) -> list[list[object]]:
    rows: list[list[object]] = []
    for recording in labelled()[0]:
        models = TritonModels(server.address, ALONE)
        far = await models.load(name, default_model_repo())
        samples, rate_hz = recording.read()
        samples = samples[: round(EXCERPT_S * rate_hz)]
        before = _answered(server)
        instrument = Instrument(recording.tuning)
        theirs = await notes_heard(far, samples, rate_hz, instrument)
        counted = _answered(server) - before
        ours = await notes_heard(load(name), samples, rate_hz, instrument)
        await models.client.close()
        rows.append(
            [name, recording.name, len(ours), differing(ours, theirs), models.counts.on_server, f"{counted:.0f}"]
        )
    return rows


def _answered(server: TritonServer) -> float:
    return sum(value for (metric, _), value in server.metrics().items() if metric == "nv_inference_request_success")


def differing(ours: list[Note], theirs: list[Note]) -> int:
    """Notes of either that the other lacks: pitch, string and fret the same, the onset within a millisecond."""
    left, lacking = list(theirs), 0
    for note in ours:
        near = (n for n in left if abs(n.onset - note.onset) * 1000 <= SAMPLE_RATE_HZ)
        twin = next((n for n in near if (n.pitch, n.position) == (note.pitch, note.position)), None)
        if twin is None:
            lacking += 1
        else:
            left.remove(twin)
    return lacking + len(left)
