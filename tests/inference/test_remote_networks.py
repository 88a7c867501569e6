"""Networks over awaited runs say what the same networks say in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.circuit_breaker import CircuitBreaker
from inference.model_spec import ModelSpec, read_model_spec
from inference.onnx_runner import OnnxRunner
from inference.ports import IN_THIS_PROCESS, ActivationStream, RunsOn, Transcriber
from inference.registry import load_transcriber
from inference.remote_networks import RemoteStreamingTranscriber, RemoteWindowedTranscriber
from inference.triton_runner import FallbackRunner, RunCounts
from music.activations import Activations
from music.errors import Reason, Unavailable
from music.tuning import Instrument
from tests.inference.tiny_streaming import STEP, write_tiny_streaming
from tests.support.plucked import phrase, render

pytestmark = pytest.mark.anyio


def here() -> RunsOn:
    return IN_THIS_PROCESS


def remote(spec: ModelSpec) -> Transcriber:
    """The network as if it were elsewhere: the runs are this process's."""
    if spec.parameters.get("kind") == "streaming":
        return RemoteStreamingTranscriber(spec, OnnxRunner(spec, 1), here)
    return RemoteWindowedTranscriber(spec, 4, lambda part: OnnxRunner(part, 1), here)


async def heard(stream: ActivationStream, signal: NDArray[np.float32], chunk: int) -> list[Activations]:
    """Everything settled, and every preview after a chunk, in the order it came."""
    found = list[Activations]()
    for begin in range(0, len(signal), chunk):
        found += await stream.push(signal[begin : begin + chunk])
        if (early := await stream.preview(4)) is not None:
            found.append(early)
    return [*found, *await stream.finish()]


def joined(found: list[Activations], *, settled: bool) -> dict[str, NDArray[np.float32]]:
    kept = [piece for piece in found if piece.settled is settled]
    maps = ("onset", "frame", "contour", "velocity", "deviation", "strings")
    present = [name for name in maps if getattr(kept[0], name) is not None]
    return {name: np.concatenate([getattr(piece, name) for piece in kept]) for name in present}


@pytest.mark.parametrize("chunk", [441, 5 * STEP + 7])
@pytest.mark.parametrize("name", ["guitar", "basic_pitch"])
async def test_activations_and_previews_are_the_same(built_model_repo: Path, name: str, chunk: int) -> None:
    signal = render(phrase(3, 4.0), 4.0, noise=1e-3)
    local = load_transcriber(name, built_model_repo, threads=1)
    far = remote(read_model_spec(built_model_repo / name))
    assert (far.reference, far.grid, far.tracking, far.cadence) == (
        local.reference,
        local.grid,
        local.tracking,
        local.cadence,
    )
    ours, theirs = [await heard(one.open_stream(Instrument()), signal, chunk) for one in (local, far)]
    for settled in (True, False):
        mine, other = joined(ours, settled=settled), joined(theirs, settled=settled)
        assert mine.keys() == other.keys()
        for key, array in mine.items():
            np.testing.assert_array_equal(array, other[key], key)


class Failing:
    """Answers `good` runs and then none."""

    def __init__(self, spec: ModelSpec, good: int) -> None:
        self.spec = spec
        self.asked = 0
        self._good = good
        self._runner = OnnxRunner(spec, 1)

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.asked += 1
        if self.asked > self._good:
            raise Unavailable(Reason.MODEL_SERVER_UNAVAILABLE, "gone")
        return await self._runner.run(inputs)


async def probe() -> None:
    raise Unavailable(Reason.MODEL_SERVER_UNAVAILABLE, "still gone")


async def test_a_server_that_goes_costs_no_activation(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_streaming(tmp_path))
    signal = render(phrase(1, 3.0), 3.0)
    whole = joined(await heard(remote(spec).open_stream(Instrument()), signal, 500), settled=True)
    server, breaker, counts = Failing(spec, good=10), CircuitBreaker(probe), RunCounts()
    runner = FallbackRunner(server, OnnxRunner(spec, 1), breaker, counts)
    stream = RemoteStreamingTranscriber(spec, runner, here).open_stream(Instrument())
    found = joined(await heard(stream, signal, 500), settled=True)
    assert breaker.cause == "gone"
    assert server.asked == 11, "it is not asked again"
    assert counts.in_process >= len(signal) // STEP - 10
    for key, array in whole.items():
        np.testing.assert_array_equal(array, found[key], key)
