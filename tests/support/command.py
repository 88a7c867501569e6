"""Runs the `genesis` command as a person would, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

COMMAND_TIMEOUT_S = 90


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def reason(self) -> str:
        """First word of the last line on stderr."""
        lines = self.stderr.splitlines() or [""]
        return lines[-1].partition(":")[0]


def genesis(*arguments: str, environment: dict[str, str] | None = None) -> Done:
    """Run `genesis` to its end; `environment` is added to this process's."""
    if any("\0" in argument for argument in arguments):
        return _in_process(arguments)
    done = subprocess.run(
        [sys.executable, "-m", "genesis", *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _in_process(arguments: tuple[str, ...]) -> Done:
    """No system passes a NUL on to another process; the command itself must still cope."""
    from typer.testing import CliRunner

    from genesis.cli import app

    result = CliRunner().invoke(app, list(arguments))
    return Done(result.exit_code, result.stdout, result.stderr)
