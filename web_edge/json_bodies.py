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


async def read_object(
    request: Request, known: Collection[str], required: Collection[str] = (), *, max_bytes: int = 16 << 10
) -> dict[str, Any]:
    """The request's object; no body is an empty one.

    Args:
        request: not read yet.
        known: members there may be.
        required: those that have to be there and hold some text.
        max_bytes: of the body.

    Raises:
        InvalidInput: REQUEST_INVALID for what is no JSON (NaN and numbers beyond a float are none), no object, too
            deep, larger than `max_bytes`, names a member twice or one that is not known, lacks one that is required,
            or holds what no database keeps as text. Cancelled: the client went away.
    """
    body = await _whole(request, max_bytes)
    try:
        asked = json.loads(body or b"{}", object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is not plain JSON with every member once.") from None
    if not isinstance(asked, dict):
        raise InvalidInput(Reason.REQUEST_INVALID, "The body is a JSON object.")
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"There is no option {unknown[0][:40]!r}; there is: {', '.join(sorted(known))}."
        )
    _check_texts(asked, required)
    return asked


async def _whole(request: Request, max_bytes: int) -> bytearray:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise InvalidInput(Reason.REQUEST_INVALID, f"The body has more than {max_bytes} bytes.")
    except ClientDisconnect:
        raise Cancelled(Reason.CANCELLED, "The client went away before its request was whole.") from None
    return body


def _check_texts(asked: dict[str, Any], required: Collection[str]) -> None:
    for name, value in asked.items():
        if isinstance(value, str) and not _is_text(value):
            raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` holds what is no text.")
    for name in required:
        if not isinstance(asked.get(name), str) or not asked[name]:
            raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` is missing, or no text.")


def _is_text(value: str) -> bool:
    """Whether every database can keep it: half a surrogate pair is no character, and some take no NUL."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


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
