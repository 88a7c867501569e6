"""Which problems an operation may answer with: those of its table, and those of every operation behind the gate."""

from __future__ import annotations

from typing import Any, Final

from music.errors import Reason
from web_edge.accounts.gate import COUNTED, OPEN
from wire.errors import FACES, PROBLEM_TYPE_BASE

Json = dict[str, Any]
Refusal = Reason | tuple[int, Reason]
"""A reason, with the status where it is another than the table of errors says (tus has some of its own)."""

OPTIONS: Final = (
    Reason.REQUEST_INVALID,
    Reason.CONFIG_INVALID,
    Reason.TUNING_INVALID,
    Reason.CAPO_INVALID,
    Reason.TRANSCRIBER_UNKNOWN,
    Reason.SEPARATION_UNAVAILABLE,
)
"""What options that make no sense are refused with."""

NO_TRANSCRIPTION: Final = (Reason.TRANSCRIPTION_NOT_FOUND,)
NO_RESULT: Final = (
    Reason.TRANSCRIPTION_NOT_FOUND,
    Reason.RESULT_NOT_READY,
    Reason.AUDIO_EMPTY,
    Reason.AUDIO_UNREADABLE,
    Reason.AUDIO_TRUNCATED,
    Reason.AUDIO_NOT_FINITE,
    Reason.AUDIO_TOO_LONG,
    Reason.AUDIO_TOO_LARGE,
    Reason.ENCODING_UNSUPPORTED,
    Reason.SAMPLE_RATE_OUT_OF_RANGE,
    Reason.CHANNEL_COUNT_OUT_OF_RANGE,
    Reason.TRANSCRIBER_UNKNOWN,
    Reason.SEPARATION_UNAVAILABLE,
    Reason.URL_REFUSED,
    Reason.SESSION_SUPERSEDED,
    Reason.STREAM_IDLE,
    Reason.MODEL_MISSING,
    Reason.MODEL_MISMATCH,
    Reason.MODEL_SERVER_UNAVAILABLE,
    Reason.SERVER_DRAINING,
    Reason.PROCESS_FAILED,
    Reason.INTERNAL,
)
"""A transcription that is not there or not over; and whatever it failed with, which is answered instead of a result."""

_EVERYWHERE: Final = (
    Reason.ORIGIN_NOT_ALLOWED,
    Reason.RATE_LIMITED,
    Reason.DATABASE_UNAVAILABLE,
    Reason.BUS_UNAVAILABLE,
    Reason.ORCHESTRATOR_UNAVAILABLE,
    Reason.STORAGE_UNAVAILABLE,
)
_STRANGER: Final = (Reason.CREDENTIALS_MISSING, Reason.TOKEN_INVALID, Reason.ACCESS_DENIED)


def refusals_of(told: tuple[Refusal, ...], method: str, path: str, *, accounts: bool) -> dict[int, list[Reason]]:
    """Reasons by status, in order.

    Args:
        told: those of the operation itself.
        method: of the route.
        path: of the route.
        accounts: whether the server has accounts.
    """
    every: list[Refusal] = [*told, *_EVERYWHERE]
    if "{" in path:
        # A name that can be none.
        every.append(Reason.NOT_FOUND)
    if accounts and path not in OPEN:
        every += _STRANGER
    if accounts and (method, path) in COUNTED:
        every.append(Reason.QUOTA_REACHED)
    found: dict[int, list[Reason]] = {}
    for refusal in every:
        status, reason = (FACES[refusal].http, refusal) if isinstance(refusal, Reason) else refusal
        reasons = found.setdefault(status, [])
        if reason not in reasons:
            reasons.append(reason)
    return dict(sorted(found.items()))


def problem_examples(status: int, reasons: list[Reason]) -> Json:
    """One of each, by reason, as OpenAPI's `examples`."""
    return {
        reason.value: {
            "summary": FACES[reason].title,
            "value": {
                "type": PROBLEM_TYPE_BASE + reason.value,
                "title": FACES[reason].title,
                "status": status,
                "detail": "A sentence for people: what was found, and what to do.",
                "reason": reason.value,
            },
        }
        for reason in reasons
    }
