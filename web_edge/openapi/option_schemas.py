"""What may be asked of a transcription, as JSON schemas: the same for uploads, addresses, documents and `/ws/live`."""

from __future__ import annotations

from typing import Any, Final

from music.events import Separation
from music.player import DIFFICULTY_NAMES, MAX_STRETCH, STYLE_NAMES
from music.tuning import MAX_FRETS, MIN_FRETS, TUNINGS
from web_edge.rows import Priority

Json = dict[str, Any]

_WORD = {"type": "string", "maxLength": 64}
_FRET = {"type": "integer", "minimum": 1, "maximum": MAX_FRETS}
TUNING_NAME = {"type": "string", "enum": list(TUNINGS)}
PITCHES = {"type": "string", "pattern": r"^\d{2}(,\d{2}){3,7}$", "description": "of the open strings, string 1 first"}
PLAYER: Final[Json] = {
    "difficulty": {"type": "string", "enum": list(DIFFICULTY_NAMES)},
    "style": {"type": "string", "enum": list(STYLE_NAMES)},
    "max_stretch": {"type": "integer", "minimum": 1, "maximum": MAX_STRETCH},
    "lowest_fret": _FRET,
    "highest_fret": _FRET,
}
INSTRUMENT: Final[Json] = {
    "tuning": {"anyOf": [TUNING_NAME, PITCHES]},
    "capo": {"type": "integer", "minimum": 0, "maximum": 12},
    "fret_count": {**_FRET, "minimum": MIN_FRETS},
}
OPTIONS: Final[Json] = {
    **INSTRUMENT,
    **PLAYER,
    "transcriber": _WORD,
    "separation": {"type": "string", "enum": [kind.value for kind in Separation]},
    "priority": {"type": "string", "enum": [kind.value for kind in Priority]},
}
PITCH_LIST: Final[Json] = {
    "type": "array",
    "items": {"type": "integer"},
    "description": "of the open strings, string 1 first",
}
