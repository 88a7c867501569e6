"""Snapshots: what a writer leaves for readers that join late, and how they find it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread
import structlog

from bus.connection import Bus
from bus.declarations import SNAPSHOTS_STREAM, snapshot_subject
from bus.messages import STREAM_SEQUENCE_HEADER, from_bytes, to_bytes
from music.events import NoteRevised, SessionEvent, SnapshotTaken, snapshot_event
from music.note import Note, NoteState
from music.session_state import SessionState, by_onset
from wire.gen.genesis.v1 import event_pb2, session_pb2
from wire.note_codec import encode_note

_MOST_BYTES = 1 << 20
"""Of a snapshot, about an hour of music. A session's writer keeps no more, and a reader is not stunned by it."""
_HEADER_BYTES = 4096
"""Room for headers in a message: the server counts them with the rest."""

_INLINE_BYTES = 1 << 14

log = structlog.get_logger(__name__)


class SnapshotDraft:
    """A session's next snapshot, kept nearly ready to send by its writer.

    A note that has ended never changes again, so it is encoded once and forgotten; a snapshot then costs a copy, and a
    session as much memory as its snapshot has bytes. Once it is too large there will be no further snapshot, and the
    draft holds nothing any more.

    Args:
        session_id: whose.
        max_payload_bytes: the server's largest message.
    """

    def __init__(self, session_id: str, max_payload_bytes: int) -> None:
        self._session_id = session_id
        self._limit_bytes = min(_MOST_BYTES, max_payload_bytes - _HEADER_BYTES)
        self._rest = SessionState()
        self._ended = bytearray()
        self.is_given_up = False

    @property
    def size_bytes(self) -> int:
        """Of the notes that have ended."""
        return len(self._ended)

    def add(self, event: SessionEvent) -> None:
        """Fold in the log's next event, or a snapshot of all before."""
        if self.is_given_up:
            return
        self._rest.apply(event)
        match event.payload:
            case NoteRevised(note):
                self._put_away(note)
            case SnapshotTaken(notes=notes):
                for note in notes:
                    self._put_away(note)

    def to_bytes(self) -> bytes | None:
        """The snapshot as a message; None once it is too large."""
        if self.is_given_up:
            return None
        rest = to_bytes(snapshot_event(self._session_id, self._rest.snapshot()))
        size_bytes = len(self._ended) + len(rest)
        if size_bytes > self._limit_bytes:
            self._give_up(size_bytes)
            return None
        return b"".join((self._ended, rest))

    def _put_away(self, note: Note) -> None:
        if note.state is not NoteState.ENDED or self.is_given_up:
            return
        self._rest.notes.pop(note.id, None)
        # Messages of protobuf that are strung together are one message: lists are joined.
        part = event_pb2.SessionEvent(snapshot=session_pb2.SessionSnapshot(notes=[encode_note(note)]))
        self._ended += part.SerializeToString()
        if len(self._ended) > self._limit_bytes:
            self._give_up(len(self._ended))

    def _give_up(self, size_bytes: int) -> None:
        log.info("bus.snapshot_too_large", session_id=self._session_id, size_bytes=size_bytes)
        self.is_given_up = True
        self._rest = SessionState()
        self._ended = bytearray()


@dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot as an event, and the stream sequence of the last message it holds (0: not known)."""

    event: SessionEvent
    snapshot: SnapshotTaken
    stream_sequence: int


async def load_snapshot(bus: Bus, session_id: str) -> StoredSnapshot | None:
    """The newest one of a session, its notes by onset. Raises Unavailable: BUS_UNAVAILABLE."""
    message = await bus.last_message(SNAPSHOTS_STREAM, snapshot_subject(session_id))
    if message is None or not message.data:
        return None
    read = partial(_read, message.data)
    event = read() if len(message.data) <= _INLINE_BYTES else await anyio.to_thread.run_sync(read)
    if not isinstance(event.payload, SnapshotTaken):
        return None
    return StoredSnapshot(event, event.payload, int((message.headers or {}).get(STREAM_SEQUENCE_HEADER, "0")))


def _read(data: bytes) -> SessionEvent:
    event = from_bytes(data)
    if isinstance(event.payload, SnapshotTaken):
        notes = tuple(sorted(event.payload.notes, key=by_onset))
        return replace(event, payload=replace(event.payload, notes=notes))
    return event
