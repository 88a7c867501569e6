import datetime

from wire.gen.genesis.v1 import note_pb2 as _note_pb2
from wire.gen.genesis.v1 import rhythm_pb2 as _rhythm_pb2
from wire.gen.genesis.v1 import session_pb2 as _session_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionEvent(_message.Message):
    __slots__ = ("session_id", "sequence", "attempt", "previous_durable_sequence", "processed_until_s", "created_at", "started", "note", "progress", "gap", "ended", "failed", "snapshot", "cadence", "bars", "harmony", "rhythm", "separation", "runner")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DURABLE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_UNTIL_S_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CADENCE_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    HARMONY_FIELD_NUMBER: _ClassVar[int]
    RHYTHM_FIELD_NUMBER: _ClassVar[int]
    SEPARATION_FIELD_NUMBER: _ClassVar[int]
    RUNNER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    sequence: int
    attempt: int
    previous_durable_sequence: int
    processed_until_s: float
    created_at: _timestamp_pb2.Timestamp
    started: _session_pb2.SessionStarted
    note: _note_pb2.Note
    progress: _session_pb2.Progress
    gap: _session_pb2.Gap
    ended: _session_pb2.SessionEnded
    failed: _session_pb2.SessionFailed
    snapshot: _session_pb2.SessionSnapshot
    cadence: _session_pb2.CadenceChanged
    bars: _rhythm_pb2.BarsRevised
    harmony: _rhythm_pb2.HarmonyRevised
    rhythm: _rhythm_pb2.RhythmLocked
    separation: _session_pb2.SeparationChosen
    runner: _session_pb2.RunnerChanged
    def __init__(self, session_id: _Optional[str] = ..., sequence: _Optional[int] = ..., attempt: _Optional[int] = ..., previous_durable_sequence: _Optional[int] = ..., processed_until_s: _Optional[float] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started: _Optional[_Union[_session_pb2.SessionStarted, _Mapping]] = ..., note: _Optional[_Union[_note_pb2.Note, _Mapping]] = ..., progress: _Optional[_Union[_session_pb2.Progress, _Mapping]] = ..., gap: _Optional[_Union[_session_pb2.Gap, _Mapping]] = ..., ended: _Optional[_Union[_session_pb2.SessionEnded, _Mapping]] = ..., failed: _Optional[_Union[_session_pb2.SessionFailed, _Mapping]] = ..., snapshot: _Optional[_Union[_session_pb2.SessionSnapshot, _Mapping]] = ..., cadence: _Optional[_Union[_session_pb2.CadenceChanged, _Mapping]] = ..., bars: _Optional[_Union[_rhythm_pb2.BarsRevised, _Mapping]] = ..., harmony: _Optional[_Union[_rhythm_pb2.HarmonyRevised, _Mapping]] = ..., rhythm: _Optional[_Union[_rhythm_pb2.RhythmLocked, _Mapping]] = ..., separation: _Optional[_Union[_session_pb2.SeparationChosen, _Mapping]] = ..., runner: _Optional[_Union[_session_pb2.RunnerChanged, _Mapping]] = ...) -> None: ...
