from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NoteState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTE_STATE_UNSPECIFIED: _ClassVar[NoteState]
    NOTE_STATE_TENTATIVE: _ClassVar[NoteState]
    NOTE_STATE_COMMITTED: _ClassVar[NoteState]
    NOTE_STATE_ENDED: _ClassVar[NoteState]
    NOTE_STATE_RETRACTED: _ClassVar[NoteState]
NOTE_STATE_UNSPECIFIED: NoteState
NOTE_STATE_TENTATIVE: NoteState
NOTE_STATE_COMMITTED: NoteState
NOTE_STATE_ENDED: NoteState
NOTE_STATE_RETRACTED: NoteState

class Position(_message.Message):
    __slots__ = ("string", "fret", "cost")
    STRING_FIELD_NUMBER: _ClassVar[int]
    FRET_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    string: int
    fret: int
    cost: float
    def __init__(self, string: _Optional[int] = ..., fret: _Optional[int] = ..., cost: _Optional[float] = ...) -> None: ...

class PitchBend(_message.Message):
    __slots__ = ("time_s", "semitones")
    TIME_S_FIELD_NUMBER: _ClassVar[int]
    SEMITONES_FIELD_NUMBER: _ClassVar[int]
    time_s: float
    semitones: float
    def __init__(self, time_s: _Optional[float] = ..., semitones: _Optional[float] = ...) -> None: ...

class Technique(_message.Message):
    __slots__ = ("kind", "to", "confidence", "semitones")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SEMITONES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    to: str
    confidence: float
    semitones: float
    def __init__(self, kind: _Optional[str] = ..., to: _Optional[str] = ..., confidence: _Optional[float] = ..., semitones: _Optional[float] = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("id", "state", "onset_s", "offset_s", "pitch", "velocity", "confidence", "stability", "string", "fret", "alternatives", "bends", "techniques", "flags", "string_evidence")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ONSET_S_FIELD_NUMBER: _ClassVar[int]
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    PITCH_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    STABILITY_FIELD_NUMBER: _ClassVar[int]
    STRING_FIELD_NUMBER: _ClassVar[int]
    FRET_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    BENDS_FIELD_NUMBER: _ClassVar[int]
    TECHNIQUES_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    STRING_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: NoteState
    onset_s: float
    offset_s: float
    pitch: int
    velocity: float
    confidence: float
    stability: float
    string: int
    fret: int
    alternatives: _containers.RepeatedCompositeFieldContainer[Position]
    bends: _containers.RepeatedCompositeFieldContainer[PitchBend]
    techniques: _containers.RepeatedCompositeFieldContainer[Technique]
    flags: _containers.RepeatedScalarFieldContainer[str]
    string_evidence: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[NoteState, str]] = ..., onset_s: _Optional[float] = ..., offset_s: _Optional[float] = ..., pitch: _Optional[int] = ..., velocity: _Optional[float] = ..., confidence: _Optional[float] = ..., stability: _Optional[float] = ..., string: _Optional[int] = ..., fret: _Optional[int] = ..., alternatives: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., bends: _Optional[_Iterable[_Union[PitchBend, _Mapping]]] = ..., techniques: _Optional[_Iterable[_Union[Technique, _Mapping]]] = ..., flags: _Optional[_Iterable[str]] = ..., string_evidence: _Optional[_Iterable[float]] = ...) -> None: ...
