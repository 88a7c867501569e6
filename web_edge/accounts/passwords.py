"""Passwords: Argon2id with the parameters of RFC 9106's second choice (64 MiB, three passes), a few at a time."""

from __future__ import annotations

from functools import cache

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from music.errors import InvalidInput, Overloaded, Reason

SHORTEST, LONGEST = 10, 256
_AT_ONCE, _MOST_WAITING = 2, 32
"""Each takes 64 MiB and a tenth of a second of a core: more at once would be a way to bring the edge down."""


class Passwords:
    """Hashes and checks passwords, in threads of its own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
        self._turn = anyio.CapacityLimiter(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """Raises InvalidInput: REQUEST_INVALID, a password that is too short or too long. Overloaded: RATE_LIMITED."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(
                Reason.REQUEST_INVALID, f"A password has {SHORTEST} to {LONGEST} characters; a few words do well."
            )
        self._check_queue()
        return await anyio.to_thread.run_sync(self._hasher.hash, password, limiter=self._turn)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password; takes as long where nothing is kept. Raises Overloaded: RATE_LIMITED."""
        self._check_queue()
        return await anyio.to_thread.run_sync(self._verify, password[: LONGEST + 1], kept, limiter=self._turn)

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, password: str, kept: str | None) -> bool:
        try:
            self._hasher.verify(kept or _of_nobody(self._hasher), password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def _check_queue(self) -> None:
        if self._turn.statistics().tasks_waiting >= _MOST_WAITING:
            raise Overloaded(Reason.RATE_LIMITED, "Too many sign in at this moment. Try again in a few seconds.")


@cache
def _of_nobody(hasher: PasswordHasher) -> str:
    return hasher.hash("the password of nobody")
