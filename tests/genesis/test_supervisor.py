"""One supervised child: readiness, restarts, stopping, and never outliving its supervisor. Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from genesis.supervisor import Backoff, Child, ChildSpec
from music.errors import Reason, Unavailable
from tests.support.stack import is_running, wait_until

pytestmark = pytest.mark.anyio

QUICK = Backoff(first_s=0.01, most_s=0.05)
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
SAYING = "import sys; print('no such model'); sys.exit(3)"
WITH_HELPER = (
    "import subprocess, sys, time; "
    "helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('helper', helper.pid, flush=True); time.sleep(600)"
)


class Said:
    """Collects what the supervisor says; `until` waits for a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, _name: str, line: str) -> None:
        self.lines.append(line)
        self._changed.set()

    async def until(self, holds: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds(self.lines):
                self._changed.clear()
                await self._changed.wait()

    def ready_once(self, text: str) -> Callable[[], Awaitable[bool]]:
        async def is_ready() -> bool:
            return any(text in line for line in self.lines)

        return is_ready


@asynccontextmanager
async def kept(code: str, said: Said, *, ready: str = "up", grace_s: float = 10.0) -> AsyncIterator[Child]:
    spec = ChildSpec("child", (sys.executable, "-c", code), said.ready_once(ready), stop_grace_s=grace_s)
    child = Child(spec, said, backoff=QUICK)
    running = asyncio.create_task(child.run())
    try:
        yield child
    finally:
        await child.stop()
        await running


async def test_ready_once_it_says_so_and_gone_after_stop() -> None:
    async with kept(SLEEPER, Said()) as child:
        await child.wait_ready(20)
        pid = child.pid
        assert pid is not None
        assert is_running(pid)
        assert os.getpgid(pid) == pid != os.getpgid(0), "Ctrl-C of the terminal must not reach the child"
    assert not is_running(pid)


async def test_a_killed_child_comes_back() -> None:
    said = Said()
    async with kept(SLEEPER, said) as child:
        await child.wait_ready(20)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await said.until(lambda lines: lines.count("up") == 2)
        assert child.restarts == 1
        assert child.pid not in (None, first)
    assert any("SIGKILL" in line for line in said.lines)


async def test_one_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    said = Said()
    async with kept(STUBBORN, said, grace_s=0.2) as child:
        await child.wait_ready(20)
        pid = child.pid
        assert pid is not None
    assert not is_running(pid)
    assert any("did not stop" in line for line in said.lines)


async def test_one_that_never_serves_is_named_with_its_last_words() -> None:
    async with kept(SAYING, said := Said()) as child:
        await said.until(lambda lines: lines.count("no such model") >= 2)
        with pytest.raises(Unavailable, match="no such model") as caught:
            await child.wait_ready(0.1)
    assert caught.value.reason is Reason.PROCESS_FAILED


async def test_helpers_of_a_dead_child_go_with_it() -> None:
    said = Said()
    async with kept(WITH_HELPER, said, ready="helper") as child:
        await child.wait_ready(20)
        helper = int(said.lines[0].split()[1])
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await said.until(lambda lines: sum("helper" in line for line in lines) == 2)
        wait_until(lambda: not is_running(helper), 10, "the helper outlived its child")


async def test_an_endless_line_is_cut() -> None:
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    said = Said()
    async with kept(code, said) as child:
        await said.until(lambda lines: len(lines) >= 5)
        assert all(len(line) <= 1 << 18 for line in said.lines)
        assert child.restarts == 0


def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time, pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(600)"
    program = f"""
import asyncio, sys
from genesis.supervisor import Child, ChildSpec
async def never(): return False
async def main():
    await Child(ChildSpec("child", (sys.executable, "-c", {child!r}), never), lambda name, line: None).run()
asyncio.run(main())
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program])
    try:
        wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", 20, "the child did not start")
        pid = int(pid_file.read_text())
        assert is_running(pid)
    finally:
        supervisor.kill()
        supervisor.wait()
    wait_until(lambda: not is_running(pid), 10, "the child outlived its supervisor")


def test_pauses_double_up_to_a_limit() -> None:
    backoff = Backoff(first_s=1.0, most_s=8.0)
    for failures, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (50, 8.0), (5000, 8.0)):
        assert longest / 2 <= backoff.pause_s(failures) <= longest


def test_where_the_kernel_does_not_help_the_lifeline_does(tmp_path: Path) -> None:
    """The way of systems without PR_SET_PDEATHSIG: the parent's end of a pipe closes with the parent."""
    pid_file = tmp_path / "pid"
    child = f"import os, time, pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(600)"
    stay = f"from genesis.tether import _stay; import sys; _stay([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", stay], stdin=subprocess.PIPE, process_group=0) as tether:
        wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", 20, "the child did not start")
        pid = int(pid_file.read_text())
        assert is_running(pid)
        assert tether.stdin is not None
        tether.stdin.close()
        assert tether.wait(10) == -signal.SIGKILL
    wait_until(lambda: not is_running(pid), 10, "the child outlived its parent")
