"""Requests to the edge: who asks, when to ask again, and what a refusal is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from genesis.client.credentials import Credentials
from genesis.client.errors import error_of, retry_after_s, unreachable
from music.errors import GenesisError, Overloaded, Reason, Unauthenticated, Unavailable

_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_NEVER_ARRIVED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_GROWING: Final = wait_random_exponential(multiplier=0.2, max=5)
Body = Callable[[], AbstractContextManager[dict[str, Any]]]
"""Opens the arguments of httpx that are a request's body, anew for every attempt."""


def body_of(**given: Any) -> Body:
    """One that holds nothing open: `json` or `content`, as httpx calls them."""
    return lambda: nullcontext(given)


@dataclass(frozen=True, slots=True)
class Patience:
    """With a server that is away, or asks to come again.

    Attributes:
        timeout_s: of connecting, and of each wait for bytes.
        attempts: how often a request is made at most.
        longest_wait_s: a server that says to come later than that is not waited for.
    """

    timeout_s: float = 30.0
    attempts: int = 5
    longest_wait_s: float = 60.0


class Transport:
    """One edge, and what is shown to it. Whoever makes it closes it.

    Args:
        base_url: "https://tabs.example.org".
        credentials: what to show.
        patience: see there.
        http: httpx's transport, to reach the server in another way than by its address.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        patience: Patience = Patience(),
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials
        self.patience = patience
        self.http = httpx.AsyncClient(base_url=self.base_url, timeout=patience.timeout_s, transport=http)

    async def request(
        self, method: str, path: str, *, body: Body | None = None, repeatable: bool = False, **options: Any
    ) -> httpx.Response:
        """The answer, read and good.

        Args:
            method: of the operation.
            path: of the operation.
            body: of the request.
            repeatable: whether it does no harm twice, beyond what the method says.
            **options: of httpx: `params`, `headers`.

        Raises:
            GenesisError: the server refuses. Unavailable: it cannot be reached.
        """
        call = _Call(self, method, path, body, options, repeatable=repeatable or method in _REPEATABLE)
        retrying = AsyncRetrying(
            retry=retry_if_exception(call.is_worth_another),
            wait=_wait_s,
            stop=stop_after_attempt(self.patience.attempts),
            reraise=True,
        )
        try:
            return await retrying(call.make)
        except httpx.TransportError as error:
            raise unreachable(self.base_url, error) from error

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[httpx.Response, None]:
        """A good answer whose body is not read yet. Raises as `request`; it is not asked again."""
        try:
            shown = await self.shown()
            async with self.http.stream("GET", path, headers=shown) as response:
                if response.is_error:
                    await response.aread()
                    raise error_of(response)
                yield response
        except httpx.TransportError as error:
            raise unreachable(self.base_url, error) from error

    async def shown(self) -> dict[str, str]:
        """Headers that say who calls."""
        token = await self.credentials.token(self.http)
        return {} if token is None else {"Authorization": f"Bearer {token}"}


@dataclass(slots=True)
class _Call:
    """One request, perhaps made several times."""

    transport: Transport
    method: str
    path: str
    body: Body | None
    options: dict[str, Any]
    repeatable: bool
    _may_renew: bool = True
    _was_spoilt: bool = False

    async def make(self) -> httpx.Response:
        shown = await self.transport.shown()
        headers = {**self.options.get("headers", {}), **shown}
        with nullcontext({}) if self.body is None else self.body() as given:
            response = await self.transport.http.request(
                self.method, self.path, **{**self.options, **given, "headers": headers}
            )
        if not response.is_error:
            return response
        error = error_of(response)
        if shown and error.reason is Reason.TOKEN_INVALID:
            token = shown["Authorization"].removeprefix("Bearer ")
            # Once: a server that takes no token at all is not asked for ever.
            self._was_spoilt = self._may_renew and self.transport.credentials.spoil(token)
            self._may_renew = False
        raise error

    def is_worth_another(self, error: BaseException) -> bool:
        match error:
            case httpx.TransportError():
                return self.repeatable or isinstance(error, _NEVER_ARRIVED)
            case Unauthenticated():
                spoilt, self._was_spoilt = self._was_spoilt, False
                return spoilt
            case Overloaded() | Unavailable():
                # Who is asked too often has done nothing; what a neighbour's absence left half done is not known.
                is_safe = self.repeatable or isinstance(error, Overloaded)
                return is_safe and (retry_after_s(error) or 0) <= self.transport.patience.longest_wait_s
        return False


def _wait_s(state: RetryCallState) -> float:
    """What the server said; nothing before a token is renewed; else a while that grows, and varies."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Unauthenticated):
        return 0.0
    said = retry_after_s(error) if isinstance(error, GenesisError) else None
    return _GROWING(state) if said is None else said
