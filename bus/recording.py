"""Every durable event of every session, once it is handled, exactly in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from bus.connection import Bus
from bus.messages import from_bytes
from bus.pulling import PullBroken, pull
from music.errors import InvalidInput, Unavailable
from music.events import SessionEvent
from wire.subjects import ALL_DURABLE, RECORDER_CONSUMER, SESSIONS_STREAM

_BATCH = 64
_ACK_WAIT_S = 5.0
_STILL_AT_IT_S = 1.5
_RETRY_FIRST_S, _RETRY_CAP_S = 0.25, 30.0

log = structlog.get_logger(__name__)


async def consume_durable(
    bus: Bus,
    handler: Callable[[SessionEvent], Awaitable[None]],
    *,
    retry_first_s: float = _RETRY_FIRST_S,
) -> None:
    """Hand every durable event to `handler`, in the order of the stream, until cancelled.

    An event counts as done when the handler has returned; when it raises, the same event comes again after a growing
    delay and nothing overtakes it. After a crash or a cut an event may come a second time: handlers are idempotent. All
    processes that call this share one place in the stream, so only one of them gets each event.

    Args:
        bus: the connection, `declare`d.
        handler: takes one event; may take its time, the server is told that it is still at work.
        retry_first_s: delay after the first failure; it doubles up to 30 s.
    """
    config = ConsumerConfig(
        durable_name=RECORDER_CONSUMER,
        name=RECORDER_CONSUMER,
        filter_subject=ALL_DURABLE,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=_ACK_WAIT_S,
        # One at a time: the server itself then keeps the order, also over redeliveries and several recorders.
        max_ack_pending=1,
    )
    while True:
        try:
            await bus.patiently(lambda: bus.jetstream.add_consumer(SESSIONS_STREAM, config))
            async with pull(bus, RECORDER_CONSUMER, batch=_BATCH) as pulled:
                while True:
                    await _record(await pulled.next(), handler, retry_first_s)
        except (PullBroken, Unavailable) as broken:
            log.warning("bus.recorder_resumes", cause=str(broken))


async def _record(message: Msg, handler: Callable[[SessionEvent], Awaitable[None]], retry_first_s: float) -> None:
    try:
        event = from_bytes(message.data)
    except InvalidInput as error:
        # It will not become readable by asking again.
        log.error("bus.event_unreadable", subject=message.subject, error=error.message)
        await message.term()
        return
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_say_still_at_it, message)
            await handler(event)
            with anyio.CancelScope(shield=True):
                await message.ack()
            group.cancel_scope.cancel()
    except anyio.get_cancelled_exc_class():
        if not message.is_acked:
            # Whoever records next need not wait until the server takes this process for dead.
            with anyio.CancelScope(shield=True):
                await message.nak()
        raise
    except Exception as error:
        tries = message.metadata.num_delivered or 1
        delay_s = min(_RETRY_CAP_S, retry_first_s * 2 ** min(tries - 1, 16))
        log.exception(
            "bus.handler_failed",
            session_id=event.session_id,
            sequence=event.sequence,
            tries=tries,
            delay_s=delay_s,
            error=repr(error),
        )
        await message.nak(delay=delay_s)


async def _say_still_at_it(message: Msg) -> None:
    while True:
        await anyio.sleep(_STILL_AT_IT_S)
        await message.in_progress()
