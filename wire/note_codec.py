"""Notes ↔ their messages. Sample indices become seconds, as everywhere in the codec."""

from __future__ import annotations

from music.audio import sample_at, seconds
from music.errors import InvalidInput, Reason
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.tuning import Position
from wire.gen.genesis.v1 import note_pb2

_STATES = {
    note_pb2.NOTE_STATE_TENTATIVE: NoteState.TENTATIVE,
    note_pb2.NOTE_STATE_COMMITTED: NoteState.COMMITTED,
    note_pb2.NOTE_STATE_ENDED: NoteState.ENDED,
    note_pb2.NOTE_STATE_RETRACTED: NoteState.RETRACTED,
}
_STATES_OUT = {value: key for key, value in _STATES.items()}


def encode_note(note: Note) -> note_pb2.Note:
    return note_pb2.Note(
        id=note.id,
        state=_STATES_OUT[note.state],
        onset_s=seconds(note.onset),
        offset_s=None if note.offset is None else seconds(note.offset),
        pitch=note.pitch,
        velocity=note.velocity,
        confidence=note.confidence,
        stability=note.stability,
        string=None if note.position is None else note.position.string,
        fret=None if note.position is None else note.position.fret,
        alternatives=[
            note_pb2.Position(string=other.position.string, fret=other.position.fret, cost=other.cost)
            for other in note.alternatives
        ],
        bends=[note_pb2.PitchBend(time_s=seconds(bend.at), semitones=bend.semitones) for bend in note.bends],
        techniques=[
            note_pb2.Technique(
                kind=technique.kind,
                to=technique.to,
                confidence=technique.confidence,
                semitones=technique.semitones,
            )
            for technique in note.techniques
        ],
        flags=note.flags,
        string_evidence=note.string_evidence,
    )


def decode_note(message: note_pb2.Note) -> Note:
    """Raises InvalidInput: REQUEST_INVALID for a note without a state or with a pitch outside 0..127."""
    state = _STATES.get(message.state)
    if state is None:
        raise InvalidInput(Reason.REQUEST_INVALID, f"Note {message.id!r} has no state.")
    if not 0 <= message.pitch <= 127:
        raise InvalidInput(Reason.REQUEST_INVALID, f"Note {message.id!r} has pitch {message.pitch}, not 0 to 127.")
    placed = message.HasField("string") and message.HasField("fret")
    return Note(
        id=message.id,
        state=state,
        onset=sample_at(message.onset_s),
        offset=sample_at(message.offset_s) if message.HasField("offset_s") else None,
        pitch=message.pitch,
        velocity=message.velocity,
        confidence=message.confidence,
        stability=message.stability,
        position=Position(message.string, message.fret) if placed else None,
        alternatives=tuple(
            Alternative(Position(other.string, other.fret), other.cost) for other in message.alternatives
        ),
        bends=tuple(PitchBend(sample_at(bend.time_s), bend.semitones) for bend in message.bends),
        techniques=tuple(map(_decode_technique, message.techniques)),
        flags=tuple(message.flags),
        string_evidence=tuple(message.string_evidence),
    )


def _decode_technique(message: note_pb2.Technique) -> Technique:
    semitones = message.semitones if message.HasField("semitones") else None
    return Technique(message.kind, message.to, message.confidence, semitones)
