"""Problems (RFC 9457) as the exceptions of `music.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from music.errors import GenesisError, Reason, Unavailable
from wire.errors import from_reason

RETRY_AFTER, STATUS = "retry_after_s", "http_status"
"""What `about` of an error holds besides what the server says."""

_BY_STATUS: Final = {
    401: Reason.TOKEN_INVALID,
    403: Reason.ACCESS_DENIED,
    404: Reason.NOT_FOUND,
    409: Reason.JOB_STATE_CONFLICT,
    429: Reason.RATE_LIMITED,
    502: Reason.ORCHESTRATOR_UNAVAILABLE,
    503: Reason.ORCHESTRATOR_UNAVAILABLE,
    504: Reason.ORCHESTRATOR_UNAVAILABLE,
}


def error_of(response: httpx.Response) -> GenesisError:
    """What an answer of 400 and above says, its body read. `about` holds `http_status` too, and any `retry_after_s`."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        # A proxy's page.
        problem = {"detail": f"{response.request.method} {response.request.url.path} was answered with {response}."}
    error = error_of_problem(problem, response.status_code)
    error.about[STATUS] = str(response.status_code)
    wait = response.headers.get("Retry-After", "")
    if wait.isdecimal():
        error.about.setdefault(RETRY_AFTER, wait)
    return error


def error_of_problem(problem: Mapping[str, Any], status: int = 0) -> GenesisError:
    """The exception of the kind its reason belongs to; a reason that is newer than this client, by its status."""
    told, about = str(problem.get("reason", "")), problem.get("about")
    status = status or int(problem.get("status", 0))
    facts = dict(about) if isinstance(about, dict) else {}
    if told not in Reason.__members__:
        fallback = Reason.INTERNAL if status >= 500 else Reason.REQUEST_INVALID
        facts |= {"told_reason": told} if told else {}
        told = _BY_STATUS.get(status, fallback).value
    return from_reason(Reason(told), str(problem.get("detail") or problem.get("title") or f"status {status}"), **facts)


def retry_after_s(error: GenesisError) -> float | None:
    """When the server said to come again; None where it said nothing."""
    return float(error.about[RETRY_AFTER]) if RETRY_AFTER in error.about else None


def unreachable(base_url: str, error: Exception) -> Unavailable:
    """Nobody answers, or the connection broke."""
    said = " ".join(str(error).split()) or type(error).__name__
    return Unavailable(Reason.ORCHESTRATOR_UNAVAILABLE, f"No Genesis Music answers at {base_url} ({said[:200]}).")
