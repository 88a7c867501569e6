"""How often somebody did something, counted for all replicas of the edge in one store.

The store is the library's (`limits`): memory for one edge, Redis or Valkey past one. NATS and the database are here
already, but the one has no counters that expire by themselves on every server version we support, and a write a request
is more than the other should do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from music.errors import InvalidInput, Overloaded, Reason, Unavailable

_SIGN_INS = RateLimitItemPerMinute(5, 5, namespace="sign-in")
_SIGN_INS_OF_ADDRESS = RateLimitItemPerHour(50, namespace="sign-in-address")
_SIGN_INS_OF_ACCOUNT = RateLimitItemPerHour(100, namespace="sign-in-account")
_REGISTRATIONS = RateLimitItemPerHour(10, namespace="register")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shares:
    """Requests of an address in a minute, transcriptions of a user in an hour; 0 for no limit."""

    requests_per_minute: int
    transcriptions_per_hour: int


class Counters:
    """Counts, and says when it is enough: every method raises Overloaded with `retry_after_s`.

    Args:
        address: of the store, as `limits` writes it ("async+memory://", "async+redis://host:6379").
        shares: see there.

    Raises:
        InvalidInput: CONFIG_INVALID.
    """

    def __init__(self, address: str, shares: Shares) -> None:
        self._store = _store(address)
        self._window = MovingWindowRateLimiter(self._store)
        minute, hour = shares.requests_per_minute, shares.transcriptions_per_hour
        self._requests = RateLimitItemPerMinute(minute, namespace="requests") if minute else None
        self._transcriptions = RateLimitItemPerHour(hour, namespace="transcriptions") if hour else None
        self._under_way: dict[str, int] = {}

    async def close(self) -> None:
        """Close the connections of a store that has some; the library leaves that to its users."""
        client = getattr(getattr(self._store, "bridge", None), "storage", None)
        if client is not None:
            await client.aclose()

    async def request(self, address: str) -> None:
        """One request of an address. Raises Overloaded: RATE_LIMITED. While the store is away nothing is counted."""
        if self._requests is None:
            return
        try:
            if await self._window.hit(self._requests, address):
                return
        except StorageError:
            log.warning("counters.away")
            return
        await self._refuse(self._requests, address, Reason.RATE_LIMITED, "You ask too often; wait a moment.")

    async def sign_in(self, email: str, address: str) -> None:
        """One try to sign in. Raises Overloaded: RATE_LIMITED. Unavailable: STORAGE_UNAVAILABLE."""
        for item, key in self._tries(email, address):
            await self._try(item, key, "Too many tries to sign in; wait before the next one.")

    async def signed_in(self, email: str, address: str) -> None:
        """The try was a good one: those before it are forgiven to this address."""
        try:
            await self._window.clear(_SIGN_INS, f"{email} {address}")
        except StorageError:
            log.warning("counters.away")

    async def register(self, address: str) -> None:
        """One account of an address. Raises as `sign_in`."""
        await self._try(_REGISTRATIONS, address, "Too many accounts were made from here; try again later.")

    @contextmanager
    def one_more(self, user: str) -> Iterator[None]:
        """Within the block a transcription of a user is under way."""
        self._under_way[user] = self._under_way.get(user, 0) + 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]

    async def check_transcriptions(self, user: str) -> None:
        """Within `one_more`. Raises Overloaded: QUOTA_REACHED when those under way and of this hour are too many."""
        if self._transcriptions is None:
            return
        try:
            left = (await self._window.get_window_stats(self._transcriptions, user)).remaining
        except StorageError:
            log.warning("counters.away")
            return
        if left < self._under_way.get(user, 0):
            amount = self._transcriptions.amount
            message = f"You asked for {amount} transcriptions within an hour, your limit; ask for the next one later."
            await self._refuse(self._transcriptions, user, Reason.QUOTA_REACHED, message)

    async def note_transcription(self, user: str) -> None:
        """One was accepted."""
        if self._transcriptions is None:
            return
        try:
            await self._window.hit(self._transcriptions, user)
        except StorageError:
            log.warning("counters.away")

    def _tries(self, email: str, address: str) -> tuple[tuple[RateLimitItem, str], ...]:
        return (
            (_SIGN_INS, f"{email} {address}"),
            (_SIGN_INS_OF_ADDRESS, address),
            (_SIGN_INS_OF_ACCOUNT, email),
        )

    async def _try(self, item: RateLimitItem, key: str, message: str) -> None:
        try:
            if await self._window.hit(item, key):
                return
        except StorageError:
            # Passwords must not be guessed without anybody counting.
            raise Unavailable(
                Reason.STORAGE_UNAVAILABLE, "The counters cannot be reached, so nobody can sign in. Try again soon."
            ) from None
        await self._refuse(item, key, Reason.RATE_LIMITED, message)

    async def _refuse(self, item: RateLimitItem, key: str, reason: Reason, message: str) -> None:
        stats = await self._window.get_window_stats(item, key)
        wait_s = max(1, math.ceil(stats.reset_time - time.time()))
        raise Overloaded(reason, message, limit=item.amount, retry_after_s=wait_s)


def _store(address: str) -> Storage:
    try:
        # Of the clients that the library knows for Redis this is the one that is still kept up.
        client = {"implementation": "redispy"} if address.startswith("async+redis") else {}
        store = storage_from_string(address, wrap_exceptions=True, **client)
    except ConfigurationError as error:
        raise InvalidInput(
            Reason.CONFIG_INVALID, f"{address!r} is no store of counters ({error}); try async+memory://."
        ) from None
    if not isinstance(store, Storage):
        raise InvalidInput(Reason.CONFIG_INVALID, f"{address!r} blocks; write async+ before it.")
    return store
