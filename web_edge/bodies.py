"""Small JSON bodies."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from starlette.requests import Request

from music.errors import InvalidInput, Reason

_MOST_BYTES = 16 << 10


async def read_object(request: Request, known: Collection[str], required: Collection[str] = ()) -> dict[str, Any]:
    """The body's JSON object; an empty body is an empty one.

    Raises InvalidInput: REQUEST_INVALID: too long, no JSON object, a name that is not `known`, or one of `required` is
    missing or no text.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise InvalidInput(Reason.REQUEST_INVALID, f"The body is too long; {_MOST_BYTES} bytes are enough.")
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is not JSON; send an object such as {}.") from None
    if not isinstance(given, dict):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is a JSON object, such as {}.")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"There is no {unknown[0][:40]!r}; there is: {', '.join(sorted(known))}."
        )
    for name, value in given.items():
        if isinstance(value, str) and not _is_text(value):
            raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` holds what is no text.")
    for name in required:
        if not isinstance(given.get(name), str) or not given[name]:
            raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` is missing, or no text.")
    return given


def _is_text(value: str) -> bool:
    """Whether every database can keep it: half a surrogate pair is no character, and some take no NUL."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
