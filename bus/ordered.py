"""A stretch of the sessions' stream for one reader: in order, none left out, from any place on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import anyio
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from bus.connection import TRANSIENT, Bus
from bus.messages import Place, from_bytes
from bus.pulling import Pull, pull
from wire.subjects import SESSIONS_STREAM, durable_subject

_BATCH = 256
_INACTIVE_S = 30.0
_CLEAN_UP_S = 1.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def ordered(bus: Bus, subject: str, after_stream_sequence: int) -> AsyncGenerator[tuple[Pull, int], None]:
    """The messages of `subject` after a stream sequence, none left out, and how many there are at this moment.

    The consumer behind them lives in the server's memory and is deleted on the way out; one that a crash leaves behind
    dies of inactivity. Raises Unavailable: BUS_UNAVAILABLE.
    """
    name = f"follow-{uuid4().hex}"
    config = ConsumerConfig(
        name=name,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after_stream_sequence + 1,
        filter_subject=subject,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=_INACTIVE_S,
        mem_storage=True,
        num_replicas=1,
    )
    info = await bus.patiently(lambda: bus.jetstream.add_consumer(SESSIONS_STREAM, config))
    try:
        async with pull(bus, name, batch=_BATCH, gapless=True) as pulled:
            yield pulled, info.num_pending or 0
    finally:
        await _delete_consumer(bus, name)


async def skip_known(bus: Bus, session_id: str, place: Place) -> None:
    """Move a reader that resumes up to the last durable event it has, found by bisection, so that a long log is not
    read again for it. That event itself is read once more, for it may be the session's last.

    Raises Unavailable: BUS_UNAVAILABLE.
    """
    if place.sequence <= place.durable_sequence:
        return
    subject = durable_subject(session_id)
    last = await bus.last_message(SESSIONS_STREAM, subject)
    if last is None or last.seq is None:
        return
    # What lies at `low` and before is known, what lies at `high` and after is not.
    low, high, middle = place.stream_sequence, last.seq + 1, last.seq
    while high - low > 1:
        found = await bus.next_message(SESSIONS_STREAM, subject, middle)
        at = high if found is None or found.seq is None else found.seq
        event = from_bytes(found.data) if found is not None and at < high else None
        if event is None or event.sequence > place.sequence:
            high = middle
        else:
            low = at
            place.durable_sequence, place.attempt = event.previous_durable_sequence, event.attempt
            place.stream_sequence = place.durable_stream_sequence = at - 1
        middle = (low + high) // 2


async def _delete_consumer(bus: Bus, name: str) -> None:
    if not bus.is_connected:
        return
    with anyio.move_on_after(_CLEAN_UP_S, shield=True):
        try:
            await bus.jetstream.delete_consumer(SESSIONS_STREAM, name)
        except (NotFoundError, *TRANSIENT) as error:
            log.debug("bus.consumer_left_behind", consumer=name, error=repr(error))
