from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Instrument(_message.Message):
    __slots__ = ("tuning", "capo", "fret_count")
    TUNING_FIELD_NUMBER: _ClassVar[int]
    CAPO_FIELD_NUMBER: _ClassVar[int]
    FRET_COUNT_FIELD_NUMBER: _ClassVar[int]
    tuning: _containers.RepeatedScalarFieldContainer[int]
    capo: int
    fret_count: int
    def __init__(self, tuning: _Optional[_Iterable[int]] = ..., capo: _Optional[int] = ..., fret_count: _Optional[int] = ...) -> None: ...
