"""Chords and keys as values, and how they are written.

In files and on the wire a chord is Harte syntax ("D#:maj7", "A:min7/b3", "N" for none; C. Harte et al., "Symbolic
representation of musical chords", ISMIR 2005), a key "D#:major" or "A:minor". On screens `pretty` spells them for
people ("E♭maj7"), with flats or sharps as the key has them.
"""

from __future__ import annotations

from dataclasses import dataclass

NO_CHORD = "N"
NO_KEY = ""
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B")
_SHARPS_SHOWN = tuple(name.replace("#", "♯") for name in SHARPS)
_FLAT_MAJOR_KEYS = frozenset({1, 3, 5, 8, 10})
_QUALITIES_SHOWN = {
    "maj": "",
    "min": "m",
    "7": "7",
    "maj7": "maj7",
    "min7": "m7",
    "sus2": "sus2",
    "sus4": "sus4",
    "dim": "dim",
    "aug": "aug",
    "maj6": "6",
    "min6": "m6",
    "hdim7": "m7♭5",
    "dim7": "dim7",
    "9": "9",
    "5": "5",
}


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord from `start` to `end` (sample indices).

    Attributes:
        symbol: Harte syntax, "N" for no chord.
        confidence: 0..1.
    """

    start: int
    end: int
    symbol: str
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class KeySpan:
    """A key from `start` to `end` (sample indices): "D#:major", or "" where none can be told; confidence 0..1."""

    start: int
    end: int
    key: str
    confidence: float = 0.0


def pitch_class(name: str) -> int:
    """0 for C to 11 for B, of a name with any number of # and b.

    Raises:
        ValueError: no such name.
    """
    steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    if not name or name[0] not in steps or set(name[1:]) - {"#", "b"}:
        raise ValueError(f"There is no pitch {name!r}.")
    return (steps[name[0]] + name.count("#") - name[1:].count("b")) % 12


def prefers_flats(key: str) -> bool:
    """Whether a key ("A:minor", "" for none) is written with flats."""
    tonic, _, mode = key.partition(":")
    if not tonic:
        return False
    relative = pitch_class(tonic) + (3 if mode == "minor" else 0)
    return relative % 12 in _FLAT_MAJOR_KEYS


def pretty(symbol: str, key: str = NO_KEY) -> str:
    """A chord for people: "E♭maj7", "F♯m", "" for no chord."""
    if symbol in (NO_CHORD, ""):
        return ""
    body, _, bass = symbol.partition("/")
    root, _, quality = body.partition(":")
    names = FLATS if prefers_flats(key) else _SHARPS_SHOWN
    shown = names[pitch_class(root)] + _QUALITIES_SHOWN.get(quality or "maj", quality)
    return f"{shown}/{names[(pitch_class(root) + _degree(bass)) % 12]}" if bass and bass != "1" else shown


def _degree(name: str) -> int:
    """Semitones of a Harte interval ("b3", "5")."""
    steps = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 14}
    return steps.get(name.lstrip("#b"), 0) + name.count("#") - name.count("b")
