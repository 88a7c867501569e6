"""Who may do what on the bus: a user a process, each with the subjects that it needs and no others.

The orchestrator writes logs; the edge reads them, deletes them, and writes who may enter. Neither can do the other's
work with its own password, nor read the answers to the other's questions. The operator may do everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bus.connection import inbox_prefix
from bus.declarations import ACCESS_STREAM, SNAPSHOTS_STREAM
from wire.subjects import ACCESS_BUCKET, ALL_SESSIONS, RECORDER_CONSUMER, SESSIONS_STREAM, SNAPSHOTS_BUCKET

EDGE: Final = "edge"
ORCHESTRATOR: Final = "orchestrator"
OPERATOR: Final = "operator"
USERS: Final = (EDGE, ORCHESTRATOR, OPERATOR)

_STREAMS: Final = (SESSIONS_STREAM, SNAPSHOTS_STREAM, ACCESS_STREAM)
_JOBS: Final = "JOBS"
_DECLARE: Final = tuple(
    f"$JS.API.STREAM.{verb}.{stream}" for stream in (*_STREAMS, _JOBS) for verb in ("INFO", "CREATE", "UPDATE")
)
_READ: Final = tuple(f"$JS.API.STREAM.MSG.GET.{stream}" for stream in _STREAMS) + tuple(
    f"$JS.API.DIRECT.GET.{stream}.>" for stream in _STREAMS
)
_FOLLOW: Final = tuple(
    subject
    for verb in ("CREATE", "DELETE", "MSG.NEXT", "INFO")
    for subject in (f"$JS.API.CONSUMER.{verb}.{SESSIONS_STREAM}.>",)
)
_EDGE_ALONE: Final = (
    f"$JS.API.CONSUMER.DURABLE.CREATE.{SESSIONS_STREAM}.{RECORDER_CONSUMER}",
    f"$JS.ACK.{SESSIONS_STREAM}.{RECORDER_CONSUMER}.>",
    f"$JS.API.STREAM.PURGE.{SESSIONS_STREAM}",
    f"$JS.API.STREAM.PURGE.{SNAPSHOTS_STREAM}",
    f"$KV.{ACCESS_BUCKET}.>",
    # The queue of jobs and whatever tells a session to stop.
    "genesis.v1.jobs.>",
    "genesis.v1.sessions.*.cancel",
    f"$JS.API.CONSUMER.*.{_JOBS}.>",
    f"$JS.API.CONSUMER.MSG.NEXT.{_JOBS}.>",
    f"$JS.API.CONSUMER.DURABLE.CREATE.{_JOBS}.>",
    f"$JS.API.STREAM.MSG.GET.{_JOBS}",
    f"$JS.API.STREAM.PURGE.{_JOBS}",
    f"$JS.ACK.{_JOBS}.>",
)
_ORCHESTRATOR_ALONE: Final = (ALL_SESSIONS, f"$KV.{SNAPSHOTS_BUCKET}.>")

PUBLISH: Final[Mapping[str, tuple[str, ...]]] = {
    EDGE: (*_DECLARE, *_READ, *_FOLLOW, *_EDGE_ALONE),
    ORCHESTRATOR: (*_DECLARE, *_READ, *_FOLLOW, *_ORCHESTRATOR_ALONE),
}
"""Subjects a user may publish to; asking JetStream is publishing too."""

SUBSCRIBE: Final[Mapping[str, tuple[str, ...]]] = {
    EDGE: (f"{inbox_prefix(EDGE)}.>",),
    ORCHESTRATOR: (f"{inbox_prefix(ORCHESTRATOR)}.>", "genesis.v1.sessions.*.cancel"),
}
"""Subjects a user may listen to: the answers to its own questions."""


def user_lines(passwords: Mapping[str, str]) -> list[str]:
    """The server's configuration for users of `USERS` with these passwords."""
    lines = ["authorization {", "  users: ["]
    for name, password in passwords.items():
        allowed = ""
        if name in PUBLISH:
            rights = {"publish": {"allow": PUBLISH[name]}, "subscribe": {"allow": SUBSCRIBE[name]}}
            allowed = f", permissions: {json.dumps(rights)}"
        lines.append(f"    {{user: {json.dumps(name)}, password: {json.dumps(password)}{allowed}}}")
    return [*lines, "  ]", "}", ""]


def tls_lines(certificate: Path, key: Path) -> list[str]:
    """The server's configuration for TLS 1.3 and nothing else."""
    return [
        "tls {",
        f"  cert_file: {json.dumps(str(certificate.resolve()))}",
        f"  key_file: {json.dumps(str(key.resolve()))}",
        '  min_version: "1.3"',
        "}",
        "",
    ]
