"""Messages of a JetStream consumer, asked for in bounded batches.

The client library's own fetch waits for a whole batch or its timeout; a live tab cannot wait. Here one request stands
for many messages, each is handed on as it comes, and no more than one batch is ever on its way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import nats.errors
from nats.aio.msg import Msg

from bus.connection import Bus
from wire.subjects import SESSIONS_STREAM

_EXPIRES_S = 30.0
_HEARTBEAT_S = 5.0
_NANOSECONDS = 1_000_000_000

_HEARTBEAT, _TIMED_OUT, _CONFLICT = "100", "408", "409"


class PullBroken(Exception):
    """The consumer is gone, the connection was cut, or the server fell silent: bind again."""


class Pull:
    """The stream of messages of one consumer; entered through `pull`."""

    def __init__(self, bus: Bus, consumer: str, batch: int, gapless: bool) -> None:
        self._bus = bus
        self._consumer = consumer
        self._batch = batch
        self._gapless = gapless
        self._delivered = 0
        self._outstanding = 0
        self.inbox = bus.client.new_inbox()
        self._cut = False
        # A batch and its closing status fit; a reader that sleeps on also gathers heartbeats, which then wait outside.
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue(maxsize=batch + 1)

    async def next(self) -> Msg:
        """The next message. Raises PullBroken."""
        while True:
            if self._outstanding == 0:
                await self._ask()
            try:
                with anyio.fail_after(2.5 * _HEARTBEAT_S):
                    message = await self._arrived.get()
            except TimeoutError:
                raise PullBroken("no heartbeat") from None
            if self._cut or message is None:
                raise PullBroken("the connection was cut")
            status = (message.headers or {}).get("Status") if not message.data else None
            if status is None:
                self._outstanding -= 1
                self._count(message)
                return message
            self._heed(status, (message.headers or {}).get("Description", ""))

    async def deliver(self, message: Msg) -> None:
        await self._arrived.put(message)

    def left(self) -> list[Msg]:
        """Messages that have come and were not taken; they are taken now."""
        left = []
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None and message.data:
                left.append(message)
        return left

    def note_reconnect(self) -> None:
        self._cut = True
        if self._arrived.empty():
            self._arrived.put_nowait(None)  # wakes a reader that waits; another finds the mark with its next message

    async def _ask(self) -> None:
        request = {
            "batch": self._batch,
            "expires": int(_EXPIRES_S * _NANOSECONDS),
            "idle_heartbeat": int(_HEARTBEAT_S * _NANOSECONDS),
        }
        try:
            await self._bus.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{SESSIONS_STREAM}.{self._consumer}",
                json.dumps(request).encode(),
                reply=self.inbox,
            )
        except nats.errors.OutboundBufferLimitError:
            raise PullBroken("disconnected") from None
        self._outstanding = self._batch

    def _count(self, message: Msg) -> None:
        self._delivered += 1
        if self._gapless and message.metadata.sequence.consumer != self._delivered:
            raise PullBroken(f"message {self._delivered} was lost on the way")

    def _heed(self, status: str, description: str) -> None:
        if status == _HEARTBEAT:
            return
        if status == _TIMED_OUT or (status == _CONFLICT and description == "Batch Completed"):
            self._outstanding = 0
            return
        raise PullBroken(f"{status} {description}")


@asynccontextmanager
async def pull(bus: Bus, consumer: str, *, batch: int, gapless: bool = False) -> AsyncGenerator[Pull, None]:
    """Open the way for messages of `consumer` on the sessions' stream; closes it again.

    Args:
        bus: the connection.
        consumer: its name.
        batch: most messages on their way at a time.
        gapless: whether this is the consumer's only reader ever, so that a gap in its count is a loss.
    """
    opened = Pull(bus, consumer, batch, gapless)
    subscription = await bus.client.subscribe(opened.inbox, cb=opened.deliver)
    try:
        with bus.on_reconnect(opened.note_reconnect):
            yield opened
    finally:
        if not bus.client.is_closed:
            await subscription.unsubscribe()
