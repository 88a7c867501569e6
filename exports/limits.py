"""An export in a process of its own, with limits: `run_export` starts it, `python -m exports` is it.

The child reads one JSON line of orders and the document from stdin, writes one JSON line that says how it went, and the
file's bytes. What it takes dies with it; music21's import of seconds never stands in anybody's way.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import anyio

from exports.formats import Export, format_named
from exports.losses import Loss, LossKind
from music.errors import GenesisError, InvalidInput, Reason


async def run_export(document: object, name: str, *, title: str, limit_s: float, memory_bytes: int) -> Export:
    """As `exports.formats.export`, in a child that is killed when the caller is cancelled or `limit_s` is over.

    Raises:
        NotFound: NOT_FOUND, there is no such format.
        InvalidInput: the document is not of the schema, too long for a score, or takes more than the limits.
    """
    wanted = format_named(name)
    orders = {"format": name, "title": title, "cpu_s": int(limit_s) + 1, "memory_bytes": memory_bytes}
    told = json.dumps(orders).encode() + b"\n" + json.dumps(document).encode()
    command = [sys.executable, "-m", "exports"]
    try:
        with anyio.fail_after(limit_s):
            done = await anyio.run_process(command, input=told, stderr=subprocess.PIPE, check=False)
    except TimeoutError:
        raise _too_much(name, f"more than {limit_s:g} s") from None
    head, _, content = done.stdout.partition(b"\n")
    if not head:
        if done.returncode < 0:
            raise _too_much(name, "more time than it may")
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise GenesisError(Reason.INTERNAL, f"Writing {name} failed: {said[-1]}")
    answer = json.loads(head)
    if "reason" in answer:
        raise _error(name, answer)
    losses = tuple(Loss(LossKind(kind), count) for kind, count in answer["losses"])
    return Export(wanted, content, losses)


def _error(name: str, answer: dict[str, Any]) -> GenesisError:
    if answer["reason"] == Reason.INTERNAL:
        return _too_much(name, "more memory than it may")
    return InvalidInput(Reason(answer["reason"]), answer["message"])


def _too_much(name: str, what: str) -> InvalidInput:
    return InvalidInput(
        Reason.REQUEST_INVALID,
        f"Writing this piece as {name} takes {what}. Cut it into shorter ones, or use `genesis export`, which waits.",
    )
