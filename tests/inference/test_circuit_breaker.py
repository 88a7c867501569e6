"""When a failing server is left alone, and how it is found to be back."""

from __future__ import annotations

import anyio
import pytest

from inference.circuit_breaker import CircuitBreaker
from music.errors import Reason, Unavailable

pytestmark = pytest.mark.anyio


class Server:
    """Fails the first `failures` probes. `reached` is set by the one that succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.probes = 0
        self.reached = anyio.Event()

    async def probe(self) -> None:
        self.probes += 1
        if self.probes <= self.failures:
            raise Unavailable(Reason.MODEL_SERVER_UNAVAILABLE, "not yet")
        self.reached.set()


async def test_it_opens_at_a_failure_and_closes_when_a_probe_succeeds() -> None:
    server, told = Server(failures=1), list[bool]()
    breaker = CircuitBreaker(server.probe, on_change=lambda: told.append(breaker.is_open))
    async with anyio.create_task_group() as group:
        group.start_soon(breaker.keep_probing)
        assert not breaker.is_open
        breaker.failed("no answer")
        breaker.failed("an echo of it")
        assert breaker.cause == "no answer"
        with anyio.fail_after(5):
            await server.reached.wait()
        await anyio.wait_all_tasks_blocked()
        assert (breaker.is_open, server.probes, told) == (False, 2, [True, False])
        # Nothing is probed while it is closed, and a later failure opens it anew.
        breaker.failed("again")
        assert breaker.is_open
        group.cancel_scope.cancel()


async def test_a_server_that_fails_again_soon_is_left_alone_for_longer() -> None:
    pauses = list[float]()
    for failures in (1, 2, 3):
        server = Server(failures=0)
        breaker = CircuitBreaker(server.probe)
        async with anyio.create_task_group() as group:
            group.start_soon(breaker.keep_probing)
            for _ in range(failures):
                server.reached = anyio.Event()
                begun = anyio.current_time()
                breaker.failed("gone")
                with anyio.fail_after(10):
                    await server.reached.wait()
                await anyio.wait_all_tasks_blocked()
            pauses.append(anyio.current_time() - begun)
            group.cancel_scope.cancel()
    assert pauses[1] > 1.5 * pauses[0]
    assert pauses[2] > 1.5 * pauses[1]


async def test_nothing_but_slow_runs_for_a_while_are_a_failure() -> None:
    breaker = CircuitBreaker(Server(0).probe, slow_s=0.1, patience_s=0.6)
    breaker.succeeded(0.55)
    assert not breaker.is_open
    breaker.succeeded(0.05)
    breaker.succeeded(0.55)
    assert not breaker.is_open, "a quick run in between is a new beginning"
    breaker.succeeded(0.05)
    breaker.succeeded(0.7)
    assert "100 ms" in breaker.cause
