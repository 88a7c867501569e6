"""The models of a Triton server, with those of this process to fall back on."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.to_thread

from inference.circuit_breaker import CircuitBreaker
from inference.model_spec import ModelSpec
from inference.onnx_runner import OnnxRunner
from inference.ports import IN_THIS_PROCESS, Runner, RunsOn, Separator, Transcriber
from inference.registry import transcriber_spec
from inference.remote_networks import RemoteStreamingTranscriber, RemoteWindowedTranscriber, parts_of
from inference.separation import WindowedSeparator
from inference.separators import open_network, separator_spec
from inference.triton_check import check_served, noise_for
from inference.triton_client import ServerUnavailable, TritonClient
from inference.triton_runner import AwaitedRunner, FallbackRunner, RunCounts, TritonRunner
from music.events import Separation

_log = logging.getLogger(__name__)
_WINDOWS_A_STREAM = 4
"""So many of a file's windows are asked for at a time; the server has other callers to batch them with."""


@dataclass(frozen=True, slots=True)
class TritonPolicy:
    """How a server is treated.

    Attributes:
        deadline_s: of a run. Two of them, one answered at the last moment and one not at all, must stay below the
            second within which a live session has to go on elsewhere.
        check_s: of each question of the check, and of a probe.
        slow_s: nothing but longer runs for `patience_s` are a server too slow to follow a live stream: of the guitar's
            network each takes in 46 ms of audio.
        patience_s: see `slow_s`.
        separation_s: deadline of a separator's run, a window of some seconds of audio.
        fallback: whether this process runs a model when the server does not; without it sessions fail with a reason.
    """

    deadline_s: float = 0.45
    check_s: float = 2.0
    slow_s: float = 0.1
    patience_s: float = 0.6
    separation_s: float = 0.9
    fallback: bool = True


@dataclass(frozen=True, slots=True)
class _Served:
    """A model that is asked for, and the one in this process that stands in for it.

    Attributes:
        deadline_s: of a run.
        is_quick: whether runs that take long mean a server that is too slow.
    """

    spec: ModelSpec
    local: Runner | None
    deadline_s: float
    is_quick: bool


class TritonModels:
    """Transcribers and separators whose networks run on one server.

    Args:
        address: host:port of its gRPC service.
        policy: how it is treated.
        threads: runs at a time of a model in this process, when it comes to that.
    """

    def __init__(self, address: str, policy: TritonPolicy | None = None, threads: int = 2) -> None:
        self.client = TritonClient(address)
        self.counts = RunCounts()
        self._policy = policy or TritonPolicy()
        self._threads = threads
        self._served: dict[str, _Served] = {}
        self.breaker = CircuitBreaker(
            self._probe, slow_s=self._policy.slow_s, patience_s=self._policy.patience_s, on_change=self._tell
        )

    @property
    def runs_on(self) -> RunsOn:
        """Where the networks run now."""
        if self._policy.fallback and self.breaker.is_open:
            return RunsOn(IN_THIS_PROCESS.runner, self.breaker.cause)
        return RunsOn("triton")

    async def load(self, name: str, model_repo: Path) -> Transcriber:
        """A transcriber, the server's models held to this repository's first.

        Args:
            name: a model of the repository; "" is the default.
            model_repo: the repository's folder on this machine.

        Raises:
            InvalidInput: TRANSCRIBER_UNKNOWN.
            Unavailable: MODEL_MISSING or MODEL_MISMATCH, here or on the server, with or without fallback: a server with
                other models is a mistake to mend. MODEL_SERVER_UNAVAILABLE, only without fallback.
        """
        spec = await anyio.to_thread.run_sync(transcriber_spec, name, model_repo)
        runners: dict[str, Runner] = {}
        for part in await anyio.to_thread.run_sync(parts_of, spec):
            runners[part.name] = await self._runner(part)
        if spec.parameters.get("kind") == "streaming":
            return RemoteStreamingTranscriber(spec, runners[spec.name], lambda: self.runs_on)
        return RemoteWindowedTranscriber(spec, _WINDOWS_A_STREAM, lambda part: runners[part.name], lambda: self.runs_on)

    async def load_separator(self, separation: Separation, model_repo: Path) -> Separator:
        """A separator, as `load` a transcriber.

        Raises:
            InvalidInput: SEPARATION_UNAVAILABLE.
            Unavailable: see `load`.
        """
        spec = await anyio.to_thread.run_sync(separator_spec, separation, model_repo)
        runner = AwaitedRunner(await self._runner(spec))
        # What it costs is the server's; how soon it answers is what a live stream must know.
        return WindowedSeparator(spec, open_network(spec, runner), _WINDOWS_A_STREAM, clock=time.perf_counter)

    async def keep_probing(self) -> NoReturn:
        """Find out when a server that failed is back; run it beside whatever uses the transcribers."""
        try:
            await self.breaker.keep_probing()
        finally:
            with anyio.CancelScope(shield=True):
                await self.client.close()

    async def _runner(self, spec: ModelSpec) -> Runner:
        local: Runner | None = None
        if self._policy.fallback:
            local = await anyio.to_thread.run_sync(partial(OnnxRunner, spec, self._threads))
        try:
            await check_served(self.client, spec, self._policy.check_s, local)
        except ServerUnavailable as error:
            if local is None:
                raise
            self.breaker.failed(error.message)
        is_quick = spec.role != "separator"
        deadline_s = self._policy.deadline_s if is_quick else self._policy.separation_s
        self._served[spec.name] = _Served(spec, local, deadline_s, is_quick)
        server = TritonRunner(spec, self.client, deadline_s, self.counts)
        if local is None:
            return server
        return FallbackRunner(server, local, self.breaker, self.counts, is_quick=is_quick)

    async def _probe(self) -> None:
        """Is it back, with the same models, and as quick as sessions need it? It may be another one by now."""
        for served in self._served.values():
            await check_served(self.client, served.spec, self._policy.check_s, served.local)
            begun = anyio.current_time()
            await self.client.infer(served.spec, noise_for(served.spec), served.deadline_s)
            took_s = anyio.current_time() - begun
            if served.is_quick and took_s > self._policy.slow_s:
                raise ServerUnavailable(self.client.address, f"took {took_s * 1e3:.0f} ms for a run", is_quick=False)

    def _tell(self) -> None:
        place, counts = self.runs_on, self.counts
        _log.warning(
            "Models run on %s from now on (%s); runs so far: %d on the server, %d in this process",
            place.runner,
            place.cause or "the server does its part",
            counts.on_server,
            counts.in_process,
        )
