"""Names and retention of everything on the bus, in one place. `bus.connection` creates them at start."""

from __future__ import annotations

from datetime import timedelta

SESSIONS_STREAM = "SESSIONS"
SNAPSHOTS_BUCKET = "SESSION_SNAPSHOTS"

RETENTION = timedelta(days=2)
"""How long durable events and snapshots live; the database keeps the result for good."""

TENTATIVE_TTL = timedelta(seconds=60)
"""How long tentative events live."""

MAX_STREAM_BYTES = 4 * 1024**3

ALL_SESSIONS = "genesis.v1.sessions.*.*"
ALL_DURABLE = "genesis.v1.sessions.*.durable"
RECORDER_CONSUMER = "recorder"


def durable_subject(session_id: str) -> str:
    """Where COMMITTED and ENDED notes, gaps, start and end of a session go; its last sequence fences stale writers."""
    return f"genesis.v1.sessions.{session_id}.durable"


def tentative_subject(session_id: str) -> str:
    """Where everything that may expire goes. A subject of its own: an expired tail moves a subject's last sequence."""
    return f"genesis.v1.sessions.{session_id}.tentative"


def session_subjects(session_id: str) -> str:
    """Filter that yields both, in the order they were written."""
    return f"genesis.v1.sessions.{session_id}.*"
