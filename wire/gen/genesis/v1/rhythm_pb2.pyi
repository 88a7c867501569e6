from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Standing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANDING_UNSPECIFIED: _ClassVar[Standing]
    STANDING_TENTATIVE: _ClassVar[Standing]
    STANDING_COMMITTED: _ClassVar[Standing]
STANDING_UNSPECIFIED: Standing
STANDING_TENTATIVE: Standing
STANDING_COMMITTED: Standing

class Bar(_message.Message):
    __slots__ = ("number", "beats_s", "end_s", "count", "unit", "confidence", "swing")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BEATS_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SWING_FIELD_NUMBER: _ClassVar[int]
    number: int
    beats_s: _containers.RepeatedScalarFieldContainer[float]
    end_s: float
    count: int
    unit: int
    confidence: float
    swing: float
    def __init__(self, number: _Optional[int] = ..., beats_s: _Optional[_Iterable[float]] = ..., end_s: _Optional[float] = ..., count: _Optional[int] = ..., unit: _Optional[int] = ..., confidence: _Optional[float] = ..., swing: _Optional[float] = ...) -> None: ...

class BarsRevised(_message.Message):
    __slots__ = ("standing", "bars", "revision")
    STANDING_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    standing: Standing
    bars: _containers.RepeatedCompositeFieldContainer[Bar]
    revision: int
    def __init__(self, standing: _Optional[_Union[Standing, str]] = ..., bars: _Optional[_Iterable[_Union[Bar, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class TimeSignature(_message.Message):
    __slots__ = ("count", "unit")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    count: int
    unit: int
    def __init__(self, count: _Optional[int] = ..., unit: _Optional[int] = ...) -> None: ...

class RhythmLock(_message.Message):
    __slots__ = ("tempo_bpm", "time_signature", "bar_one_s", "taps_s")
    TEMPO_BPM_FIELD_NUMBER: _ClassVar[int]
    TIME_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    BAR_ONE_S_FIELD_NUMBER: _ClassVar[int]
    TAPS_S_FIELD_NUMBER: _ClassVar[int]
    tempo_bpm: float
    time_signature: TimeSignature
    bar_one_s: float
    taps_s: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, tempo_bpm: _Optional[float] = ..., time_signature: _Optional[_Union[TimeSignature, _Mapping]] = ..., bar_one_s: _Optional[float] = ..., taps_s: _Optional[_Iterable[float]] = ...) -> None: ...

class LockRhythm(_message.Message):
    __slots__ = ("lock", "at_s")
    LOCK_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    lock: RhythmLock
    at_s: float
    def __init__(self, lock: _Optional[_Union[RhythmLock, _Mapping]] = ..., at_s: _Optional[float] = ...) -> None: ...

class RhythmLocked(_message.Message):
    __slots__ = ("lock", "revision", "at_s", "start_s")
    LOCK_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    START_S_FIELD_NUMBER: _ClassVar[int]
    lock: RhythmLock
    revision: int
    at_s: float
    start_s: float
    def __init__(self, lock: _Optional[_Union[RhythmLock, _Mapping]] = ..., revision: _Optional[int] = ..., at_s: _Optional[float] = ..., start_s: _Optional[float] = ...) -> None: ...

class ChordSpan(_message.Message):
    __slots__ = ("start_s", "end_s", "symbol", "confidence")
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    start_s: float
    end_s: float
    symbol: str
    confidence: float
    def __init__(self, start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., symbol: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class KeySpan(_message.Message):
    __slots__ = ("start_s", "end_s", "key", "confidence")
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    start_s: float
    end_s: float
    key: str
    confidence: float
    def __init__(self, start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., key: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class HarmonyRevised(_message.Message):
    __slots__ = ("standing", "chords", "keys")
    STANDING_FIELD_NUMBER: _ClassVar[int]
    CHORDS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    standing: Standing
    chords: _containers.RepeatedCompositeFieldContainer[ChordSpan]
    keys: _containers.RepeatedCompositeFieldContainer[KeySpan]
    def __init__(self, standing: _Optional[_Union[Standing, str]] = ..., chords: _Optional[_Iterable[_Union[ChordSpan, _Mapping]]] = ..., keys: _Optional[_Iterable[_Union[KeySpan, _Mapping]]] = ...) -> None: ...
