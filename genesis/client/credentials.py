"""What a client shows: nothing on a server without accounts, else an API key, or tokens that it renews."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import anyio
import httpx

from genesis.client.errors import error_of
from music.errors import Unauthenticated

_EARLY_S: Final = 30.0
"""A token is renewed so long before its end: a request must not arrive after it."""


class Credentials(Protocol):
    """Says what to show as `Authorization: Bearer …`."""

    async def token(self, http: httpx.AsyncClient, /) -> str | None:
        """What to show now, None for nothing. Raises GenesisError: it cannot be renewed; httpx.TransportError."""

    def spoil(self, token: str, /) -> bool:
        """The server does not take it (any more); whether `token` can come up with another one."""


class Bearer:
    """An API key, or an access token that somebody else renews; "" shows nothing."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    async def token(self, _http: httpx.AsyncClient) -> str | None:
        return self._token or None

    def spoil(self, _token: str) -> bool:
        return False


class SignIn:
    """An account's tokens, renewed before they end.

    Args:
        email, password: to sign in with, when there is no refresh token or it does not count any more.
        refresh_token: of an earlier sign-in. It is good once.
        keep: is told each new refresh token, to keep it as a password is kept.
    """

    def __init__(
        self,
        email: str = "",
        password: str = "",
        *,
        refresh_token: str = "",
        keep: Callable[[str], None] = lambda _token: None,
    ) -> None:
        self._login = {"email": email, "password": password} if email else None
        self._refresh = refresh_token
        self._keep = keep
        self._access: str | None = None
        self._until = 0.0
        self._turn = anyio.Lock()

    async def token(self, http: httpx.AsyncClient) -> str:
        """Raises Unauthenticated: LOGIN_FAILED, TOKEN_INVALID. Overloaded: RATE_LIMITED."""
        async with self._turn:
            if self._access is None or time.monotonic() > self._until - _EARLY_S:
                self._take(await self._renewed(http))
            assert self._access is not None  # noqa: S101 - just taken
            return self._access

    def spoil(self, token: str) -> bool:
        # Another task may have renewed it meanwhile.
        if self._access == token:
            self._access = None
        return True

    async def sign_out(self, http: httpx.AsyncClient) -> None:
        """End the sign-in on the server too."""
        async with self._turn:
            refresh, self._refresh, self._access = self._refresh, "", None
        if refresh:
            await http.post("/auth/logout", json={"refresh_token": refresh})

    async def _renewed(self, http: httpx.AsyncClient) -> dict[str, Any]:
        if self._refresh:
            # Kept until there is an answer: a line that breaks may have broken before the server had it.
            answer = await http.post("/auth/refresh", json={"refresh_token": self._refresh})
            if answer.is_success:
                return dict(answer.json())
            error = error_of(answer)
            if not isinstance(error, Unauthenticated) or self._login is None:
                raise error
            self._refresh = ""
        answer = await http.post("/auth/login", json=self._login or {})
        if not answer.is_success:
            raise error_of(answer)
        return dict(answer.json())

    def _take(self, signed_in: dict[str, Any]) -> None:
        self._access = signed_in["access_token"]
        # A token that lives shorter than we are early would be renewed for every request.
        self._until = time.monotonic() + max(signed_in["expires_in"], _EARLY_S + 1)
        self._refresh = signed_in["refresh_token"]
        self._keep(self._refresh)
