"""The real server: what it serves is held to the project's models, and its answers are theirs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, read_model_spec
from inference.onnx_runner import OnnxRunner, zeros_for
from inference.registry import model_names
from inference.triton_check import check_served, noise_for
from inference.triton_client import ServerUnavailable, TritonClient
from inference.triton_models import TritonModels, TritonPolicy
from inference.triton_runner import RunCounts, TritonRunner
from music.errors import Reason, Unavailable
from music.tuning import Instrument
from tests.inference.tiny_model import write_tiny_model
from tests.inference.tiny_streaming import STATE, tiny_streaming_model, write_tiny_streaming
from tests.support.plucked import phrase, render
from tests.support.triton import TritonServer, needs_triton, running_triton, slow_road

pytestmark = [pytest.mark.anyio, needs_triton]

PATIENT_S = 20.0
ALONE = TritonPolicy(deadline_s=PATIENT_S, check_s=PATIENT_S, fallback=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, built_model_repo: Path) -> Generator[TritonServer, None, None]:
    with running_triton(tmp_path_factory.mktemp("triton"), built_model_repo) as running:
        yield running


async def test_every_model_answers_as_in_this_process(server: TritonServer, built_model_repo: Path) -> None:
    client = TritonClient(server.address)
    for name in model_names(built_model_repo):
        spec = read_model_spec(built_model_repo / name)
        local = OnnxRunner(spec, 1)
        await check_served(client, spec, PATIENT_S, local)
        noise = noise_for(spec)
        theirs, ours = await client.infer(spec, noise, PATIENT_S), local.run_blocking(noise)
        assert theirs.keys() == ours.keys()
        for tensor, array in ours.items():
            # One item a run, the same library on the same processor: not a bit differs.
            np.testing.assert_array_equal(theirs[tensor], array, f"{name} {tensor}")
    await client.close()


async def test_requests_of_several_sessions_become_one_run(server: TritonServer, built_model_repo: Path) -> None:
    models = TritonModels(server.address, ALONE)
    transcriber = await models.load("guitar", built_model_repo)
    before = server.metrics()
    signals = [render(phrase(seed, 2.0), 2.0) for seed in range(8)]
    async with anyio.create_task_group() as group:
        for signal in signals:
            group.start_soon(transcriber.open_stream(Instrument()).push, signal)
    expected = 8 * (len(signals[0]) // 1024)
    after = server.metrics_after(before["nv_inference_request_success", "guitar"] + expected, ["guitar"])
    requests, items, runs = (
        after[f"nv_inference_{what}", "guitar"] - before[f"nv_inference_{what}", "guitar"]
        for what in ("request_success", "count", "exec_count")
    )
    assert requests == items == models.counts.on_server == expected
    assert runs < 0.8 * requests, "batches larger than one"
    await models.client.close()


async def test_what_is_closed_to_clients_stays_closed(server: TritonServer, built_model_repo: Path) -> None:
    client: Any = triton_grpc.InferenceServerClient(server.address)
    for forbidden in (
        client.get_system_shared_memory_status,
        client.get_trace_settings,
        client.get_log_settings,
        lambda: client.unload_model("guitar"),
        lambda: client.load_model("guitar"),
    ):
        with pytest.raises(triton_grpc.InferenceServerException):
            forbidden()
    assert client.is_model_ready("guitar")
    client.close()


async def test_a_run_that_its_caller_gives_up_is_cancelled(server: TritonServer, built_model_repo: Path) -> None:
    spec = read_model_spec(built_model_repo / "basic_pitch")
    client = TritonClient(server.address)
    silence = zeros_for(spec)
    await client.infer(spec, silence, PATIENT_S)
    with anyio.move_on_after(0.3) as scope:
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(client.infer, spec, silence, PATIENT_S)
    assert scope.cancelled_caught
    # Were the others still in the queue, this one would wait for them: ten seconds of computing.
    with anyio.fail_after(5):
        await client.infer(spec, silence, PATIENT_S)
        while server.metrics()["nv_inference_pending_request_count", "basic_pitch"]:  # noqa: ASYNC110 - only it knows
            await anyio.sleep(0.02)
    await client.close()


async def test_a_deadline_holds(server: TritonServer, built_model_repo: Path) -> None:
    spec = read_model_spec(built_model_repo / "guitar")
    async with slow_road(server.address) as road:
        client = TritonClient(road.address)
        runner = TritonRunner(spec, client, 0.3, RunCounts())
        await client.infer(spec, zeros_for(spec), PATIENT_S)
        road.delay_s = 5.0
        begun = anyio.current_time()
        with pytest.raises(ServerUnavailable, match=r"did not answer within 0\.3 s"):
            await runner.run(zeros_for(spec))
        assert anyio.current_time() - begun < 1.0
        await client.close()


async def test_nobody_at_the_address(built_model_repo: Path) -> None:
    with pytest.raises(Unavailable, match="make triton") as caught:
        await TritonModels("127.0.0.1:9", ALONE).load("guitar", built_model_repo)
    assert caught.value.reason is Reason.MODEL_SERVER_UNAVAILABLE


class OtherWeights:
    """A model whose numbers are not those of the server."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self._runner = OnnxRunner(spec, 1)

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: 1.5 * array for name, array in (await self._runner.run(inputs)).items()}


async def test_a_server_with_other_weights_is_found_out(server: TritonServer, built_model_repo: Path) -> None:
    spec = read_model_spec(built_model_repo / "guitar")
    client = TritonClient(server.address)
    with pytest.raises(Unavailable, match="its file is another one"):
        await check_served(client, spec, PATIENT_S, OtherWeights(spec))
    await client.close()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[TritonServer, Path], None, None]:
    """A server of models with something wrong with each but two, and a repository in which all of them are right."""
    theirs, ours = (tmp_path_factory.mktemp(name) for name in ("theirs", "ours"))
    for name in ("fine", "missing", "truncated", "disagreeing", "reworded", "unserved", "retrained"):
        write_tiny_streaming(ours, name)
    write_tiny_streaming(theirs, "fine")
    for repository in (theirs, ours):
        write_tiny_model(repository, "large", parameters={"runs_alone": "true", "enable_mem_pattern": "0"})
    write_tiny_streaming(theirs, "missing", content=b"")
    file = write_tiny_streaming(theirs, "truncated") / "1" / "model.onnx"
    file.write_bytes(file.read_bytes()[:-1000])
    write_tiny_streaming(theirs, "disagreeing", state=STATE + 1)
    write_tiny_streaming(theirs, "reworded", parameters={"sha256": "0" * 64})
    write_tiny_streaming(theirs, "retrained", content=tiny_streaming_model(2.0))
    with running_triton(tmp_path_factory.mktemp("triton"), theirs, whole=False) as server:
        yield server, ours


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("missing", Reason.MODEL_MISMATCH, "could not load it: .*cannot be read"),
        ("truncated", Reason.MODEL_MISMATCH, "could not load it: .*has SHA-256"),
        ("disagreeing", Reason.MODEL_MISMATCH, "could not load it: .*the file's inputs are"),
        ("reworded", Reason.MODEL_MISMATCH, "could not load it: .*config.pbtxt says 000"),
        ("retrained", Reason.MODEL_MISMATCH, "SHA-256 is .* on the server .* one model repository"),
        ("unserved", Reason.MODEL_MISSING, "has no model unserved"),
    ],
)
async def test_a_server_that_is_broken_is_told_from_one_that_is_away(
    broken: tuple[TritonServer, Path], name: str, reason: Reason, words: str
) -> None:
    server, ours = broken
    # With a fallback too: this process must not hide what somebody has to mend.
    for policy in (ALONE, TritonPolicy(check_s=PATIENT_S)):
        models = TritonModels(server.address, policy)
        with pytest.raises(Unavailable, match=words) as caught:
            await models.load(name, ours)
        assert caught.value.reason is reason
        await models.client.close()


async def test_one_broken_model_keeps_the_others_from_nothing(broken: tuple[TritonServer, Path]) -> None:
    server, ours = broken
    models = TritonModels(server.address, ALONE)
    stream = (await models.load("fine", ours)).open_stream(Instrument())
    assert await stream.push(render(phrase(0, 1.0), 1.0))
    await models.client.close()


async def test_a_model_that_runs_alone_answers_there_as_here(broken: tuple[TritonServer, Path]) -> None:
    server, ours = broken
    spec, client = read_model_spec(ours / "large"), TritonClient(server.address)
    noise = noise_for(spec)
    theirs, here = await client.infer(spec, noise, PATIENT_S), OnnxRunner(spec, 2).run_blocking(noise)
    for name, array in here.items():
        np.testing.assert_array_equal(theirs[name], array)
    await client.close()
