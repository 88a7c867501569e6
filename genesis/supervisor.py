"""One supervised child process: started, watched, restarted with growing pauses, stopped with its whole group.

A child never outlives this process, not even after `kill -9` (see `genesis.tether`).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from music.errors import Reason, Unavailable

_TETHER = Path(__file__).with_name("tether.py")
_LAST_LINES = 5
_LINE_LIMIT = 64 * 1024
_PROBE_PAUSE_S = 0.05
_STOP_GRACE_S = 10.0
_HOPELESS_AFTER = 4
"""Deaths in a row after which nobody waits for readiness any longer; restarts go on."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between restarts: doubling from `first_s` to `most_s`, each by a random 50 to 100 %.

    A child that ran for `stable_s` begins again with the first.
    """

    first_s: float = 0.2
    most_s: float = 10.0
    stable_s: float = 120.0

    def pause_s(self, failures: int) -> float:
        """Pause after the n-th failure in a row, n from 1."""
        longest = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads restarts, guards nothing


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run and how to tell that it serves.

    Attributes:
        is_ready: asked again and again after each start until it says so.
        before_start: clears what an earlier run left behind, such as a port file.
        stop_grace_s: time between SIGTERM and SIGKILL.
        hides: which of its lines are not worth showing.
    """

    name: str
    command: Sequence[str]
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    before_start: Callable[[], None] = lambda: None
    stop_grace_s: float = _STOP_GRACE_S
    hides: Callable[[str], bool] = lambda _line: False


class Child:
    """Keeps one child running from `run` until `stop`.

    Args:
        say: gets every line the child writes and every turn of its life, with its name.
        changed: called whenever the child has become ready.
    """

    def __init__(
        self,
        spec: ChildSpec,
        say: Callable[[str, str], None],
        changed: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self.spec = spec
        self.pid: int | None = None
        self.restarts = 0
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._say = say
        self._changed = changed
        self._backoff = backoff or Backoff()
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()
        self._hopeless = asyncio.Event()

    async def run(self) -> None:
        """Start the child, and again whenever it ends, until `stop`."""
        failures = 0
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                started_at = loop.time()
                status = await self._run_once()
                if self._stopping.is_set():
                    return
                failures = 1 if loop.time() - started_at >= self._backoff.stable_s else failures + 1
                if failures >= _HOPELESS_AFTER:
                    self._hopeless.set()
                pause_s = self._backoff.pause_s(failures)
                self._say(self.spec.name, f"ended unasked (status {status}); restarting in {pause_s:.1f} s")
                await self._pause(pause_s)
                self.restarts += 1
        finally:
            self._gone.set()

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until the child serves.

        Raises:
            Unavailable: PROCESS_FAILED, with the child's last words, when it does not in time or has died too often.
        """
        turns = [asyncio.create_task(event.wait()) for event in (self._ready, self._hopeless)]
        await asyncio.wait(turns, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for turn in turns:
            turn.cancel()
        if not self._ready.is_set():
            how = (
                f"died {_HOPELESS_AFTER} times"
                if self._hopeless.is_set()
                else f"was not ready within {timeout_s:.0f} s"
            )
            said = " / ".join(self.last_lines) or "none"
            raise Unavailable(Reason.PROCESS_FAILED, f"{self.spec.name} {how}; its last words: {said}")

    async def stop(self) -> None:
        """SIGTERM to the child's group, SIGKILL after the grace; returns once the child is gone."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.spec.stop_grace_s):
                await self._gone.wait()
        except TimeoutError:
            self._say(self.spec.name, f"did not stop within {self.spec.stop_grace_s:.0f} s; killed")
            self.kill()
            await self._gone.wait()

    def kill(self) -> None:
        """SIGKILL to the child's group, and no restart."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> int:
        """One life of the child: its exit status.

        The pipes are our own: asyncio's `wait` also waits until its pipes are closed, which a helper that outlives the
        child would put off for ever.
        """
        self.spec.before_start()
        output, child_output = os.pipe()
        child_lifeline, lifeline = os.pipe()
        try:
            process = await self._spawn(child_lifeline, child_output)
        except BaseException:
            os.close(output)
            os.close(lifeline)
            raise
        finally:
            os.close(child_output)
            os.close(child_lifeline)
        self.pid = process.pid
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        probing = asyncio.create_task(self._probe())
        forwarding = asyncio.create_task(self._forward(output))
        try:
            return await process.wait()
        finally:
            probing.cancel()
            self._ready.clear()
            self._signal(signal.SIGKILL)  # the child itself if we are cancelled, and helpers it left in its group
            status = await process.wait()
            os.close(lifeline)
            await forwarding
            self.pid = None
            if status < 0 and not self._stopping.is_set():
                self._say(self.spec.name, f"killed by {signal.Signals(-status).name}")

    async def _spawn(self, stdin: int, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(_TETHER), str(os.getpid())),
            *self.spec.command,
            stdin=stdin,
            stdout=output,
            stderr=output,
            env={**os.environ, **self.spec.environment},
            process_group=0,  # a terminal's Ctrl-C reaches the supervisor alone, which stops children in order
        )

    async def _probe(self) -> None:
        while not await self.spec.is_ready():  # noqa: ASYNC110 - the child is another process, it can only be asked
            await asyncio.sleep(_PROBE_PAUSE_S)
        self._ready.set()
        self._changed()

    async def _forward(self, output: int) -> None:
        """Pass complete lines on until nobody can write any more; an endless line is cut, never collected."""
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
        )
        rest = b""
        try:
            while data := await reader.read(_LINE_LIMIT):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _LINE_LIMIT:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._tell(line)
            self._tell(rest)
        finally:
            transport.close()

    def _tell(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            self.last_lines.append(text)
            if not self.spec.hides(text):
                self._say(self.spec.name, text)

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is None:
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return
