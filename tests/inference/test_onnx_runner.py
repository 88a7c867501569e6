"""Runs happen beside the event loop, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.model_spec import read_model_spec
from inference.onnx_runner import OnnxRunner, zeros_for
from tests.inference.tiny_model import write_tiny_model

pytestmark = pytest.mark.anyio


class HeldRunner(OnnxRunner):
    """A runner whose runs wait for `gate` and remember who ran them."""

    def hold(self) -> None:
        self.gate = threading.Event()
        self.started: list[int] = []

    def run_blocking(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.started.append(threading.get_ident())
        assert self.gate.wait(timeout=30)
        return super().run_blocking(inputs)


async def test_no_more_runs_at_a_time_than_threads_and_none_on_the_loop(tmp_path: Path) -> None:
    runner = HeldRunner(read_model_spec(write_tiny_model(tmp_path)), threads=2)
    runner.hold()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(runner.run, zeros_for(runner.spec))
        with anyio.fail_after(20):
            while len(runner.started) < 2:
                await anyio.lowlevel.checkpoint()
        # The loop is free, and the third run waits for a place.
        await anyio.wait_all_tasks_blocked()
        assert len(runner.started) == 2
        runner.gate.set()
    assert len(runner.started) == 5
    assert threading.get_ident() not in runner.started


async def test_a_model_that_runs_alone_has_one_run_on_all_threads(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path, parameters={"runs_alone": "true"}))
    runner = HeldRunner(spec, threads=2)
    assert (runner.threads, runner.threads_a_run) == (1, 2)
    runner.hold()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(runner.run, zeros_for(runner.spec))
        with anyio.fail_after(20):
            while not runner.started:
                await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert len(runner.started) == 1
        runner.gate.set()
    assert len(runner.started) == 3


async def test_a_run_without_a_batch_in_its_inputs_and_outputs(tmp_path: Path) -> None:
    runner = OnnxRunner(read_model_spec(write_tiny_model(tmp_path)), threads=1)
    outputs = await runner.run({"audio": np.full((256, 1), -0.5, np.float32)})
    assert {name: array.shape for name, array in outputs.items()} == {"a": (8, 88), "b": (8, 88), "c": (8, 264)}
    np.testing.assert_allclose(outputs["a"], 0.5)


def test_a_runner_without_threads_is_refused(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path))
    with pytest.raises(ValueError, match="thread"):
        OnnxRunner(spec, threads=0)
