"""Chords and keys of a file, spelt for other programs' symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass

from music.harmony import pitch_class, prefers_flats, pretty

_EXTENSIONS = re.compile(r"\(.*?\)")
_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class PlainChord:
    """Root name ("Eb"), quality of Harte's shorthand ("maj7"), bass name or "", and what is left over ("(*5)")."""

    root: str
    quality: str
    bass: str
    rest: str


def tonic_of(key: str) -> str:
    """The name of a key's tonic as it is spelt: "Eb" for "D#:major"."""
    return note_name(pitch_class(key.partition(":")[0]), key)


def note_name(pitch: int, key: str = "") -> str:
    """Name of a pitch or pitch class, in plain ASCII."""
    return (_FLAT_NAMES if prefers_flats(key) else _SHARP_NAMES)[pitch % 12]


def read_chord(symbol: str, key: str) -> PlainChord:
    """A Harte symbol taken apart; the key decides between flats and sharps."""
    body, _, bass = symbol.partition("/")
    root, _, quality = body.partition(":")
    rest = "".join(_EXTENSIONS.findall(quality))
    plain = _EXTENSIONS.sub("", quality) or "maj"
    root_class = pitch_class(root)
    bass_name = ""
    if bass and bass != "1":
        bass_name = note_name(root_class + _semitones(bass), key)
    return PlainChord(note_name(root_class, key), plain, bass_name, rest)


def chord_text(symbol: str, key: str) -> str:
    """A chord as people write it, in plain ASCII: "Ebmaj7", "F#m/C#"."""
    shown = pretty(_EXTENSIONS.sub("", symbol).replace("/1", ""), key)
    return shown.replace("♭", "b").replace("♯", "#")


def _semitones(degree: str) -> int:
    steps = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 14}
    return steps.get(degree.lstrip("#b"), 0) + degree.count("#") - degree.count("b")
