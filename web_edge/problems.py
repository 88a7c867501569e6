"""Every error leaves as application/problem+json (RFC 9457), by the table in `wire.errors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from music.errors import GenesisError, InvalidInput, NotFound, Reason
from wire.errors import FACES, to_problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

_WHO_ARE_YOU: Final = 401
_TRY_AGAIN: Final = frozenset({429, 503})

log = structlog.get_logger(__name__)


def problem_response(error: GenesisError, headers: Mapping[str, str] | None = None, **members: object) -> Response:
    """The error as a response; `members` are added to the problem."""
    status = FACES[error.reason].http
    retry = {"Retry-After": error.about.get("retry_after_s", str(RETRY_AFTER_S))} if status in _TRY_AGAIN else {}
    if status == _WHO_ARE_YOU:
        retry["WWW-Authenticate"] = "Bearer"
    body = json.dumps({**to_problem(error), **members}, ensure_ascii=False).encode()
    return Response(body, status, {**retry, **(headers or {})}, media_type=MEDIA_TYPE)


async def _genesis_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GenesisError)  # noqa: S101 - Starlette dispatches by type; this tells the type checker
    return problem_response(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    match error.status_code:
        case 404:
            return problem_response(NotFound(Reason.NOT_FOUND, "There is nothing at this address."))
        case 405:
            message = f"This address does not take {request.method}."
            return problem_response(InvalidInput(Reason.METHOD_NOT_ALLOWED, message), error.headers)
        case _:
            return problem_response(InvalidInput(Reason.REQUEST_INVALID, "The request cannot be understood."))


async def _unexpected_error(request: Request, error: Exception) -> Response:
    log.error("edge.broke", path=request.url.path, error=repr(error))
    return problem_response(
        GenesisError(Reason.INTERNAL, "Something went wrong on our side; the log of the server says what.")
    )


HANDLERS: Final[Mapping[type[Exception], ExceptionHandler]] = {
    GenesisError: _genesis_error,
    HTTPException: _http_error,
    Exception: _unexpected_error,
}
"""For `Starlette(exception_handlers=…)`."""
