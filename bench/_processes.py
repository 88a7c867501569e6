"""What the processes of a running stack use."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process and its children, in MiB.

    Attributes:
        rss: resident; what is shared counts for every process that has it.
        pss: resident, shared pages divided among those who share them; where the system does not say, `rss`.
    """

    rss: float
    pss: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time spent between two looks, in seconds.

    Attributes:
        cpu_s: by process name, its children included.
        others_s: by everything else on the machine.
        wall_s: between the looks.
    """

    cpu_s: Mapping[str, float]
    others_s: float
    wall_s: float

    @property
    def others_cores(self) -> float:
        """How many cores the neighbours took: noise that no benchmark can take out."""
        return self.others_s / self.wall_s


class UsageMeter:
    """Looks at processor time now, and again at `stop`. Children must live as long as the measurement to be counted."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._begun_s = time.monotonic()
        self._cpu_s = self._read()
        self._machine_s = _machine_s()

    def stop(self) -> Usage:
        after, machine_s = self._read(), _machine_s() - self._machine_s
        cpu_s = {name: after[name] - before for name, before in self._cpu_s.items()}
        wall_s = time.monotonic() - self._begun_s
        return Usage(cpu_s, max(0.0, machine_s - sum(cpu_s.values())), wall_s)

    def _read(self) -> dict[str, float]:
        return {name: sum(_cpu_s(process) for process in _own(pid, self._pids)) for name, pid in self._pids.items()}


def memory_of(pids: Mapping[str, int]) -> dict[str, Memory]:
    """By process name, as they stand now."""
    return {name: _memory(_own(pid, pids)) for name, pid in pids.items()}


def load_of_the_machine() -> str:
    """For the reader of a figure: cores, and how many processes wanted one lately."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start"


def _own(pid: int, named: Mapping[str, int]) -> list[psutil.Process]:
    """A process and those below it that have no name of their own."""
    others = set(named.values()) - {pid}
    process = psutil.Process(pid)
    # The client and the supervisor have named processes as their children, and those have theirs.
    below = [] if others & {child.pid for child in process.children()} else process.children(recursive=True)
    return [process, *(child for child in below if child.pid not in others)]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _machine_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _memory(processes: list[psutil.Process]) -> Memory:
    infos = [process.memory_full_info() for process in processes]
    rss = sum(info.rss for info in infos)
    return Memory(rss / MIB, sum(getattr(info, "pss", info.rss) for info in infos) / MIB)
