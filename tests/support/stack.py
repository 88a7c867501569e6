"""The whole local stack for a test: real processes on free ports, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from genesis.paths import default_data_dir, demo_dir

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 45.0


@dataclass(frozen=True)
class Stack:
    """A running stack. Pids are looked up anew each time: a restarted child has another."""

    edge_url: str
    grpc_address: str
    nats_url: str
    data_dir: Path
    log_path: Path
    ready_file: Path
    supervisor: subprocess.Popen[bytes]

    @property
    def pids(self) -> dict[str, int]:
        """By name: supervisor, nats, orchestrator, edge."""
        return {name: int(pid) for name, pid in self.facts()["pids"].items() if pid is not None}

    def facts(self) -> dict[str, Any]:
        """What the supervisor says of itself."""
        facts: dict[str, Any] = json.loads(self.ready_file.read_text())
        return facts

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


@contextmanager
def running_stack(
    data_dir: Path | None = None, *, arguments: tuple[str, ...] = (), environment: dict[str, str] | None = None
) -> Iterator[Stack]:
    """Start `genesis serve --port 0`, wait until everything is ready, stop it at the end.

    Args:
        data_dir: a temporary folder unless given.
        arguments: further ones of `genesis serve`.
        environment: the whole environment of the stack; this process's unless given.
    """
    with tempfile.TemporaryDirectory(prefix="genesis-stack-") as temporary:
        folder = data_dir or Path(temporary) / "data"
        folder.mkdir(parents=True, exist_ok=True)
        demo = demo_dir(default_data_dir())
        if demo.exists() and not demo_dir(folder).exists():
            shutil.copytree(demo, demo_dir(folder))  # saves rendering it once more
        ready_file, log_path = Path(temporary) / "ready.json", Path(temporary) / "stack.log"
        command = [sys.executable, "-m", "genesis", "serve", "--port", "0", "--data-dir", str(folder)]
        command += ["--ready-file", str(ready_file), *arguments]
        with log_path.open("wb") as log:
            supervisor = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        try:
            wait_until(
                lambda: ready_file.exists() or supervisor.poll() is not None,
                START_TIMEOUT_S,
                lambda: "the stack did not become ready:\n" + log_path.read_text(errors="replace"),
            )
            assert supervisor.poll() is None, "the stack ended:\n" + log_path.read_text(errors="replace")
            facts = json.loads(ready_file.read_text())
            yield Stack(
                edge_url=facts["edge_url"],
                grpc_address=facts["grpc_address"],
                nats_url=facts["nats_url"],
                data_dir=folder,
                log_path=log_path,
                ready_file=ready_file,
                supervisor=supervisor,
            )
        finally:
            if supervisor.poll() is None:
                supervisor.send_signal(signal.SIGTERM)
            try:
                supervisor.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()
                raise


def wait_until(holds: Callable[[], bool], timeout_s: float, complaint: str | Callable[[], str]) -> None:
    """Look again and again at a state that only another process can tell; fail with `complaint` after the time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(complaint if isinstance(complaint, str) else complaint())
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
