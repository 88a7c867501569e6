"""Names and retention of everything on the bus, in one place. `bus.connection` creates them at start."""

from __future__ import annotations

import re
from datetime import timedelta

from music.errors import InvalidInput, Reason

SESSIONS_STREAM = "SESSIONS"
SNAPSHOTS_BUCKET = "SESSION_SNAPSHOTS"

ACCESS_BUCKET = "ACCESS"
"""What the edge tells the other doors about who may enter: API keys by id, and accounts whose tokens count no more."""

RETENTION = timedelta(days=2)
"""How long durable events and snapshots live; the database keeps the result for good."""

TENTATIVE_TTL = timedelta(seconds=60)
"""How long tentative events live."""

MAX_STREAM_BYTES = 4 * 1024**3

ALL_SESSIONS = "genesis.v1.sessions.*.*"
ALL_DURABLE = "genesis.v1.sessions.*.durable"
RECORDER_CONSUMER = "recorder"


_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SESSION_ID_PATTERN = f"^{_SESSION_ID.pattern}$"
"""For schemas."""


def checked_session_id(session_id: str) -> str:
    """`session_id` itself, if it can be one part of a subject: a dot or a wildcard would reach other sessions.

    Raises InvalidInput: REQUEST_INVALID. So do the functions below.
    """
    if _SESSION_ID.fullmatch(session_id) is None:
        raise InvalidInput(
            Reason.REQUEST_INVALID,
            f"{session_id[:80]!r} is no session id: 1 to 64 letters, digits, hyphens and underscores.",
        )
    return session_id


def durable_subject(session_id: str) -> str:
    """Where COMMITTED and ENDED notes, gaps, start and end of a session go; its last sequence fences stale writers."""
    return f"genesis.v1.sessions.{checked_session_id(session_id)}.durable"


def tentative_subject(session_id: str) -> str:
    """Where everything that may expire goes. A subject of its own: an expired tail moves a subject's last sequence."""
    return f"genesis.v1.sessions.{checked_session_id(session_id)}.tentative"


def session_subjects(session_id: str) -> str:
    """Filter that yields both, in the order they were written."""
    return f"genesis.v1.sessions.{checked_session_id(session_id)}.*"
