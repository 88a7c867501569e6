from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Player(_message.Message):
    __slots__ = ("difficulty", "style", "max_stretch", "lowest_fret", "highest_fret")
    DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    MAX_STRETCH_FIELD_NUMBER: _ClassVar[int]
    LOWEST_FRET_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_FRET_FIELD_NUMBER: _ClassVar[int]
    difficulty: str
    style: str
    max_stretch: int
    lowest_fret: int
    highest_fret: int
    def __init__(self, difficulty: _Optional[str] = ..., style: _Optional[str] = ..., max_stretch: _Optional[int] = ..., lowest_fret: _Optional[int] = ..., highest_fret: _Optional[int] = ...) -> None: ...
