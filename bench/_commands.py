"""Whole commands, timed from outside."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """One run: wall time, processor time of all its processes, and the largest process's peak of resident memory."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run_timed(command: Sequence[str]) -> Timing:
    """Run a command to its end, its output swallowed.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=_environment())
        # wait4 rather than wait: it says what this child used, not all children together.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            tail = said.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{tail}")
    return Timing(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    """As a user has it: one that keeps Python from caching what it compiled would have every run compile it again."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
