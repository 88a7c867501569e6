"""Pieces to export: what a player meets, and what nobody should meet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from music.document import SCHEMA
from music.tuning import TUNINGS

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_QUARTER_S = 0.5


def document(notes: Iterable[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A file of the schema; every note gets an id, and its pitch from its place where it has none."""
    tuning, capo = fields.get("tuning", list(TUNINGS["standard"])), fields.get("capo", 0)
    written = []
    for index, note in enumerate(notes):
        pitch = note["pitch"] if "pitch" in note else tuning[note["string"] - 1] + capo + note["fret"]
        written.append({"id": f"n{index}", "velocity": 0.8, "confidence": 0.9, **note, "pitch": pitch})
    return {"schema": SCHEMA, "duration_s": 8.0, "tuning": tuning, "capo": capo, "notes": written, **fields}


def placed(onset_s: float, string: int, fret: int, length_s: float = 0.45, **more: Any) -> dict[str, Any]:
    """A note on the neck."""
    return {"onset_s": onset_s, "offset_s": onset_s + length_s, "string": string, "fret": fret, **more}


def _technique(kind: str, to: str = "") -> list[dict[str, Any]]:
    return [{"kind": kind, "to": to, "confidence": 0.8}]


def techniques() -> dict[str, Any]:
    """Every technique there is, a triplet, a syncope, two voices, chord symbols and a key with flats."""
    bend = [{"time_s": 2.0, "semitones": 0.0}, {"time_s": 2.2, "semitones": 2.0}, {"time_s": 2.4, "semitones": 0.5}]
    notes = [
        placed(0.0, 6, 3, 1.9),
        placed(0.0, 3, 5, techniques=_technique("hammer_on", "n2")),
        placed(0.5, 3, 7, techniques=_technique("pull_off", "n3")),
        placed(1.0, 3, 5, techniques=_technique("slide", "n4")),
        placed(1.5, 3, 9, techniques=_technique("vibrato")),
        placed(2.0, 2, 8, 0.9, techniques=_technique("bend"), bends=bend),
        *(placed(3.0 + n * _QUARTER_S / 3, 1, n, 0.15) for n in range(3)),
        placed(3.75, 4, 2, 1.0),
        placed(5.0, 5, 0, 2.9, techniques=_technique("let_ring")),
        *(placed(6.0, string, fret) for string, fret in ((1, 1), (2, 1), (3, 0), (4, 3))),
    ]
    chords = [
        {"start_s": 0.0, "end_s": 2.0, "symbol": "D#:maj7", "confidence": 0.9},
        {"start_s": 2.0, "end_s": 4.0, "symbol": "G:min7/b3", "confidence": 0.9},
        {"start_s": 4.0, "end_s": 6.0, "symbol": "N", "confidence": 0.9},
        {"start_s": 6.0, "end_s": 8.0, "symbol": "A#:7", "confidence": 0.9},
    ]
    return document(notes, tempo_bpm=120.0, time_signature="4/4", key="D#:major", chords=chords, title="Techniques")


def metres() -> dict[str, Any]:
    """A pickup, 3/4, 6/8 and 5/4 with a tempo that moves, and a capo."""
    bars: list[dict[str, Any]] = []
    at, number = 1.0, 0
    for signature, beats, beat_s in (
        ("3/4", 1, 0.5),
        ("3/4", 3, 0.5),
        ("6/8", 2, 0.7),
        ("5/4", 5, 0.4),
        ("5/4", 5, 0.45),
    ):
        times = [round(at + n * beat_s, 5) for n in range(beats)]
        at = round(at + beats * beat_s, 5)
        bars.append({"number": number, "time_signature": signature, "beats_s": times, "end_s": at, "confidence": 0.9})
    notes = [placed(time, 1 + index % 6, index % 5) for index, bar in enumerate(bars) for time in bar["beats_s"]]
    return document(notes, bars=bars, capo=3, title="Metres")


def scale(tuning: str) -> dict[str, Any]:
    """A note on every string of a tuning, down and up."""
    strings = [*range(1, len(TUNINGS[tuning]) + 1), *range(len(TUNINGS[tuning]), 0, -1)]
    notes = [placed(n * 0.25, string, n % 4, 0.24) for n, string in enumerate(strings)]
    return document(notes, tuning=list(TUNINGS[tuning]), tempo_bpm=120.0, title=tuning)


def free_time() -> dict[str, Any]:
    """Rubato without beats: the bars are found, and unsure."""
    times = [0.0, 0.61, 1.02, 1.9, 2.25, 3.4, 3.9, 4.2, 5.6, 6.1, 6.3, 7.7]
    return document([placed(time, 1 + n % 3, n % 7, 0.3) for n, time in enumerate(times)], title="Free time")


def made() -> dict[str, dict[str, Any]]:
    """The pieces that are always there."""
    tunings = ("bass", "ukulele", "seven_string", "eight_string")
    return {
        "techniques": techniques(),
        "metres": metres(),
        "free time": free_time(),
        **{name.replace("_", " "): scale(name) for name in tunings},
    }


def hostile() -> dict[str, dict[str, Any]]:
    """What must neither crash a writer nor a reader."""
    wall = [placed(0.0, 1, fret, 0.0) for fret in range(12)]
    return {
        "empty": document([]),
        "zero length": document([placed(1.0, 2, 3, 0.0), {**placed(2.0, 2, 3), "offset_s": None}]),
        "all at once": document(wall),
        "outside every bar": document(
            [placed(0.0, 1, 0), placed(60.0, 1, 0)],
            bars=[{"number": 1, "time_signature": "4/4", "beats_s": [20.0, 20.5, 21.0, 21.5], "end_s": 22.0}],
        ),
        "unplayable": document([{"onset_s": 0.5, "offset_s": 1.0, "pitch": 20, "flags": ["out_of_range"]}]),
        "huge tempo": document([placed(n * 0.1, 1, n) for n in range(20)], tempo_bpm=1e6),
        "no tempo": document([placed(n * 3.0, 1, n) for n in range(5)], tempo_bpm=0.0),
        "odd metre": document([placed(n * 0.3, 1, n) for n in range(12)], tempo_bpm=90.0, time_signature="31/16"),
        "capo 12": document([placed(n * 0.4, 1 + n % 6, n % 10) for n in range(12)], capo=12),
        "extreme pitches": document([{"onset_s": 0.1, "pitch": 0}, {"onset_s": 0.2, "pitch": 127}]),
        "wild bends": document(
            [placed(1.0, 1, 5, bends=[{"time_s": 0.0, "semitones": -48}, {"time_s": 900.0, "semitones": 48}])]
        ),
        "lost joins": document(
            [
                placed(1.0, 1, 5, techniques=_technique("slide", "nowhere")),
                placed(1.5, 2, 5, techniques=_technique("harp")),
            ]
        ),
        "odd texts": document([placed(1.0, 1, 5)], title="<&\"'>\u202e漢字\x00\n" * 40),
    }


def two_hours() -> dict[str, Any]:
    """14 400 notes at 120 beats a minute."""
    notes = [placed(n * 0.5, 1 + n % 6, n % 12) for n in range(14_400)]
    return document(notes, duration_s=7200.0, tempo_bpm=120.0, title="Two hours")


def recorded() -> dict[str, dict[str, Any]]:
    """Takes and scores of the shared data, where it is there; the names are those of the files."""
    paths = [*SHARED.glob("guitarset/*.json"), *sorted(SHARED.glob("tabs/*.json"))[:8]]
    found = {path.stem: json.loads(path.read_text()) for path in paths}
    for piece in found.values():
        piece.setdefault("chords", piece.get("chords_performed", []))
    return found
