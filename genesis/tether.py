"""Runs a command that must not outlive the process that started it: `python tether.py PARENT_PID COMMAND…`.

On Linux the kernel is asked to kill this process when its parent goes (prctl(2), PR_SET_PDEATHSIG), which holds across
the exec that follows, so nothing of Python stays behind. Elsewhere this process stays, and kills the command's group
once its standard input, a pipe that only the parent holds open, reaches its end.

Stands alone and imports nothing of ours: it is run by path, with `-I -S`, to be quick.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> int:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it went before the kernel was asked
            return 1
        os.execvp(command[0], command)  # noqa: S606 - a fixed list from the supervisor
    return _stay(command)


def _stay(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the whole group is signalled: the child answers, this waits
    threading.Thread(target=_kill_when_alone, daemon=True).start()
    return child.wait()


def _kill_when_alone() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
