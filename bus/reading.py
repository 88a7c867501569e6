"""Reading a session's log: snapshot, history, live."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio.lowlevel
import structlog

from bus.connection import Bus
from bus.messages import EventMissed, Place, from_bytes
from bus.ordered import ordered, skip_known
from bus.pulling import PullBroken
from bus.snapshots import StoredSnapshot, load_snapshot
from music.errors import NotFound, Reason, Unavailable
from music.events import SessionEnded, SessionEvent, SessionFailed, SessionStarted, is_terminal
from music.session_state import SessionState
from wire.subjects import SESSIONS_STREAM, durable_subject, session_subjects, tentative_subject

_AT_A_TIME = 16
"""Events read in one go; what lies ready would otherwise be read without anybody else having a turn."""

log = structlog.get_logger(__name__)


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
    if not wait:
        await require_session(bus, session_id)
    missed_after: int | None = None
    while True:
        stored = await _snapshot_patiently(bus, session_id)
        if stored is not None and place.stand_on(stored.snapshot, stored.stream_sequence):
            yield stored.event
        if stored is not None and (stored.snapshot.ended or stored.snapshot.failed):
            return
        if missed_after is None:
            await _skip_known(bus, session_id, place)
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


async def read_rest(bus: Bus, session_id: str, after_sequence: int = 0) -> AsyncGenerator[SessionEvent, None]:
    """As `follow`, but only what the log holds by now. Close the generator when leaving early.

    Raises NotFound: SESSION_NOT_FOUND, as `follow` does. Unavailable: BUS_UNAVAILABLE.
    """
    place = Place(sequence=after_sequence)
    await require_session(bus, session_id)
    for is_first in (True, False):
        stored = await load_snapshot(bus, session_id) if is_first else None
        if stored is not None and place.stand_on(stored.snapshot, stored.stream_sequence):
            yield stored.event
        if is_first:
            await _skip_known(bus, session_id, place)
        try:
            async with aclosing(_until_now(bus, session_id, place)) as events:
                async for event in events:
                    yield event
            return
        except EventMissed:
            place.stream_sequence = 0
    raise _truncated(session_id)


async def read_state(bus: Bus, session_id: str) -> SessionState:
    """The session folded up to now, tentative notes included.

    Raises NotFound: SESSION_NOT_FOUND. Unavailable: BUS_UNAVAILABLE.
    """
    state, _ = await read_until_now(bus, session_id)
    if state.sequence == 0:
        raise unknown_session(session_id)
    return state


async def read_until_now(bus: Bus, session_id: str) -> tuple[SessionState, Place]:
    """Snapshot and what the log holds after it, folded, and the place reached; an empty state for an unknown session.

    Raises Unavailable: BUS_UNAVAILABLE. NotFound: SESSION_NOT_FOUND when the log has lost events to retention.
    """
    for use_snapshot in (True, False):
        state, place = SessionState(), Place()
        stored = await load_snapshot(bus, session_id) if use_snapshot else None
        if stored is not None:
            place.stand_on(stored.snapshot, stored.stream_sequence)
            state.apply(stored.event)
        try:
            async with aclosing(_until_now(bus, session_id, place)) as events:
                async for event in events:
                    state.apply(event)
        except EventMissed:
            continue
        return state, place
    raise _truncated(session_id)


async def read_end(bus: Bus, session_id: str) -> SessionEnded | SessionFailed | None:
    """How the session ended; None when it has not, or is not known. Raises Unavailable: BUS_UNAVAILABLE."""
    last = await bus.last_message(SESSIONS_STREAM, durable_subject(session_id))
    if last is not None:
        payload = from_bytes(last.data).payload
        return payload if isinstance(payload, SessionEnded | SessionFailed) else None
    stored = await load_snapshot(bus, session_id)
    return None if stored is None else stored.snapshot.ended or stored.snapshot.failed


async def read_owner(bus: Bus, session_id: str) -> str | None:
    """Whose session it is: an account's id, "" for nobody's, None when there is no such session.

    The first event of a log says it, and where retention has taken that one, the snapshot. Raises Unavailable:
    BUS_UNAVAILABLE.
    """
    first = await bus.next_message(SESSIONS_STREAM, durable_subject(session_id), 1)
    payload = None if first is None else from_bytes(first.data).payload
    if isinstance(payload, SessionStarted):
        return payload.owner
    stored = await load_snapshot(bus, session_id)
    if stored is None or stored.snapshot.started is None:
        return None
    return stored.snapshot.started.owner


async def require_session(bus: Bus, session_id: str) -> None:
    """Raises NotFound: SESSION_NOT_FOUND when the bus holds nothing of it. Unavailable: BUS_UNAVAILABLE."""
    for subject in (durable_subject(session_id), tentative_subject(session_id)):
        if await bus.last_message(SESSIONS_STREAM, subject) is not None:
            return
    if await load_snapshot(bus, session_id) is None:
        raise unknown_session(session_id)


async def _snapshot_patiently(bus: Bus, session_id: str) -> StoredSnapshot | None:
    while True:
        try:
            return await load_snapshot(bus, session_id)
        except Unavailable as error:
            log.warning("bus.follow_waits", session_id=session_id, cause=error.message)


async def _skip_known(bus: Bus, session_id: str, place: Place) -> None:
    try:
        await skip_known(bus, session_id, place)
    except Unavailable as error:
        # Then what is known is read once more.
        log.info("bus.nothing_skipped", session_id=session_id, cause=error.message)


async def _live(bus: Bus, session_id: str, place: Place) -> AsyncGenerator[SessionEvent, None]:
    """Events after `place`, which moves along, until the terminal one. Raises EventMissed."""
    while True:
        try:
            async with ordered(bus, session_subjects(session_id), place.stream_sequence) as (pulled, _):
                while True:
                    message = await pulled.next()
                    event = from_bytes(message.data)
                    if place.admit(event, message.metadata.sequence.stream):
                        yield event
                    if is_terminal(event.payload):
                        return
        except (PullBroken, Unavailable) as broken:
            log.info("bus.follow_resumes", session_id=session_id, after=place.sequence, cause=str(broken))


async def _until_now(bus: Bus, session_id: str, place: Place) -> AsyncGenerator[SessionEvent, None]:
    """Events after `place`, which moves along, up to the newest. Raises EventMissed. Unavailable: BUS_UNAVAILABLE."""
    broken_at = -1
    while True:
        try:
            async with ordered(bus, session_subjects(session_id), place.stream_sequence) as (pulled, pending):
                read = 0
                while pending:
                    message = await pulled.next()
                    pending = message.metadata.num_pending
                    event = from_bytes(message.data)
                    if place.admit(event, message.metadata.sequence.stream):
                        yield event
                    read += 1
                    if read % _AT_A_TIME == 0:
                        await anyio.lowlevel.checkpoint()
            return
        except PullBroken as broken:
            if broken_at == place.stream_sequence:
                raise bus.unavailable(f"broke off twice: {broken}") from broken
            broken_at = place.stream_sequence
            log.info("bus.reading_resumes", session_id=session_id, after=place.sequence, cause=str(broken))


def unknown_session(session_id: str) -> NotFound:
    return NotFound(Reason.SESSION_NOT_FOUND, f"There is no session {session_id!r}.", session_id=session_id)


def _truncated(session_id: str) -> NotFound:
    return NotFound(
        Reason.SESSION_NOT_FOUND,
        f"The log of session {session_id!r} is no longer whole: its beginning is past retention.",
        session_id=session_id,
    )
