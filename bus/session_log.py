"""A session's log on the bus: one writer at a time, many readers.

Durable events go to one subject, each published with the stream sequence of the one before it: a writer that another
has overtaken is refused (fenced). Tentative events go to a subject of their own and expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from uuid import uuid4

import anyio
import anyio.to_thread
from nats.js.errors import APIError, BadRequestError

from bus.connection import Bus
from bus.declarations import SNAPSHOTS_STREAM, snapshot_subject
from bus.messages import FENCE_HEADER, MESSAGE_ID_HEADER, STREAM_SEQUENCE_HEADER, from_bytes, message_id, to_bytes
from bus.reading import (
    follow,
    read_end,
    read_owner,
    read_rest,
    read_state,
    read_until_now,
    require_session,
    unknown_session,
)
from bus.snapshots import SnapshotDraft
from music.errors import Conflict, Reason
from music.events import SessionEvent, is_durable, snapshot_event
from music.session_state import SessionState
from wire.subjects import SESSIONS_STREAM, TENTATIVE_TTL, durable_subject, session_subjects, tentative_subject

__all__ = [
    "SessionLogWriter",
    "delete_session",
    "follow",
    "read_end",
    "read_owner",
    "read_rest",
    "read_state",
    "require_session",
    "unknown_session",
]

_WRONG_LAST_SEQUENCE = 10071

_SKIP_AFTER_EXPIRY = 1_000_000
"""Added to the last known sequence when the tentative tail has expired: readers may have seen numbers above it."""


class SessionLogWriter:
    """The one writer of a session's log during one attempt; made by `open`.

    Attributes:
        attempt: this writer's number, from 1.
        last_sequence: highest sequence handed in or found; the next event's must be above it.
        last_durable_sequence: the next durable event names it as the one before.
        state: what the log held when it was opened, what was tentative included; the caller's to use up.
    """

    def __init__(self, bus: Bus, session_id: str, state: SessionState, fence: int, timeout_s: float) -> None:
        self.session_id = session_id
        self.state = state
        self.attempt = state.attempt + 1
        self.last_sequence = state.sequence
        self.last_durable_sequence = state.durable_sequence
        self._bus = bus
        self._fence = fence
        self._timeout_s = timeout_s
        self._tentative_ttl_s = TENTATIVE_TTL.total_seconds()
        self._turn = anyio.Lock(fast_acquire=True)
        self._unsettled: SessionEvent | None = None
        self._draft = SnapshotDraft(session_id, bus.client.max_payload)
        self._writer = uuid4().hex

    @classmethod
    async def open(
        cls, bus: Bus, session_id: str, *, timeout_s: float = 10.0, tentative_ttl: timedelta = TENTATIVE_TTL
    ) -> SessionLogWriter:
        """Begin the next attempt at a session, the first one when nobody has written it yet.

        Args:
            bus: the connection.
            session_id: whose log.
            timeout_s: how long `append` and `save_snapshot` try before they give the bus up.
            tentative_ttl: how long tentative events live, whole seconds.

        Raises:
            Conflict: SESSION_EXISTS when the session is over.
            Unavailable: BUS_UNAVAILABLE.
        """
        state, place = await read_until_now(bus, session_id)
        if state.is_over:
            raise Conflict(
                Reason.SESSION_EXISTS,
                f"Session {session_id!r} is over already; begin a new one under another id.",
                session_id=session_id,
            )
        last_durable = await bus.last_message(SESSIONS_STREAM, durable_subject(session_id))
        fence = 0 if last_durable is None else place.durable_stream_sequence
        writer = cls(bus, session_id, state, fence, timeout_s)
        writer._tentative_ttl_s = tentative_ttl.total_seconds()
        if state.sequence:
            # Of a long session that is work for a while.
            await anyio.to_thread.run_sync(writer._draft.add, snapshot_event(session_id, state.snapshot()))
        await writer._go_above_tentative()
        return writer

    async def append(self, event: SessionEvent) -> None:
        """Publish one event; returns once it is stored. Calls are served in turn.

        Raises:
            Conflict: SESSION_SUPERSEDED when another writer has published meanwhile, or the session was deleted.
            Unavailable: BUS_UNAVAILABLE when nothing was acknowledged in time. The event may be stored nevertheless;
                the next append makes sure of it first.
            ValueError: for a sequence that is not above the last one, or another writer's attempt.
        """
        async with self._turn:
            if event.sequence <= self.last_sequence or event.attempt != self.attempt:
                raise ValueError(f"event {event.attempt}/{event.sequence} after {self.attempt}/{self.last_sequence}")
            if self._unsettled is not None:
                # A cancelled or timed-out append left it open whether this one is stored. The server knows its id.
                await self._publish_durable(self._unsettled)
            self.last_sequence = event.sequence
            if is_durable(event.payload):
                self.last_durable_sequence = event.sequence
                await self._publish_durable(event)
            else:
                await self._publish_tentative(event)

    async def save_snapshot(self) -> None:
        """Replace the session's snapshot by one of everything stored so far.

        Of a session that has become too long for it there are no more: its readers go on from the last one that was
        left. Raises Unavailable: BUS_UNAVAILABLE.
        """
        payload = self._draft.to_bytes()
        if payload is not None:
            headers = {STREAM_SEQUENCE_HEADER: str(self._fence)}
            await self._publish(snapshot_subject(self.session_id), payload, headers)

    async def _go_above_tentative(self) -> None:
        last = await self._bus.last_message(SESSIONS_STREAM, tentative_subject(self.session_id))
        if last is not None:
            event = from_bytes(last.data)
            self.last_sequence = max(self.last_sequence, event.sequence)
            self.attempt = max(self.attempt, event.attempt + 1)
        elif self.last_sequence > 0:
            self.last_sequence += _SKIP_AFTER_EXPIRY

    async def _publish_durable(self, event: SessionEvent) -> None:
        self._unsettled = event
        subject = durable_subject(self.session_id)
        headers = {MESSAGE_ID_HEADER: message_id(event, self._writer), FENCE_HEADER: str(self._fence)}
        try:
            self._fence = await self._publish(subject, to_bytes(event), headers)
        except BadRequestError as error:
            if error.err_code != _WRONG_LAST_SEQUENCE:
                raise self._bus.unavailable(f"refused an event: {error.description}") from error
            self._fence = await self._own_sequence(event)
        self._unsettled = None
        self._draft.add(event)

    async def _own_sequence(self, event: SessionEvent) -> int:
        """Where `event` lies if it is the subject's last: stored by an earlier try whose acknowledgement was lost.

        The server holds a message against the fence before it looks whether it knows its id.
        """
        last = await self._bus.last_message(SESSIONS_STREAM, durable_subject(self.session_id))
        if (
            last is not None
            and last.seq is not None
            and (last.headers or {}).get(MESSAGE_ID_HEADER) == message_id(event, self._writer)
        ):
            return last.seq
        raise Conflict(
            Reason.SESSION_SUPERSEDED,
            f"Another writer has taken session {self.session_id!r} over from attempt {self.attempt}, or deleted it.",
            session_id=self.session_id,
            attempt=self.attempt,
        )

    async def _publish_tentative(self, event: SessionEvent) -> None:
        headers = {MESSAGE_ID_HEADER: message_id(event, self._writer)}
        try:
            await self._publish(
                tentative_subject(self.session_id), to_bytes(event), headers, ttl_s=self._tentative_ttl_s
            )
        except BadRequestError as error:
            raise self._bus.unavailable(f"refused an event: {error.description}") from error

    async def _publish(
        self, subject: str, payload: bytes, headers: Mapping[str, str], *, ttl_s: float | None = None
    ) -> int:
        ack = await self._bus.patiently(
            lambda: self._bus.jetstream.publish(subject, payload, headers=dict(headers), msg_ttl=ttl_s),
            timeout_s=self._timeout_s,
        )
        return ack.seq


async def delete_session(bus: Bus, session_id: str) -> None:
    """Remove everything the bus holds of a session; one that is not there is no error.

    A writer still at work is fenced by it. Raises Unavailable: BUS_UNAVAILABLE.
    """
    purge = bus.jetstream.purge_stream
    try:
        # The log before the snapshot: a reader between the two finds an ended session, not half a log.
        await bus.patiently(partial(purge, SESSIONS_STREAM, subject=session_subjects(session_id)))
        await bus.patiently(partial(purge, SNAPSHOTS_STREAM, subject=snapshot_subject(session_id)))
    except APIError as error:
        raise bus.unavailable(f"refused to delete: {error.description}") from error
