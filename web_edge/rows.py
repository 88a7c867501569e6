"""Domain value ↔ table row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf import json_format
from sqlalchemy import RowMapping

from music.errors import GenesisError, Reason
from music.events import (
    EndReason,
    GapFound,
    ModelReference,
    RhythmLocked,
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
)
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.tuning import Position
from wire.config_codec import decode_config, encode_config
from wire.gen.genesis.v1 import rhythm_pb2, session_pb2
from wire.rhythm_codec import decode_locked, encode_locked


class Status(StrEnum):
    """Where a transcription stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Priority(StrEnum):
    """Which of two queues a job waits in."""

    HIGH = "high"
    NORMAL = "normal"


OVER = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Source(StrEnum):
    """Who feeds the session: a job of ours from a stored file, or somebody's stream."""

    UPLOAD = "upload"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Transcription:
    """One row, without its notes. `duration` and `processed_until` are sample indices; `url` and `video` are of a job
    that was given a video's address, `video` once it is fetched: strangers' words, to be escaped where they are shown.
    """

    id: str
    title: str
    status: Status
    source: Source
    priority: Priority
    audio_bytes: int | None
    audio_sha256: str | None
    config: SessionConfig
    models: tuple[ModelReference, ...]
    attempt: int
    durable_sequence: int
    processed_until: int
    duration: int | None
    end_reason: EndReason | None
    error: GenesisError | None
    started_at_ns: int | None
    created_at_ns: int
    owner: str = ""
    url: str | None = None
    video: Mapping[str, Any] | None = None
    separation: SeparationChosen | None = None
    rhythm: RhythmLocked | None = None

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def snapshot(self, notes: Iterable[Note], gaps: Iterable[GapFound]) -> SnapshotTaken:
        """The session as the database knows it, with its notes (by onset, then pitch) and gaps."""
        duration = self.duration or 0
        started = self.started_at_ns
        return SnapshotTaken(
            sequence=self.durable_sequence,
            attempt=self.attempt,
            processed_until=self.processed_until,
            started=None if started is None else SessionStarted(self.config, self.models, started, self.owner),
            notes=tuple(notes),
            gaps=tuple(gaps),
            separation=self.separation,
            rhythm_locks=() if self.rhythm is None else (self.rhythm,),
            ended=None if self.end_reason is None else SessionEnded(self.end_reason, duration),
            failed=None if self.error is None else SessionFailed(self.error.reason, self.error.message, duration),
        )


def config_to_json(config: SessionConfig) -> dict[str, Any]:
    return dict(json_format.MessageToDict(encode_config(config)))


def config_from_json(data: Mapping[str, Any]) -> SessionConfig:
    return decode_config(json_format.ParseDict(dict(data), session_pb2.SessionConfig(), ignore_unknown_fields=True))


def models_to_json(models: Iterable[ModelReference]) -> list[list[str]]:
    return [[model.role, model.name, model.sha256] for model in models]


def separation_to_json(chosen: SeparationChosen | None) -> list[Any] | None:
    if chosen is None:
        return None
    return [chosen.separation.value, chosen.start, chosen.cause, chosen.latency, chosen.voice_share]


def separation_from_json(data: list[Any] | None) -> SeparationChosen | None:
    return None if data is None else SeparationChosen(Separation(data[0]), *data[1:])


def locked_to_json(locked: RhythmLocked) -> dict[str, Any]:
    return dict(json_format.MessageToDict(encode_locked(locked)))


def locked_from_json(data: Mapping[str, Any] | None) -> RhythmLocked | None:
    if data is None:
        return None
    return decode_locked(json_format.ParseDict(dict(data), rhythm_pb2.RhythmLocked(), ignore_unknown_fields=True))


def transcription_from_row(row: RowMapping) -> Transcription:
    error = None
    if row["error_reason"] is not None:
        known = row["error_reason"] in Reason.__members__
        error = GenesisError(Reason(row["error_reason"]) if known else Reason.INTERNAL, row["error_message"])
    return Transcription(
        id=row["id"],
        title=row["title"],
        status=Status(row["status"]),
        source=Source(row["source"]),
        priority=Priority(row["priority"]),
        audio_bytes=row["audio_bytes"],
        audio_sha256=row["audio_sha256"],
        config=config_from_json(row["config"]),
        models=tuple(ModelReference(*model) for model in row["models"]),
        attempt=row["attempt"],
        durable_sequence=row["durable_sequence"],
        processed_until=row["processed_until"],
        duration=row["duration"],
        end_reason=None if row["end_reason"] is None else EndReason(row["end_reason"]),
        error=error,
        started_at_ns=row["started_at_ns"],
        created_at_ns=row["created_at_ns"],
        owner=row["owner"],
        url=row["url"],
        video=row["video"],
        separation=separation_from_json(row["separation"]),
        rhythm=locked_from_json(row["rhythm"]),
    )


def note_to_row(transcription_id: str, note: Note) -> dict[str, Any]:
    return {
        "transcription_id": transcription_id,
        "note_id": note.id,
        "state": note.state.value,
        "onset": note.onset,
        "offset": note.offset,
        "pitch": note.pitch,
        "velocity": note.velocity,
        "confidence": note.confidence,
        "string": None if note.position is None else note.position.string,
        "fret": None if note.position is None else note.position.fret,
        "extra": {
            "stability": note.stability,
            "alternatives": [[other.position.string, other.position.fret, other.cost] for other in note.alternatives],
            "bends": [[bend.at, bend.semitones] for bend in note.bends],
            "techniques": [
                [technique.kind, technique.to, technique.confidence, technique.semitones]
                for technique in note.techniques
            ],
            "flags": list(note.flags),
            "string_evidence": list(note.string_evidence),
        },
    }


def note_from_row(row: RowMapping) -> Note:
    extra = row["extra"]
    return Note(
        id=row["note_id"],
        state=NoteState(row["state"]),
        onset=row["onset"],
        pitch=row["pitch"],
        offset=row["offset"],
        velocity=row["velocity"],
        confidence=row["confidence"],
        stability=extra["stability"],
        position=None if row["string"] is None else Position(row["string"], row["fret"]),
        alternatives=tuple(Alternative(Position(string, fret), cost) for string, fret, cost in extra["alternatives"]),
        bends=tuple(PitchBend(at, semitones) for at, semitones in extra["bends"]),
        # Rows of an earlier version do not say how far a bend goes.
        techniques=tuple(Technique(*technique) for technique in extra["techniques"]),
        flags=tuple(extra["flags"]),
        # Rows of an earlier version lack it.
        string_evidence=tuple(extra.get("string_evidence", ())),
    )


def gap_to_row(transcription_id: str, gap: GapFound) -> dict[str, Any]:
    return {"transcription_id": transcription_id, "start": gap.start, "end": gap.end, "cause": gap.cause}


def gap_from_row(row: RowMapping) -> GapFound:
    return GapFound(row["start"], row["end"], row["cause"])
