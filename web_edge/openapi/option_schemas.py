"""What may be asked of a transcription, as JSON schemas: the same for uploads, addresses, documents and `/ws/live`."""

from __future__ import annotations

from typing import Any, Final

from music.beats import FASTEST_BPM, SLOWEST_BPM
from music.events import Separation
from music.player import DIFFICULTY_NAMES, MAX_STRETCH, STYLE_NAMES
from music.rhythm_locks import LONGEST_S, MOST_TAPS
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
SECONDS: Final[Json] = {"type": "number", "minimum": 0, "maximum": LONGEST_S}
LOCK: Final[Json] = {
    "tempo_bpm": {"type": ["number", "null"], "minimum": SLOWEST_BPM, "maximum": FASTEST_BPM},
    "time_signature": {"type": ["string", "null"], "description": "such as 3/4"},
    "bar_one_s": {**SECONDS, "type": ["number", "null"], "description": "where a bar begins"},
    "taps_s": {
        "type": ["array", "null"],
        "maxItems": MOST_TAPS,
        "items": SECONDS,
        "description": "where beats were tapped, rising",
    },
}
"""Null, or no taps, leaves it to be found; what is not said stays as it is."""
PITCH_LIST: Final[Json] = {
    "type": "array",
    "items": {"type": "integer"},
    "description": "of the open strings, string 1 first",
}
