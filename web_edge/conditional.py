"""Entity tags: a reader that has the answer already is told so (RFC 9110, 13.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_CACHING = "private, no-cache"


def tag_of(*what: object) -> str:
    """A strong tag that is equal for equal parts."""
    said = json.dumps(what, sort_keys=True, default=str).encode()
    return f'"{hashlib.sha256(said).hexdigest()[:32]}"'


def has_it(request: Request, etag: str) -> bool:
    """Whether If-None-Match names the tag; weakly, as it should for reading."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in given.split(","))


def tagged(etag: str) -> dict[str, str]:
    """Headers of an answer with a tag: it may be kept, and is asked for again each time."""
    return {"ETag": etag, "Cache-Control": _CACHING}


def not_modified(etag: str) -> Response:
    return Response(status_code=304, headers=tagged(etag))


def json_response(request: Request, content: Mapping[str, Any]) -> Response:
    """The content, or 304 where the reader has it."""
    etag = tag_of(content)
    return not_modified(etag) if has_it(request, etag) else JSONResponse(content, headers=tagged(etag))
