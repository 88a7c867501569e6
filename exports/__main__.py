"""The child of `exports.limits`."""

from __future__ import annotations

import json
import resource
import sys

from exports.formats import export
from music.errors import GenesisError, Reason


def main() -> int:
    """Obey the orders on stdin; 3 when the document is refused."""
    orders = json.loads(sys.stdin.buffer.readline())
    _limit_resources(orders["cpu_s"], orders["memory_bytes"])
    try:
        written = export(json.loads(sys.stdin.buffer.read()), orders["format"], title=orders["title"])
    except GenesisError as error:
        return _say({"reason": error.reason.value, "message": error.message}, status=3)
    except (MemoryError, RecursionError):
        return _say({"reason": Reason.INTERNAL.value, "message": "no memory left"}, status=3)
    return _say({"losses": [[loss.kind.value, loss.count] for loss in written.losses]}, written.content)


def _say(head: dict[str, object], content: bytes = b"", status: int = 0) -> int:
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + content)
    return status


def _limit_resources(cpu_s: int, memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
