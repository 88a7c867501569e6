"""A caller's audio on its way to the session: in as it comes, out as much at a time as the session has use for.

A live caller sends some fifty chunks a second, and a network takes a step some twenty times. What completes no step
wakes nobody here.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

import anyio
import anyio.lowlevel

from music.errors import GenesisError

MOST_CHUNKS = 8
MOST_BYTES = 1 << 16
"""Who sends waits while there are this many of both."""


class AudioSource(Protocol):
    """Where a session's audio comes from."""

    @property
    def is_over(self) -> bool:
        """Whether everything that was said has been taken."""
        ...

    async def take(self, wanted: int) -> list[bytes]:
        """The chunks that have come, none of them empty; none at all once it is over. May be cancelled without loss.

        Args:
            wanted: bytes worth waiting for; there may be fewer, or more.

        Raises:
            GenesisError: what is wrong with what follows the chunks that were taken.
        """
        ...

    def take_now(self) -> list[bytes]:
        """What has come and was not worth waking anybody for."""
        ...


class Inbox:
    """An `AudioSource` for one sender and one reader."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._wanted = 0
        self._is_closed = False
        self._is_abandoned = False
        self._fault: GenesisError | None = None
        self._ready: anyio.Event | None = None
        self._room: anyio.Event | None = None

    @property
    def is_over(self) -> bool:
        """See `AudioSource.is_over`."""
        return self._is_closed and not self._chunks and self._fault is None

    async def put(self, chunk: bytes | GenesisError) -> bool:
        """Hand over a chunk, or what is wrong with the rest; False when nobody takes any more."""
        while self._is_full and not self._is_abandoned and not self._is_closed:
            self._room = anyio.Event()
            await self._room.wait()
        if self._is_abandoned or self._is_closed:
            return False
        if isinstance(chunk, GenesisError):
            self._fault = self._fault or chunk
        elif chunk:
            self._chunks.append(chunk)
            self._bytes += len(chunk)
        self._wake()
        return True

    def close(self) -> None:
        """Everything has been said."""
        self._is_closed = True
        self._wake()
        self._let_in()

    def abandon(self) -> None:
        """Nobody takes any more."""
        self._is_abandoned = True
        self._let_in()

    async def take(self, wanted: int) -> list[bytes]:
        """See `AudioSource.take`."""
        self._wanted = wanted
        while not self._is_ready:
            self._ready = anyio.Event()
            try:
                await self._ready.wait()
            finally:
                self._ready = None
        chunks = self.take_now()
        if not chunks and self._fault is not None:
            raise self._fault
        return chunks

    def take_now(self) -> list[bytes]:
        """See `AudioSource.take_now`."""
        chunks, self._chunks, self._bytes = self._chunks, [], 0
        self._let_in()
        return chunks

    @property
    def _is_full(self) -> bool:
        return len(self._chunks) >= MOST_CHUNKS and self._bytes >= MOST_BYTES

    @property
    def _is_ready(self) -> bool:
        enough = bool(self._chunks) and (self._bytes >= self._wanted or self._is_full)
        return enough or self._is_closed or self._fault is not None

    def _wake(self) -> None:
        if self._ready is not None and self._is_ready:
            self._ready.set()

    def _let_in(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None


class OneByOne:
    """An `AudioSource` over chunks that somebody else brings, each as it comes."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = aiter(chunks)
        self.is_over = False

    async def take(self, wanted: int) -> list[bytes]:  # noqa: ARG002 - there is no knowing when more will come
        """See `AudioSource.take`."""
        while (chunk := await anext(self._chunks, None)) is not None:
            # An endless run of empty chunks must leave the clock its turn.
            await anyio.lowlevel.checkpoint_if_cancelled()
            if chunk:
                return [chunk]
        self.is_over = True
        return []

    def take_now(self) -> list[bytes]:
        """See `AudioSource.take_now`: nothing is kept here."""
        return []
