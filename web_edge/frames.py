"""What goes down a WebSocket: JSON text frames."""

from __future__ import annotations

import json
import time
from functools import cached_property
from typing import Final

from google.protobuf import json_format

from music.errors import GenesisError
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
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from wire.codec import encode_event
from wire.errors import to_problem

FRAME_TYPES: Final[dict[type, str]] = {
    SessionStarted: "session:started",
    NoteRevised: "note",
    BarsRevised: "bar",
    HarmonyRevised: "harmony",
    RhythmLocked: "rhythm:locked",
    Progressed: "progress:update",
    CadenceChanged: "cadence:changed",
    RunnerChanged: "runner:changed",
    SeparationChosen: "separation:chosen",
    GapFound: "gap",
    SessionEnded: "job:complete",
    SessionFailed: "job:error",
    SnapshotTaken: "snapshot",
    UnknownEvent: "unknown",
}


class EventFrame:
    """An event and its frame, which is made once, however many read it."""

    def __init__(self, event: SessionEvent) -> None:
        self.event = event

    @cached_property
    def text(self) -> str:
        return event_frame(self.event)


def event_frame(event: SessionEvent) -> str:
    """One event of a session's log; `event` in it is proto3 JSON, lowerCamelCase, 64-bit numbers as strings.

    A failure's frame carries the problem too, as every `job:error` does.
    """
    frame: dict[str, object] = {
        "type": FRAME_TYPES[type(event.payload)],
        "id": event.session_id,
        "sequence": event.sequence,
        "event": json_format.MessageToDict(encode_event(event)),
    }
    if isinstance(event.payload, SessionFailed):
        frame["error"] = to_problem(GenesisError(event.payload.reason, event.payload.message))
    return _text(frame)


def broken_frame(session_id: str, error: GenesisError) -> str:
    """A session that cannot be followed any further, for a reason that does not stand in its log."""
    return _text({"type": "job:error", "id": session_id, "error": to_problem(error)})


def error_frame(error: GenesisError) -> str:
    """What was wrong with something the client sent."""
    return _text({"type": "error", "error": to_problem(error)})


def heartbeat_frame() -> str:
    """`time` is Unix time in seconds."""
    return _text({"type": "heartbeat", "time": round(time.time(), 3)})


def _text(frame: dict[str, object]) -> str:
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
