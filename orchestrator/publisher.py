"""From payloads to the session's log: numbers events, stores them, then hands them to the caller."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

from music.errors import Conflict, Reason, Unavailable
from music.events import NoteRevised, Payload, RhythmLocked, SessionEvent, is_durable
from music.note import SETTLED, Note, NoteState
from music.session_state import SessionState

SNAPSHOT_AFTER = 200
"""Durable events before the first snapshot."""
SNAPSHOT_GROWTH = 1.5
"""How much longer the log is at each further one: all snapshots of a session together are three times the last one."""

_log = logging.getLogger(__name__)


class EventSink(Protocol):
    """Where one attempt of a session writes its log.

    Attributes:
        attempt: which writer of this session this is, from 1.
        last_sequence, last_durable_sequence: of the newest events the log holds; 0 for none.
        state: what the log held when this attempt began; the publisher forgets in it what it need not know any more.
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

    async def save_snapshot(self) -> None:
        """Leave a folded state for readers that join late."""


class MemorySink:
    """For a session that nobody else reads: of its log only the fold is kept, in `folded`."""

    def __init__(self) -> None:
        self.attempt = 1
        self.last_sequence = self.last_durable_sequence = 0
        self.state = SessionState()
        self.folded = SessionState()

    async def append(self, event: SessionEvent) -> None:
        self.folded.apply(event)
        self.last_sequence = self.folded.sequence
        self.last_durable_sequence = self.folded.durable_sequence

    async def save_snapshot(self) -> None:
        pass


class Publisher:
    """One attempt's pen. It keeps none of what it has written.

    A later attempt hears the same notes again: durable ones that the log holds already are not repeated, what was
    tentative is retracted first, and nothing tentative is shown before the watermark the log has reached.

    Args:
        deliver: gets every event once the sink has stored it.
        now_ns: Unix time.
        snapshot_after: durable events before the first snapshot, and the fewest between two.
    """

    def __init__(
        self,
        session_id: str,
        sink: EventSink,
        deliver: Callable[[SessionEvent], Awaitable[None]],
        now_ns: Callable[[], int],
        snapshot_after: int = SNAPSHOT_AFTER,
    ) -> None:
        self.session_id = session_id
        self._sink = sink
        self._deliver = deliver
        self._now_ns = now_ns
        self._held = sink.state
        self._sequence = sink.last_sequence
        self._durable_sequence = sink.last_durable_sequence
        self._watermark = 0
        # Each note that is held stands for two events, or one; the exact number matters to nobody.
        self._durable_count = len(self._held.notes)
        self._snapshot_after = snapshot_after
        self._next_snapshot = self._durable_count + snapshot_after
        # What is heard is told by another task than what was found in it.
        self._turn = anyio.Lock()

    @property
    def held(self) -> SessionState:
        """What the log held before this attempt, less the notes that have been told again to their end."""
        return self._held

    async def retract_leftovers(self) -> None:
        """Take back what an earlier attempt left tentative."""
        for note in self._held.sorted_notes():
            if note.state is NoteState.TENTATIVE:
                del self._held.notes[note.id]
                taken_back = Note(note.id, NoteState.RETRACTED, note.onset, note.pitch)
                await self._append(NoteRevised(taken_back), self._held.processed_until)

    async def publish(self, payload: Payload, processed_until: int) -> None:
        """Store an event and hand it to the caller.

        Args:
            payload: what happened.
            processed_until: the watermark at this moment, a sample index; a lower one than before changes nothing.

        Raises:
            Conflict: SESSION_SUPERSEDED; SESSION_EXISTS when the log holds another note under the same id.
            Unavailable: BUS_UNAVAILABLE.
        """
        async with self._turn:
            if not self._holds(payload):
                await self._append(payload, max(processed_until, self._held.processed_until))
            if isinstance(payload, NoteRevised) and payload.note.state is NoteState.ENDED:
                self._held.notes.pop(payload.note.id, None)
            if self._durable_count >= self._next_snapshot:
                await self.save_snapshot()

    async def save_snapshot(self) -> None:
        """Leave a snapshot for late readers; the log itself is complete without it, so a failure is only logged."""
        grown = max(self._durable_count + self._snapshot_after, SNAPSHOT_GROWTH * self._durable_count)
        self._next_snapshot = round(grown)
        try:
            await self._sink.save_snapshot()
        except Unavailable as error:
            _log.warning("No snapshot of session %s: %s", self.session_id, error.message)

    def _holds(self, payload: Payload) -> bool:
        match payload:
            case NoteRevised(note):
                return self._is_told(note)
            case RhythmLocked(revision=revision):
                return revision <= self._held.lock_revision
        return False

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
        self._watermark = max(self._watermark, processed_until)
        event = SessionEvent(
            session_id=self.session_id,
            sequence=self._sequence + 1,
            attempt=self._sink.attempt,
            previous_durable_sequence=self._durable_sequence if durable else 0,
            processed_until=self._watermark,
            created_at_ns=self._now_ns(),
            payload=payload,
        )
        await self._sink.append(event)
        self._sequence = event.sequence
        if durable:
            self._durable_sequence = event.sequence
            self._durable_count += 1
        await self._deliver(event)
