import datetime

from wire.gen.genesis.v1 import audio_pb2 as _audio_pb2
from wire.gen.genesis.v1 import error_pb2 as _error_pb2
from wire.gen.genesis.v1 import instrument_pb2 as _instrument_pb2
from wire.gen.genesis.v1 import note_pb2 as _note_pb2
from wire.gen.genesis.v1 import rhythm_pb2 as _rhythm_pb2
from wire.gen.genesis.v1 import player_pb2 as _player_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SeparationMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEPARATION_MODE_UNSPECIFIED: _ClassVar[SeparationMode]
    SEPARATION_MODE_OFF: _ClassVar[SeparationMode]
    SEPARATION_MODE_AUTO: _ClassVar[SeparationMode]
    SEPARATION_MODE_VOCALS_REMOVED: _ClassVar[SeparationMode]
    SEPARATION_MODE_GUITAR: _ClassVar[SeparationMode]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_COMPLETED: _ClassVar[EndReason]
    END_REASON_CANCELLED: _ClassVar[EndReason]
    END_REASON_DRAINED: _ClassVar[EndReason]
SEPARATION_MODE_UNSPECIFIED: SeparationMode
SEPARATION_MODE_OFF: SeparationMode
SEPARATION_MODE_AUTO: SeparationMode
SEPARATION_MODE_VOCALS_REMOVED: SeparationMode
SEPARATION_MODE_GUITAR: SeparationMode
END_REASON_UNSPECIFIED: EndReason
END_REASON_COMPLETED: EndReason
END_REASON_CANCELLED: EndReason
END_REASON_DRAINED: EndReason

class SeparationSchedule(_message.Message):
    __slots__ = ("window", "hop", "fade", "right")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    HOP_FIELD_NUMBER: _ClassVar[int]
    FADE_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    window: int
    hop: int
    fade: int
    right: int
    def __init__(self, window: _Optional[int] = ..., hop: _Optional[int] = ..., fade: _Optional[int] = ..., right: _Optional[int] = ...) -> None: ...

class SessionConfig(_message.Message):
    __slots__ = ("audio", "instrument", "transcriber", "separation", "session_id", "player", "separation_schedule")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIBER_FIELD_NUMBER: _ClassVar[int]
    SEPARATION_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAYER_FIELD_NUMBER: _ClassVar[int]
    SEPARATION_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    audio: _audio_pb2.AudioFormat
    instrument: _instrument_pb2.Instrument
    transcriber: str
    separation: SeparationMode
    session_id: str
    player: _player_pb2.Player
    separation_schedule: SeparationSchedule
    def __init__(self, audio: _Optional[_Union[_audio_pb2.AudioFormat, _Mapping]] = ..., instrument: _Optional[_Union[_instrument_pb2.Instrument, _Mapping]] = ..., transcriber: _Optional[str] = ..., separation: _Optional[_Union[SeparationMode, str]] = ..., session_id: _Optional[str] = ..., player: _Optional[_Union[_player_pb2.Player, _Mapping]] = ..., separation_schedule: _Optional[_Union[SeparationSchedule, _Mapping]] = ...) -> None: ...

class ModelReference(_message.Message):
    __slots__ = ("role", "name", "sha256")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    role: str
    name: str
    sha256: str
    def __init__(self, role: _Optional[str] = ..., name: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class SessionStarted(_message.Message):
    __slots__ = ("config", "models", "started_at", "owner")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    config: SessionConfig
    models: _containers.RepeatedCompositeFieldContainer[ModelReference]
    started_at: _timestamp_pb2.Timestamp
    owner: str
    def __init__(self, config: _Optional[_Union[SessionConfig, _Mapping]] = ..., models: _Optional[_Iterable[_Union[ModelReference, _Mapping]]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., owner: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("received_until_s", "duration_s")
    RECEIVED_UNTIL_S_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    received_until_s: float
    duration_s: float
    def __init__(self, received_until_s: _Optional[float] = ..., duration_s: _Optional[float] = ...) -> None: ...

class SeparationChosen(_message.Message):
    __slots__ = ("separation", "start_s", "cause", "latency_s", "voice_share")
    SEPARATION_FIELD_NUMBER: _ClassVar[int]
    START_S_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    LATENCY_S_FIELD_NUMBER: _ClassVar[int]
    VOICE_SHARE_FIELD_NUMBER: _ClassVar[int]
    separation: SeparationMode
    start_s: float
    cause: str
    latency_s: float
    voice_share: float
    def __init__(self, separation: _Optional[_Union[SeparationMode, str]] = ..., start_s: _Optional[float] = ..., cause: _Optional[str] = ..., latency_s: _Optional[float] = ..., voice_share: _Optional[float] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("start_s", "end_s", "cause")
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    start_s: float
    end_s: float
    cause: str
    def __init__(self, start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., cause: _Optional[str] = ...) -> None: ...

class CadenceChanged(_message.Message):
    __slots__ = ("cadence_s", "cause")
    CADENCE_S_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    cadence_s: float
    cause: str
    def __init__(self, cadence_s: _Optional[float] = ..., cause: _Optional[str] = ...) -> None: ...

class RunnerChanged(_message.Message):
    __slots__ = ("runner", "cause")
    RUNNER_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    runner: str
    cause: str
    def __init__(self, runner: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class SessionEnded(_message.Message):
    __slots__ = ("reason", "duration_s")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    reason: EndReason
    duration_s: float
    def __init__(self, reason: _Optional[_Union[EndReason, str]] = ..., duration_s: _Optional[float] = ...) -> None: ...

class SessionFailed(_message.Message):
    __slots__ = ("reason", "message", "duration_s")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    reason: _error_pb2.ErrorReason
    message: str
    duration_s: float
    def __init__(self, reason: _Optional[_Union[_error_pb2.ErrorReason, str]] = ..., message: _Optional[str] = ..., duration_s: _Optional[float] = ...) -> None: ...

class SessionSnapshot(_message.Message):
    __slots__ = ("session_id", "sequence", "attempt", "processed_until_s", "started", "notes", "gaps", "ended", "failed", "bars", "chords", "keys", "separation", "rhythm_locks")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_UNTIL_S_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    CHORDS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    SEPARATION_FIELD_NUMBER: _ClassVar[int]
    RHYTHM_LOCKS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    sequence: int
    attempt: int
    processed_until_s: float
    started: SessionStarted
    notes: _containers.RepeatedCompositeFieldContainer[_note_pb2.Note]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    ended: SessionEnded
    failed: SessionFailed
    bars: _containers.RepeatedCompositeFieldContainer[_rhythm_pb2.Bar]
    chords: _containers.RepeatedCompositeFieldContainer[_rhythm_pb2.ChordSpan]
    keys: _containers.RepeatedCompositeFieldContainer[_rhythm_pb2.KeySpan]
    separation: SeparationChosen
    rhythm_locks: _containers.RepeatedCompositeFieldContainer[_rhythm_pb2.RhythmLocked]
    def __init__(self, session_id: _Optional[str] = ..., sequence: _Optional[int] = ..., attempt: _Optional[int] = ..., processed_until_s: _Optional[float] = ..., started: _Optional[_Union[SessionStarted, _Mapping]] = ..., notes: _Optional[_Iterable[_Union[_note_pb2.Note, _Mapping]]] = ..., gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., ended: _Optional[_Union[SessionEnded, _Mapping]] = ..., failed: _Optional[_Union[SessionFailed, _Mapping]] = ..., bars: _Optional[_Iterable[_Union[_rhythm_pb2.Bar, _Mapping]]] = ..., chords: _Optional[_Iterable[_Union[_rhythm_pb2.ChordSpan, _Mapping]]] = ..., keys: _Optional[_Iterable[_Union[_rhythm_pb2.KeySpan, _Mapping]]] = ..., separation: _Optional[_Union[SeparationChosen, _Mapping]] = ..., rhythm_locks: _Optional[_Iterable[_Union[_rhythm_pb2.RhythmLocked, _Mapping]]] = ...) -> None: ...
