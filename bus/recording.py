"""Every durable event of every session until it is handled, in order."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from bus.connection import Bus
from bus.messages import from_bytes
from bus.pulling import Pull, PullBroken, pull
from music.errors import InvalidInput, Unavailable
from music.events import SessionEvent, is_terminal
from wire.subjects import ALL_DURABLE, RECORDER_CONSUMER, SESSIONS_STREAM

GATHER_S = 0.1

_BATCH = 64
_ACK_WAIT_S = 5.0
_STILL_AT_IT_S = 1.5
_RETRY_FIRST_S, _RETRY_CAP_S = 0.25, 30.0

log = structlog.get_logger(__name__)


async def consume_durable(
    bus: Bus,
    handler: Callable[[Sequence[SessionEvent]], Awaitable[None]],
    *,
    gather_s: float = GATHER_S,
    retry_first_s: float = _RETRY_FIRST_S,
) -> None:
    """Hand every durable event to `handler`, in the order of the stream, a few at a time, until cancelled.

    Events count as done when the handler has returned; when it raises, the same ones are handed over again after a
    growing delay and nothing overtakes them. After a crash or a cut they may come a second time, and other ones between
    them where several processes record: handlers are idempotent and look whether an event is the next one of its
    session. All processes that call this share one place in the stream, so only one of them gets each event.

    Args:
        bus: the connection, `declare`d.
        handler: takes one event or more; may take its time, the server is told that it is still at work.
        gather_s: how long the first of them may wait for others; a session's end waits for nothing.
        retry_first_s: delay after the first failure; it doubles up to 30 s.
    """
    config = ConsumerConfig(
        durable_name=RECORDER_CONSUMER,
        name=RECORDER_CONSUMER,
        filter_subject=ALL_DURABLE,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=_ACK_WAIT_S,
        max_ack_pending=_BATCH,
    )
    while True:
        try:
            await bus.patiently(lambda: bus.jetstream.add_consumer(SESSIONS_STREAM, config))
            async with pull(bus, RECORDER_CONSUMER, batch=_BATCH) as pulled:
                while True:
                    await _record(pulled, handler, gather_s, retry_first_s)
        except (PullBroken, Unavailable) as broken:
            log.warning("bus.recorder_resumes", cause=str(broken))


@dataclass(frozen=True, slots=True)
class _Gathered:
    messages: list[Msg]
    events: list[SessionEvent]


async def _gather(found: _Gathered, pulled: Pull, gather_s: float) -> None:
    """Add the next messages that can be read, at least one of them."""
    until = math.inf
    while len(found.events) < _BATCH:
        message = None
        with anyio.move_on_at(until):
            message = await pulled.next()
        if message is None:
            break
        try:
            event = from_bytes(message.data)
        except InvalidInput as error:
            # It will not become readable by asking again.
            log.error("bus.event_unreadable", subject=message.subject, error=error.message)
            await message.term()
            continue
        found.messages.append(message)
        found.events.append(event)
        if is_terminal(event.payload):
            break
        if len(found.events) == 1:
            until = anyio.current_time() + gather_s


async def _record(
    pulled: Pull, handler: Callable[[Sequence[SessionEvent]], Awaitable[None]], gather_s: float, retry_first_s: float
) -> None:
    gathered = _Gathered([], [])
    try:
        await _gather(gathered, pulled, gather_s)
        async with anyio.create_task_group() as group:
            group.start_soon(_say_still_at_it, gathered.messages)
            await _handle(gathered.events, handler, retry_first_s)
            with anyio.CancelScope(shield=True):
                for message in gathered.messages:
                    await message.ack()
            group.cancel_scope.cancel()
    except anyio.get_cancelled_exc_class():
        # Whoever records next need not wait until the server takes this process for dead.
        with anyio.CancelScope(shield=True):
            for message in [*gathered.messages, *pulled.left()]:
                if not message.is_acked:
                    await message.nak()
        raise


async def _handle(
    events: Sequence[SessionEvent], handler: Callable[[Sequence[SessionEvent]], Awaitable[None]], retry_first_s: float
) -> None:
    """Return when the handler has."""
    delay_s = retry_first_s
    while True:
        try:
            await handler(events)
        except Exception as error:
            log.exception(
                "bus.handler_failed",
                session_ids=sorted({event.session_id for event in events}),
                events=len(events),
                delay_s=delay_s,
                error=repr(error),
            )
            await anyio.sleep(delay_s)
            delay_s = min(_RETRY_CAP_S, 2 * delay_s)
        else:
            return


async def _say_still_at_it(messages: Sequence[Msg]) -> None:
    while True:
        await anyio.sleep(_STILL_AT_IT_S)
        for message in messages:
            if not message.is_acked:
                await message.in_progress()
