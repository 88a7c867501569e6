"""Who may call: the interceptor that checks tokens and API keys, and what one caller may take.

Without a public key in the settings there are no accounts, and everyone who reaches this server is its one user.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

import grpc
from grpc_status import rpc_status
from limits import RateLimitItemPerHour
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from access.api_keys import PREFIX, id_in
from access.caller import LOCAL, Caller, Role, Scope
from access.directory import find_key, revoked_before_s
from access.tokens import Claims, TokenVerifier
from bus.session_log import read_owner, unknown_session
from music.errors import GenesisError, Overloaded, Reason, Unauthenticated
from orchestrator.neighbours import BusLink
from orchestrator.watching import watched
from wire.errors import to_status

OPEN_METHODS: Final = ("/grpc.health.v1.Health/",)
"""Asked by whatever watches over this process, which has no account."""

_BEARER: Final = "bearer "
_LAST_MESSAGES_S = 0.5

_caller: ContextVar[Caller] = ContextVar("caller", default=LOCAL)


def present_caller() -> Caller:
    """Who made the call that is being answered."""
    return _caller.get()


class Door(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # at run time it takes none
    """Lets those in who show a token or a key that counts.

    Args:
        verifier: None where there are no accounts.
        link: where keys and revocations are looked up.
    """

    def __init__(self, verifier: TokenVerifier | None, link: BusLink) -> None:
        self._verifier = verifier
        self._link = link

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(details)
        if handler is None or self._verifier is None or details.method.startswith(OPEN_METHODS):
            return handler
        shown = _authorization(details.invocation_metadata)
        try:
            caller, still_counts = await self._admit(shown)
        except GenesisError as error:
            return _refusing(handler, error)
        # The handler runs in this task: it sees what is set here, and nobody else does.
        _caller.set(caller)
        return watched(handler, still_counts) if handler.response_streaming else handler

    async def _admit(self, shown: str) -> tuple[Caller, Callable[[], Awaitable[object]]]:
        """Who shows this token or key, and what raises Unauthenticated once it is taken back.

        A token may run out while its call lasts.

        Raises:
            Unauthenticated: CREDENTIALS_MISSING, TOKEN_INVALID. Unavailable: BUS_UNAVAILABLE.
        """
        if not shown:
            raise Unauthenticated(
                Reason.CREDENTIALS_MISSING, 'Send a token or an API key as metadata: authorization "Bearer …".'
            )
        if shown.startswith(PREFIX):
            return await self._holder_of(shown), lambda: self._holder_of(shown)
        assert self._verifier is not None  # noqa: S101 - without one nobody is asked who they are
        claims = self._verifier.verify(shown)
        await self._check_revoked(claims)
        return claims.caller, lambda: self._check_revoked(claims)

    async def _holder_of(self, key: str) -> Caller:
        named = id_in(key)
        record = None if named is None else await find_key(self._link.bus, named)
        if record is None or not record.fits(key, time.time()):
            raise Unauthenticated(Reason.TOKEN_INVALID, "This API key does not count; make another one.")
        return Caller(record.owner, Role.USER, record.scopes, record.id)

    async def _check_revoked(self, claims: Claims) -> None:
        if Scope.RELAY in claims.caller.scopes:
            # The edge has looked at the account itself, and goes on to.
            return
        if claims.issued_at_s < await revoked_before_s(self._link.bus, claims.caller.id):
            raise Unauthenticated(Reason.TOKEN_INVALID, "This token was taken back; sign in again.")


class Shares:
    """What one caller may take of this server.

    Args:
        at_once: sessions at a time; 0 for as many as the server runs.
        an_hour: sessions begun in any hour; 0 for no limit.
    """

    def __init__(self, at_once: int, an_hour: int) -> None:
        self._at_once = at_once
        self._hourly = RateLimitItemPerHour(an_hour) if an_hour else None
        # Of this process; the edge counts what comes through it for all its replicas.
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._open: dict[str, int] = {}

    async def take(self, caller: Caller) -> None:
        """Count a session that begins; `give_back` must follow. Raises Overloaded: QUOTA_REACHED."""
        if caller.is_local or Scope.RELAY in caller.scopes:
            return
        if self._at_once and self._open.get(caller.id, 0) >= self._at_once:
            raise Overloaded(
                Reason.QUOTA_REACHED,
                f"You run {self._at_once} sessions, your limit; end one first.",
                limit=self._at_once,
            )
        # Taken before anything is waited for, so that calls at the same moment count each other.
        self._open[caller.id] = self._open.get(caller.id, 0) + 1
        if self._hourly is None or await self._counts.hit(self._hourly, caller.id):
            return
        self.give_back(caller)
        raise Overloaded(
            Reason.QUOTA_REACHED,
            f"You began {self._hourly.amount} sessions within an hour, your limit; begin the next one later.",
            limit=self._hourly.amount,
        )

    def give_back(self, caller: Caller) -> None:
        """A session that was counted is over."""
        left = self._open.get(caller.id, 0) - 1
        if left > 0:
            self._open[caller.id] = left
        else:
            self._open.pop(caller.id, None)


async def check_may_see(link: BusLink, session_id: str, caller: Caller) -> None:
    """Raises NotFound: SESSION_NOT_FOUND, for somebody else's session as for none. Unavailable: BUS_UNAVAILABLE."""
    if caller.is_local:
        return
    owner = await read_owner(link.bus, session_id)
    if owner is None or not caller.may_see(owner):
        raise unknown_session(session_id)


def _authorization(metadata: Any) -> str:
    given = [value for key, value in metadata or () if key == "authorization"]
    if len(given) != 1 or not isinstance(given[0], str) or not given[0].lower().startswith(_BEARER):
        return ""
    return given[0][len(_BEARER) :].strip()


def _refusing(handler: Any, error: GenesisError) -> Any:
    """A handler of the same kind that says no."""

    async def refuse_one(_request: Any, context: Any) -> None:
        await context.abort_with_status(rpc_status.to_status(to_status(error)))

    async def refuse_stream(requests: AsyncIterator[Any], context: Any) -> None:
        # A status that crosses a message on its way is lost in some clients.
        try:
            async with asyncio.timeout(_LAST_MESSAGES_S):
                async for _ in requests:
                    pass
        except TimeoutError:
            pass
        await context.abort_with_status(rpc_status.to_status(to_status(error)))

    refuse = refuse_stream if handler.request_streaming else refuse_one
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    return make(refuse, handler.request_deserializer, handler.response_serializer)
