"""What the command's exit status means, and how an error looks: one line `REASON: sentence` on stderr."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import ParamSpec

import typer

from music.errors import Cancelled, GenesisError, InvalidInput, NotFound, Overloaded, Reason, Unavailable

P = ParamSpec("P")


class Exit(IntEnum):
    """Exit status of every verb."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    UNAVAILABLE = 4
    INTERRUPTED = 130


class UsageError(InvalidInput):
    """An option or argument is wrong, not what it points at."""


_OF_AN_OPTION = frozenset({Reason.TRANSCRIBER_UNKNOWN, Reason.SEPARATION_UNAVAILABLE})
_KINDS: tuple[tuple[type[GenesisError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (InvalidInput, Exit.BAD_INPUT),
    (NotFound, Exit.BAD_INPUT),
    (Unavailable, Exit.UNAVAILABLE),
    (Overloaded, Exit.UNAVAILABLE),
    (Cancelled, Exit.INTERRUPTED),
)


def status_of(error: GenesisError) -> Exit:
    """Exit status for an error."""
    if error.reason in _OF_AN_OPTION:
        return Exit.USAGE
    return next((status for kind, status in _KINDS if isinstance(error, kind)), Exit.FAILED)


def verb(run: Callable[P, Coroutine[None, None, int | None]]) -> Callable[P, None]:
    """Make an async function a command: runs it and turns what it raises into a line and an exit status.

    The function may return a status of its own. What nobody foresaw is one line too, with a traceback when
    GENESIS_DEBUG is set.
    """

    @functools.wraps(run)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = asyncio.run(run(*args, **kwargs))
            sys.stdout.flush()
        except GenesisError as error:
            status = _tell(f"{error.reason.value}: {error.message}", status_of(error))
        except KeyboardInterrupt:
            status = _tell("CANCELLED: Interrupted.", Exit.INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has seen enough; nothing more can be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = Exit.DONE
        except Exception as error:
            if os.environ.get("GENESIS_DEBUG"):
                raise
            said = " ".join(str(error).split()) or "no message"
            status = _tell(
                f"INTERNAL: {type(error).__name__}: {said}. This is a fault of ours; GENESIS_DEBUG=1 shows where.",
                Exit.FAILED,
            )
        raise typer.Exit(status or Exit.DONE)

    return command


def _tell(line: str, status: Exit) -> Exit:
    sys.stderr.write(line + "\n")
    return status
