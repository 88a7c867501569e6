from wire.gen.genesis.v1 import audio_pb2 as _audio_pb2
from wire.gen.genesis.v1 import event_pb2 as _event_pb2
from wire.gen.genesis.v1 import instrument_pb2 as _instrument_pb2
from wire.gen.genesis.v1 import note_pb2 as _note_pb2
from wire.gen.genesis.v1 import player_pb2 as _player_pb2
from wire.gen.genesis.v1 import rhythm_pb2 as _rhythm_pb2
from wire.gen.genesis.v1 import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamTranscribeRequest(_message.Message):
    __slots__ = ("config", "audio", "lock_rhythm")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    LOCK_RHYTHM_FIELD_NUMBER: _ClassVar[int]
    config: _session_pb2.SessionConfig
    audio: _audio_pb2.AudioChunk
    lock_rhythm: _rhythm_pb2.LockRhythm
    def __init__(self, config: _Optional[_Union[_session_pb2.SessionConfig, _Mapping]] = ..., audio: _Optional[_Union[_audio_pb2.AudioChunk, _Mapping]] = ..., lock_rhythm: _Optional[_Union[_rhythm_pb2.LockRhythm, _Mapping]] = ...) -> None: ...

class StreamTranscribeResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.SessionEvent
    def __init__(self, event: _Optional[_Union[_event_pb2.SessionEvent, _Mapping]] = ...) -> None: ...

class WatchSessionRequest(_message.Message):
    __slots__ = ("session_id", "after_sequence")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_sequence: int
    def __init__(self, session_id: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchSessionResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.SessionEvent
    def __init__(self, event: _Optional[_Union[_event_pb2.SessionEvent, _Mapping]] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.SessionSnapshot
    def __init__(self, session: _Optional[_Union[_session_pb2.SessionSnapshot, _Mapping]] = ...) -> None: ...

class GetStemRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetStemResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class ArrangeNotesRequest(_message.Message):
    __slots__ = ("instrument", "notes", "player", "pins")
    class PinsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    PLAYER_FIELD_NUMBER: _ClassVar[int]
    PINS_FIELD_NUMBER: _ClassVar[int]
    instrument: _instrument_pb2.Instrument
    notes: _containers.RepeatedCompositeFieldContainer[_note_pb2.Note]
    player: _player_pb2.Player
    pins: _containers.ScalarMap[str, int]
    def __init__(self, instrument: _Optional[_Union[_instrument_pb2.Instrument, _Mapping]] = ..., notes: _Optional[_Iterable[_Union[_note_pb2.Note, _Mapping]]] = ..., player: _Optional[_Union[_player_pb2.Player, _Mapping]] = ..., pins: _Optional[_Mapping[str, int]] = ...) -> None: ...

class ArrangeNotesResponse(_message.Message):
    __slots__ = ("notes",)
    NOTES_FIELD_NUMBER: _ClassVar[int]
    notes: _containers.RepeatedCompositeFieldContainer[_note_pb2.Note]
    def __init__(self, notes: _Optional[_Iterable[_Union[_note_pb2.Note, _Mapping]]] = ...) -> None: ...
