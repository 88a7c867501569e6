"""Events for the tests of the bus, numbered and chained as a writer would."""

from __future__ import annotations

from bus.session_log import SessionLogWriter
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    NoteRevised,
    Payload,
    Progressed,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionStarted,
    is_durable,
)
from music.note import Note, NoteState
from music.tuning import Position

STARTED = SessionStarted(SessionConfig(AudioFormat(AudioEncoding.PCM_F32LE, 22050, 1)), (), 1_000)
ENDED = SessionEnded(EndReason.COMPLETED, 22050)


def note(number: int, state: NoteState = NoteState.COMMITTED) -> NoteRevised:
    """Note `n<number>`, a tenth of a second after the one before it."""
    return NoteRevised(
        Note(
            id=f"n{number}",
            state=state,
            onset=number * 2205,
            offset=None,
            pitch=64,
            velocity=0.5,
            confidence=0.5,
            stability=1.0,
            position=Position(1, 0),
        )
    )


def progress(received_until: int = 100) -> Progressed:
    return Progressed(received_until)


class Chain:
    """Makes one writer's events in order."""

    def __init__(self, session_id: str, attempt: int = 1, sequence: int = 0, durable_sequence: int = 0) -> None:
        self.session_id = session_id
        self.attempt = attempt
        self.sequence = sequence
        self.durable_sequence = durable_sequence

    @classmethod
    def after(cls, writer: SessionLogWriter) -> Chain:
        """The chain of a writer just opened."""
        return cls(writer.session_id, writer.attempt, writer.last_sequence, writer.last_durable_sequence)

    def next(self, payload: Payload) -> SessionEvent:
        self.sequence += 1
        durable = is_durable(payload)
        event = SessionEvent(
            session_id=self.session_id,
            sequence=self.sequence,
            attempt=self.attempt,
            previous_durable_sequence=self.durable_sequence if durable else 0,
            processed_until=0,
            created_at_ns=1_000,
            payload=payload,
        )
        if durable:
            self.durable_sequence = self.sequence
        return event

    def take(self, *payloads: Payload) -> list[SessionEvent]:
        return [self.next(payload) for payload in payloads]
