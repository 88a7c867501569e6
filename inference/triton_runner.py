"""Models on a Triton server, and what happens when it does not answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio.from_thread
from numpy.typing import NDArray

from inference.circuit_breaker import CircuitBreaker
from inference.model_spec import ModelSpec
from inference.ports import Runner
from inference.triton_client import ServerUnavailable, TritonClient
from music.errors import Unavailable


@dataclass
class RunCounts:
    """Runs so far, by where they were answered."""

    on_server: int = 0
    in_process: int = 0


class TritonRunner:
    """A model on a server.

    Args:
        spec: which, as this side knows it; hold the server to it with `triton_check` first.
        deadline_s: of a run, its repetition included.
        counts: counted in.
    """

    def __init__(self, spec: ModelSpec, client: TritonClient, deadline_s: float, counts: RunCounts) -> None:
        self.spec = spec
        self._client = client
        self._deadline_s = deadline_s
        self._counts = counts

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Runner.run`. A run changes nothing on the server, so one whose connection broke is asked for once more.

        Raises:
            Unavailable: MODEL_SERVER_UNAVAILABLE or MODEL_MISMATCH.
        """
        end = time.monotonic() + self._deadline_s
        try:
            outputs = await self._client.infer(self.spec, inputs, self._deadline_s)
        except ServerUnavailable as error:
            left_s = end - time.monotonic()
            if not error.is_quick or left_s <= 0:
                raise
            outputs = await self._client.infer(self.spec, inputs, left_s)
        self._counts.on_server += 1
        return outputs


class AwaitedRunner:
    """A runner for worker threads of the event loop that it runs on."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run_blocking(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `BlockingRunner.run_blocking`."""
        return anyio.from_thread.run(self._runner.run, inputs)


class FallbackRunner:
    """The server while it does its part, this process while it does not.

    A run is a pure function of its inputs, the session's state among them, so a session goes on here with the very step
    the server failed at, and goes back in the same way.

    Args:
        server, local: the two.
        breaker: says whether the server is asked.
        counts: counted in.
        is_quick: whether a run that takes long says that the server is too slow.
    """

    def __init__(
        self, server: Runner, local: Runner, breaker: CircuitBreaker, counts: RunCounts, *, is_quick: bool = True
    ) -> None:
        self._is_quick = is_quick
        self.spec = server.spec
        self._server = server
        self._local = local
        self._breaker = breaker
        self._counts = counts

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Runner.run`."""
        if not self._breaker.is_open:
            begun = time.monotonic()
            try:
                outputs = await self._server.run(inputs)
            except Unavailable as error:
                self._breaker.failed(error.message)
            else:
                if self._is_quick:
                    self._breaker.succeeded(time.monotonic() - begun)
                return outputs
        self._counts.in_process += 1
        return await self._local.run(inputs)
