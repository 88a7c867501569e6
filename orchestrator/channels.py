"""Bounded channels between the stages of a session, without a turn of the event loop where nobody has to wait.

`anyio`'s own `send` and `receive` give the loop a turn each, so that a loop of them cannot starve the others. The
stages wait for threads, the network and each other often enough, and with some twenty steps a second and stage those
turns are a good part of what a live stream costs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

T = TypeVar("T")


async def put(out: MemoryObjectSendStream[T], item: T) -> None:
    """Send at once where there is room, else wait for it. Raises as `out.send` does."""
    try:
        out.send_nowait(item)
    except anyio.WouldBlock:
        await out.send(item)


async def each(channel: MemoryObjectReceiveStream[T]) -> AsyncIterator[T]:
    """Everything that comes, until the channel's other end is closed."""
    while True:
        try:
            item = channel.receive_nowait()
        except anyio.WouldBlock:
            try:
                item = await channel.receive()
            except anyio.EndOfStream:
                return
        except anyio.EndOfStream:
            return
        yield item


def waiting(channel: MemoryObjectReceiveStream[T]) -> list[T]:
    """Everything that lies in the channel already."""
    items = []
    while True:
        try:
            items.append(channel.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            return items
