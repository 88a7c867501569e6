"""JSON objects in requests: small, plain, and of known members."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any

from starlette.requests import ClientDisconnect, Request

from music.errors import Cancelled, InvalidInput, Reason

MEDIA_TYPE = "application/json"


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


async def read_object(request: Request, known: Collection[str], *, max_bytes: int) -> dict[str, Any]:
    """The request's object.

    Raises:
        InvalidInput: REQUEST_INVALID for what is no JSON (NaN and numbers beyond a float are none), no object, too
            deep, larger than `max_bytes`, names a member twice or one that is not known. Cancelled: the client went
            away.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise InvalidInput(Reason.REQUEST_INVALID, f"The body has more than {max_bytes} bytes.")
    except ClientDisconnect:
        raise Cancelled(Reason.CANCELLED, "The client went away before its request was whole.") from None
    try:
        asked = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is not plain JSON with every member once.") from None
    if not isinstance(asked, dict):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is a JSON object.")
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"There is no option {unknown[0][:40]!r}; there is: {', '.join(sorted(known))}."
        )
    return asked


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
