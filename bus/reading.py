"""Reading a session's log: snapshot, history, live."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import anyio
import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RawStreamMsg
from nats.js.errors import NotFoundError

from bus.connection import TRANSIENT, Bus
from bus.declarations import SNAPSHOTS_STREAM, snapshot_subject
from bus.messages import STREAM_SEQUENCE_HEADER, EventMissed, Place, from_bytes
from bus.pulling import Pull, PullBroken, pull
from music.errors import NotFound, Reason, Unavailable
from music.events import SessionEvent, SnapshotTaken, is_terminal
from music.session_state import SessionState
from wire.subjects import SESSIONS_STREAM, durable_subject, session_subjects, tentative_subject

_BATCH = 256
_INACTIVE_S = 30.0
_CLEAN_UP_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot as an event, and the stream sequence of the last message it holds (0: not known)."""

    event: SessionEvent
    snapshot: SnapshotTaken
    stream_sequence: int


async def follow(
    bus: Bus, session_id: str, after_sequence: int = 0, *, wait: bool = False
) -> AsyncGenerator[SessionEvent, None]:
    """A session's events after `after_sequence`, in order and none twice, until the terminal one.

    A snapshot that is newer than `after_sequence` comes first and stands for everything before it. Cuts and restarts of
    the server are waited out. Close the generator (`contextlib.aclosing`) when leaving early.

    Args:
        bus: the connection.
        session_id: whose log.
        after_sequence: what the reader already has; 0 for all.
        wait: whether a session nobody has heard of is waited for.

    Raises:
        NotFound: SESSION_NOT_FOUND, unless `wait`; also when events are missing because they are past retention.
        Unavailable: BUS_UNAVAILABLE when the bus cannot be asked at the start.
    """
    place = Place(sequence=after_sequence)
    if not wait and not await _exists(bus, session_id):
        raise _unknown(session_id)
    missed_after: int | None = None
    while True:
        stored = await _snapshot_patiently(bus, session_id)
        if stored is not None and place.stand_on(stored.snapshot, stored.stream_sequence):
            yield stored.event
        if stored is not None and (stored.snapshot.ended or stored.snapshot.failed):
            return
        try:
            async with aclosing(_live(bus, session_id, place)) as events:
                async for event in events:
                    yield event
            return
        except EventMissed as missed:
            if missed_after == place.durable_sequence:
                raise _truncated(session_id) from missed
            missed_after = place.durable_sequence
            place.stream_sequence = 0
            log.warning("bus.event_missed", session_id=session_id, after=missed_after)


async def read_state(bus: Bus, session_id: str) -> SessionState:
    """The session folded up to now, tentative notes included.

    Raises NotFound: SESSION_NOT_FOUND. Unavailable: BUS_UNAVAILABLE.
    """
    state, _ = await read_until_now(bus, session_id)
    if state.sequence == 0:
        raise _unknown(session_id)
    return state


async def read_until_now(bus: Bus, session_id: str) -> tuple[SessionState, Place]:
    """Snapshot and what the log holds after it, folded, and the place reached; an empty state for an unknown session.

    Raises Unavailable: BUS_UNAVAILABLE. NotFound: SESSION_NOT_FOUND when the log has lost events to retention.
    """
    subject = session_subjects(session_id)
    for use_snapshot in (True, False):
        state, place = SessionState(), Place()
        stored = await load_snapshot(bus, session_id) if use_snapshot else None
        if stored is not None:
            place.stand_on(stored.snapshot, stored.stream_sequence)
            state.apply(stored.event)
        try:
            for message in await bus.patiently(partial(_messages_now, bus, subject, place.stream_sequence)):
                event = from_bytes(message.data)
                if place.admit(event, message.metadata.sequence.stream):
                    state.apply(event)
        except EventMissed:
            continue
        return state, place
    raise _truncated(session_id)


async def last_message(bus: Bus, stream: str, subject: str) -> RawStreamMsg | None:
    """The newest message of a subject, None when there is none. Raises Unavailable: BUS_UNAVAILABLE."""
    try:
        return await bus.patiently(lambda: bus.jetstream.get_last_msg(stream, subject))
    except NotFoundError:
        return None


async def load_snapshot(bus: Bus, session_id: str) -> StoredSnapshot | None:
    """Raises Unavailable: BUS_UNAVAILABLE."""
    message = await last_message(bus, SNAPSHOTS_STREAM, snapshot_subject(session_id))
    if message is None or not message.data:
        return None
    event = from_bytes(message.data)
    if not isinstance(event.payload, SnapshotTaken):
        return None
    return StoredSnapshot(event, event.payload, int((message.headers or {}).get(STREAM_SEQUENCE_HEADER, "0")))


async def _exists(bus: Bus, session_id: str) -> bool:
    for subject in (durable_subject(session_id), tentative_subject(session_id)):
        if await last_message(bus, SESSIONS_STREAM, subject) is not None:
            return True
    return await load_snapshot(bus, session_id) is not None


async def _snapshot_patiently(bus: Bus, session_id: str) -> StoredSnapshot | None:
    while True:
        try:
            return await load_snapshot(bus, session_id)
        except Unavailable as error:
            log.warning("bus.follow_waits", session_id=session_id, cause=error.message)


async def _live(bus: Bus, session_id: str, place: Place) -> AsyncGenerator[SessionEvent, None]:
    """Events after `place`, which moves along, until the terminal one. Raises EventMissed."""
    while True:
        try:
            async with _ordered(bus, session_subjects(session_id), place.stream_sequence) as (pulled, _):
                while True:
                    message = await pulled.next()
                    event = from_bytes(message.data)
                    if place.admit(event, message.metadata.sequence.stream):
                        yield event
                    if is_terminal(event.payload):
                        return
        except (PullBroken, Unavailable) as broken:
            log.info("bus.follow_resumes", session_id=session_id, after=place.sequence, cause=str(broken))


async def _messages_now(bus: Bus, subject: str, after_stream_sequence: int) -> list[Msg]:
    found: list[Msg] = []
    try:
        async with _ordered(bus, subject, after_stream_sequence) as (pulled, pending):
            while pending:
                found.append(await pulled.next())
                pending = found[-1].metadata.num_pending
    except PullBroken as broken:
        # Transient for whoever asks again.
        raise nats.errors.TimeoutError from broken
    return found


@asynccontextmanager
async def _ordered(bus: Bus, subject: str, after_stream_sequence: int) -> AsyncGenerator[tuple[Pull, int], None]:
    """The messages of `subject` after a stream sequence, none left out, and how many there are at this moment.

    The consumer behind them lives in the server's memory and is deleted on the way out; one that a crash leaves behind
    dies of inactivity.
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


async def _delete_consumer(bus: Bus, name: str) -> None:
    if not bus.is_connected:
        return
    with anyio.move_on_after(_CLEAN_UP_S, shield=True):
        try:
            await bus.jetstream.delete_consumer(SESSIONS_STREAM, name)
        except (NotFoundError, *TRANSIENT) as error:
            log.debug("bus.consumer_left_behind", consumer=name, error=repr(error))


def _unknown(session_id: str) -> NotFound:
    return NotFound(Reason.SESSION_NOT_FOUND, f"There is no session {session_id!r}.", session_id=session_id)


def _truncated(session_id: str) -> NotFound:
    return NotFound(
        Reason.SESSION_NOT_FOUND,
        f"The log of session {session_id!r} is no longer whole: its beginning is past retention.",
        session_id=session_id,
    )
