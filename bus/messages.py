"""Session events as messages: subject, headers, bytes; and the reader's place in a log."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from music.errors import InvalidInput, Reason
from music.events import SessionEvent, SnapshotTaken, is_durable
from wire import codec
from wire.gen.genesis.v1 import event_pb2

MESSAGE_ID_HEADER = "Nats-Msg-Id"
FENCE_HEADER = "Nats-Expected-Last-Subject-Sequence"
STREAM_SEQUENCE_HEADER = "Genesis-Stream-Sequence"
"""On snapshots: where in the sessions' stream the last event lies that the snapshot holds; readers go on after it."""


class EventMissed(Exception):
    """A durable event before this one never arrived."""


def message_id(event: SessionEvent, writer: str) -> str:
    """The same for every try to publish one event, so that the server keeps one of them.

    `writer` tells apart two that opened the same attempt at once, and one that begins anew after a deletion: the server
    would take the second one's event for a copy of the first one's and let it go by unfenced.
    """
    return f"{event.session_id}/{event.attempt}/{event.sequence}/{writer}"


def to_bytes(event: SessionEvent) -> bytes:
    return codec.encode_event(event).SerializeToString()


def from_bytes(data: bytes | None) -> SessionEvent:
    """Raises InvalidInput: REQUEST_INVALID for bytes that are no event."""
    try:
        message = event_pb2.SessionEvent.FromString(data or b"")
    except DecodeError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"A message on the bus is no session event: {error}.") from error
    return codec.decode_event(message)


@dataclass
class Place:
    """How far a reader has come in one session's log, and the rule of what it hands on.

    Attributes:
        sequence: of the last event handed on, or the one the reader said it has.
        durable_sequence: of the last durable event seen.
        stream_sequence: of the last message seen; reading goes on after it.
        durable_stream_sequence: of the last durable message seen; the next durable event is fenced with it.
        attempt: the newest writer heard.
    """

    sequence: int = 0
    durable_sequence: int = 0
    stream_sequence: int = 0
    durable_stream_sequence: int = 0
    attempt: int = 0

    def stand_on(self, snapshot: SnapshotTaken, stream_sequence: int) -> bool:
        """Go on from `snapshot`; whether it tells the reader something new."""
        if snapshot.sequence >= self.durable_sequence:
            self.durable_sequence = snapshot.sequence
            self.stream_sequence = self.durable_stream_sequence = stream_sequence
            self.attempt = max(self.attempt, snapshot.attempt)
        is_news = snapshot.sequence > self.sequence
        self.sequence = max(self.sequence, snapshot.sequence)
        return is_news

    def admit(self, event: SessionEvent, stream_sequence: int) -> bool:
        """Whether `event`, found at `stream_sequence`, is to be handed on: new, and not from a superseded writer.

        Raises EventMissed, and stays where it is, when a durable event is missing before this one.
        """
        durable = is_durable(event.payload)
        if durable and event.sequence > self.durable_sequence:
            if event.previous_durable_sequence != self.durable_sequence:
                raise EventMissed(event.previous_durable_sequence)
            self.durable_sequence = event.sequence
        if durable:
            self.durable_stream_sequence = max(self.durable_stream_sequence, stream_sequence)
        self.stream_sequence = max(self.stream_sequence, stream_sequence)
        # The fence refuses durable events of a superseded writer; its tentative ones may still trickle in.
        if event.sequence <= self.sequence or event.attempt < self.attempt:
            return False
        self.sequence, self.attempt = event.sequence, event.attempt
        return True
