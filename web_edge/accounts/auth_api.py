"""`/auth/*`: register, sign in, refresh, sign out.

A browser's refresh token is a cookie that scripts cannot read and other sites cannot send; a program's is in the body.
Whoever relies on the cookie says so with a header, which another site's form cannot add.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from music.errors import InvalidInput, Reason, Unauthenticated
from web_edge.accounts.identity import address_of
from web_edge.accounts.service import Accounts, SignedIn
from web_edge.accounts.users import User
from web_edge.json_bodies import read_object
from web_edge.problems import problem_response

COOKIE: Final = "__Host-genesis_refresh"
CSRF_HEADER: Final = "genesis-csrf"
_NO_STORE: Final = {"Cache-Control": "no-store"}
_LONGEST_TOKEN: Final = 200


@dataclass(frozen=True, slots=True)
class AuthApi:
    """The handlers. `accounts` is None on a server without accounts; then there is only `/auth/status`."""

    accounts: Accounts | None

    def routes(self) -> list[Route]:
        status = Route("/auth/status", self.status, methods=["GET"])
        if self.accounts is None:
            return [status]
        return [
            status,
            Route("/auth/register", self.register, methods=["POST"]),
            Route("/auth/login", self.login, methods=["POST"]),
            Route("/auth/refresh", self.refresh, methods=["POST"]),
            Route("/auth/logout", self.logout, methods=["POST"]),
        ]

    async def status(self, _request: Request) -> Response:
        """Whether one signs in here, and whether one may register."""
        accounts = self.accounts
        answer = {"accounts": accounts is not None, "registration": accounts is not None and accounts.is_open}
        return JSONResponse(answer, headers=_NO_STORE)

    async def register(self, request: Request) -> Response:
        """Body: `email`, `password`, and `cookie` true for a browser. 201, signed in."""
        body = await _credentials(request)
        signed_in = await self._open.register(body["email"], body["password"], address_of(request))
        return signed_in_response(signed_in, 201, in_cookie=body.get("cookie") is True)

    async def login(self, request: Request) -> Response:
        """As `register`, for an account that is there. 200."""
        body = await _credentials(request)
        signed_in = await self._open.login(body["email"], body["password"], address_of(request))
        return signed_in_response(signed_in, 200, in_cookie=body.get("cookie") is True)

    async def refresh(self, request: Request) -> Response:
        """The next tokens for the refresh token in the cookie or in the body's `refresh_token`."""
        token, in_cookie = await _refresh_token(request)
        try:
            signed_in = await self._open.refresh(token, address_of(request))
        except Unauthenticated as error:
            if not in_cookie:
                raise
            # The browser need not send again what will never count.
            return _without_cookie(problem_response(error))
        return signed_in_response(signed_in, 200, in_cookie=in_cookie)

    async def logout(self, request: Request) -> Response:
        """End the sign-in of the refresh token. 204, also when it is over."""
        token, in_cookie = await _refresh_token(request)
        await self._open.logout(token, address_of(request))
        answer = Response(status_code=204, headers=_NO_STORE)
        return _without_cookie(answer) if in_cookie else answer

    @property
    def _open(self) -> Accounts:
        assert self.accounts is not None  # noqa: S101 - there are no such routes without
        return self.accounts


def user_to_json(user: User) -> dict[str, Any]:
    created = datetime.fromtimestamp(user.created_at_ns / 1e9, UTC).isoformat()
    return {"id": user.id, "email": user.email, "role": user.role.value, "created_at": created}


def signed_in_response(signed_in: SignedIn, status: int, *, in_cookie: bool) -> Response:
    """Tokens for a client; with a cookie the refresh token is in it and nowhere else."""
    body: dict[str, Any] = {
        "access_token": signed_in.access_token,
        "token_type": "Bearer",
        "expires_in": signed_in.expires_in_s,
        "user": user_to_json(signed_in.user),
    }
    if not in_cookie:
        return JSONResponse({**body, "refresh_token": signed_in.refresh_token}, status, _NO_STORE)
    answer = JSONResponse(body, status, _NO_STORE)
    answer.set_cookie(COOKIE, signed_in.refresh_token, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _without_cookie(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


async def _credentials(request: Request) -> dict[str, Any]:
    return await read_object(request, {"email", "password", "cookie"}, {"email", "password"})


async def _refresh_token(request: Request) -> tuple[str, bool]:
    """The token, and whether it came in the cookie.

    Raises Unauthenticated: CREDENTIALS_MISSING. InvalidInput: ORIGIN_NOT_ALLOWED, a cookie without the header.
    """
    body = await read_object(request, {"refresh_token"})
    token, in_cookie = body.get("refresh_token"), False
    if token is None:
        token, in_cookie = request.cookies.get(COOKIE), True
        if token is not None and CSRF_HEADER not in request.headers:
            raise InvalidInput(
                Reason.ORIGIN_NOT_ALLOWED, f"Whoever relies on the cookie sends the header {CSRF_HEADER}: 1."
            )
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
        raise Unauthenticated(Reason.CREDENTIALS_MISSING, "There is no refresh token in the cookie or the body.")
    return token, in_cookie
