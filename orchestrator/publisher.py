"""From payloads to the session's log: numbers events, stores them, then hands them to the caller."""

from __future__ import annotations

import copy
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from music.errors import Conflict, Reason, Unavailable
from music.events import NoteRevised, Payload, SessionEvent, SnapshotTaken, is_durable
from music.note import SETTLED, Note, NoteState
from music.session_state import SessionState

SNAPSHOT_EVERY = 200

_log = logging.getLogger(__name__)


class EventSink(Protocol):
    """Where one attempt of a session writes its log.

    Attributes:
        attempt: which writer of this session this is, from 1.
        last_sequence, last_durable_sequence: of the newest events the log holds; 0 for none.
        state: what the log held when this attempt began.
    """

    @property
    def attempt(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def last_durable_sequence(self) -> int: ...
    @property
    def state(self) -> SessionState: ...

    async def append(self, event: SessionEvent) -> None:
        """Returns once the event is stored.

        Raises:
            Conflict: SESSION_SUPERSEDED, another attempt writes this log now.
            Unavailable: BUS_UNAVAILABLE.
        """

    async def save_snapshot(self, snapshot: SnapshotTaken) -> None:
        """Leave a folded state for readers that join late."""


class MemorySink:
    """A log in memory: what the command line writes to, and the tests read."""

    def __init__(self, held: list[SessionEvent] | None = None) -> None:
        self.events: list[SessionEvent] = list(held or [])
        self.snapshots: list[SnapshotTaken] = []
        self.state = SessionState()
        for event in self.events:
            self.state.apply(event)
        self.attempt = self.state.attempt + 1
        self.last_sequence = self.state.sequence
        self.last_durable_sequence = self.state.durable_sequence

    async def append(self, event: SessionEvent) -> None:
        self.events.append(event)
        self.last_sequence = event.sequence
        if is_durable(event.payload):
            self.last_durable_sequence = event.sequence

    async def save_snapshot(self, snapshot: SnapshotTaken) -> None:
        self.snapshots.append(snapshot)


class Publisher:
    """One attempt's pen.

    A later attempt hears the same notes again: durable ones that the log holds already are not repeated, what was
    tentative is retracted first, and nothing tentative is shown before the watermark the log has reached.

    Args:
        deliver: gets every event once the sink has stored it.
        now_ns: Unix time.
        snapshot_every: durable events between two snapshots.
    """

    def __init__(
        self,
        session_id: str,
        sink: EventSink,
        deliver: Callable[[SessionEvent], Awaitable[None]],
        now_ns: Callable[[], int],
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.session_id = session_id
        self._sink = sink
        self._deliver = deliver
        self._now_ns = now_ns
        self._snapshot_every = snapshot_every
        self._held = copy.deepcopy(sink.state)
        self._state = copy.deepcopy(sink.state)
        self._sequence = sink.last_sequence
        self._durable_sequence = sink.last_durable_sequence
        self._since_snapshot = 0

    @property
    def state(self) -> SessionState:
        """The session as this pen has written it, the earlier attempts' events included."""
        return self._state

    @property
    def held(self) -> SessionState:
        """What the log held before this attempt."""
        return self._held

    async def retract_leftovers(self) -> None:
        """Take back what an earlier attempt left tentative."""
        for note in self._held.sorted_notes():
            if note.state is NoteState.TENTATIVE:
                taken_back = Note(note.id, NoteState.RETRACTED, note.onset, note.pitch)
                await self._append(NoteRevised(taken_back), self._held.processed_until)

    async def publish(self, payload: Payload, processed_until: int) -> None:
        """Store an event and hand it to the caller.

        Args:
            payload: what happened.
            processed_until: the watermark at this moment, a sample index.

        Raises:
            Conflict: SESSION_SUPERSEDED; SESSION_EXISTS when the log holds another note under the same id.
            Unavailable: BUS_UNAVAILABLE.
        """
        if isinstance(payload, NoteRevised) and self._is_told(payload.note):
            return
        await self._append(payload, max(processed_until, self._held.processed_until))
        if is_durable(payload):
            self._since_snapshot += 1
        if self._since_snapshot >= self._snapshot_every:
            await self.save_snapshot()

    async def save_snapshot(self) -> None:
        """Leave a snapshot for late readers; the log itself is complete without it, so a failure is only logged."""
        self._since_snapshot = 0
        try:
            await self._sink.save_snapshot(self._state.snapshot())
        except Unavailable as error:
            _log.warning("No snapshot of session %s: %s", self.session_id, error.message)

    def _is_told(self, note: Note) -> bool:
        held = self._held.notes.get(note.id)
        if held is None or held.state not in SETTLED:
            return note.state not in SETTLED and note.onset < self._held.processed_until
        if note.state not in SETTLED:
            return True
        if (held.onset, held.pitch, held.position) != (note.onset, note.pitch, note.position):
            raise Conflict(
                Reason.SESSION_EXISTS,
                f"Session {self.session_id} already holds other notes than this audio gives. "
                "Send the same audio from its beginning, or name a new session.",
            )
        return held.state is NoteState.ENDED or note.state is NoteState.COMMITTED

    async def _append(self, payload: Payload, processed_until: int) -> None:
        durable = is_durable(payload)
        event = SessionEvent(
            session_id=self.session_id,
            sequence=self._sequence + 1,
            attempt=self._sink.attempt,
            previous_durable_sequence=self._durable_sequence if durable else 0,
            processed_until=processed_until,
            created_at_ns=self._now_ns(),
            payload=payload,
        )
        await self._sink.append(event)
        self._sequence = event.sequence
        if durable:
            self._durable_sequence = event.sequence
        self._state.apply(event)
        await self._deliver(event)
