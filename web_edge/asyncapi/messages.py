"""The messages of `/ws` and `/ws/live`, those that go up and those that come down."""

from __future__ import annotations

from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor

from music.events import (
    BarsRevised,
    CadenceChanged,
    GapFound,
    HarmonyRevised,
    NoteRevised,
    Progressed,
    RhythmLocked,
    RunnerChanged,
    SeparationChosen,
    SessionEnded,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from web_edge.following import MAX_SEQUENCE
from web_edge.frames import FRAME_TYPES
from web_edge.openapi.option_schemas import LOCK, OPTIONS, PITCH_LIST, PITCHES, SECONDS, TUNING_NAME
from web_edge.options import LIVE_ENCODINGS
from wire.gen.genesis.v1 import event_pb2
from wire.json_schema import comment_on, reference_to
from wire.subjects import SESSION_ID_PATTERN

Json = dict[str, Any]

EVENT: Final = cast("Descriptor", event_pb2.SessionEvent.DESCRIPTOR)
MEMBERS: Final[dict[type, str]] = {
    SessionStarted: "started",
    NoteRevised: "note",
    BarsRevised: "bars",
    HarmonyRevised: "harmony",
    RhythmLocked: "rhythm",
    Progressed: "progress",
    CadenceChanged: "cadence",
    RunnerChanged: "runner",
    SeparationChosen: "separation",
    GapFound: "gap",
    SessionEnded: "ended",
    SessionFailed: "failed",
    SnapshotTaken: "snapshot",
}
"""The member of an event's JSON that holds it, by what it is."""

_ID: Final[Json] = {"type": "string", "pattern": SESSION_ID_PATTERN, "description": "of a session; a job's is the same"}
_SEQUENCE: Final[Json] = {
    "type": "integer",
    "minimum": 1,
    "description": "strictly increasing; resume after the last one",
}
_AFTER: Final[Json] = {
    "type": "integer",
    "minimum": 0,
    "exclusiveMaximum": MAX_SEQUENCE,
    "default": 0,
    "description": "the last sequence you have, 0 for none",
}
_PROBLEM: Final = reference_to("Problem")
_AN_ID: Final = "8c5be64b4f2b4a0f9d6d0c1a2b3c4d5e"
_LIVE_CONFIG: Final[Json] = {
    "type": "object",
    "required": ["encoding", "sample_rate_hz", "channel_count"],
    "properties": {
        "encoding": {"type": "string", "enum": list(LIVE_ENCODINGS), "description": "of the frames that follow"},
        "sample_rate_hz": {"type": "integer", "minimum": 1},
        "channel_count": {"type": "integer", "minimum": 1},
        **{name: schema for name, schema in OPTIONS.items() if name != "priority"},
        "tuning": {"anyOf": [TUNING_NAME, PITCHES, PITCH_LIST]},
    },
}


_LOCK: Final[Json] = {
    **LOCK,
    "at_s": {
        **SECONDS,
        "type": ["number", "null"],
        "description": "when it takes effect, on the session's clock: that of a rhythm:locked, to play a session again",
    },
}


def requests_to_follow() -> dict[str, Json]:
    """What a client of `/ws` may send, by name."""
    return {
        "subscribeJob": _request(
            "subscribe:job", "Follow a session or a job", {"id": _ID, "after_sequence": _AFTER}, ("id",), id=_AN_ID
        ),
        "resume": _request(
            "resume",
            "Go on with a session after a cut; the same as subscribe:job",
            {"id": _ID, "after_sequence": _AFTER},
            ("id",),
            id=_AN_ID,
            after_sequence=41,
        ),
        "unsubscribe": _request("unsubscribe", "Follow a session no longer", {"id": _ID}, ("id",), id=_AN_ID),
    }


def requests_to_play() -> dict[str, Json]:
    """What a client of `/ws/live` may send, by name: start, frames of audio, what is decided about the bars, stop."""
    example = {"encoding": "pcm_f32le", "sample_rate_hz": 48_000, "channel_count": 1}
    return {
        "start": _request(
            "start", "Configure the session; the first message", {"config": _LIVE_CONFIG}, ("config",), config=example
        ),
        "audio": {
            "name": "audio",
            "title": "A binary frame of samples",
            "summary": comment_on("genesis.v1.AudioChunk.data"),
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "contentEncoding": "binary", "minLength": 1},
        },
        "rhythmLock": _request(
            "rhythm:lock",
            "Draw the bars around what the player decides; rhythm:locked answers where that is something else",
            _LOCK,
            (),
            tempo_bpm=96,
            time_signature="3/4",
            bar_one_s=2.31,
        ),
        "stop": _request("stop", "No more audio comes; the session's last events follow", {}, ()),
    }


def frames() -> dict[str, Json]:
    """What comes down either socket, by name."""
    events = {_name(kind): _event_frame(kind) for kind in FRAME_TYPES if kind is not SessionFailed}
    return {
        **events,
        _name(SessionFailed): _frame(
            FRAME_TYPES[SessionFailed],
            "The session failed, or cannot be followed any further",
            "Nothing more comes of this session. `sequence` and `event` are there where its log says so itself.",
            {"id": _ID, "error": _PROBLEM, "sequence": _SEQUENCE, "event": _event(SessionFailed)},
            ("id", "error"),
        ),
        "error": _frame(
            "error",
            "Something that the client sent was wrong",
            "On /ws the socket stays open; on /ws/live it is closed, unless it was a rhythm:lock that was wrong.",
            {"error": _PROBLEM},
            ("error",),
        ),
        "heartbeat": _frame(
            "heartbeat",
            "A sign of life, every few seconds",
            "",
            {"time": {"type": "number", "description": "Unix time in seconds"}},
            ("time",),
        ),
    }


def _event_frame(kind: type) -> Json:
    member = MEMBERS.get(kind)
    held = None if member is None else EVENT.fields_by_name[member].message_type
    title = "An event of a newer version" if held is None else f"{held.name} of the log"
    said = "It keeps its place in the log; pass over it." if held is None else comment_on(held.full_name)
    members = {"id": _ID, "sequence": _SEQUENCE, "event": _event(kind)}
    return _frame(FRAME_TYPES[kind], title, said, members, tuple(members))


def _event(kind: type) -> Json:
    required = ["sessionId", "sequence", *([] if kind is UnknownEvent else [MEMBERS[kind]])]
    return {"allOf": [reference_to(EVENT.name), {"required": required}]}


def _frame(kind: str, title: str, summary: str, members: Json, required: tuple[str, ...]) -> Json:
    payload = {
        "type": "object",
        "required": ["type", *required],
        "properties": {"type": {"const": kind}, **members},
    }
    said = {"summary": summary} if summary else {}
    return {"name": kind, "title": title, **said, "contentType": "application/json", "payload": payload}


def _request(kind: str, title: str, members: Json, required: tuple[str, ...], **example: Any) -> Json:
    return {**_frame(kind, title, "", members, required), "examples": [{"payload": {"type": kind, **example}}]}


def _name(kind: type) -> str:
    """A frame's type as a document's key: sessionStarted for session:started."""
    first, *rest = FRAME_TYPES[kind].split(":")
    return first + "".join(word.capitalize() for word in rest)
