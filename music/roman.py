"""What a key makes of chords: roman numerals, and the scale to improvise with."""

from __future__ import annotations

from music.harmony import NO_CHORD, pitch_class

_NUMERALS = ("I", "♭II", "II", "♭III", "III", "IV", "♯IV", "V", "♭VI", "VI", "♭VII", "VII")
_IN_MINOR = {3: "III", 8: "VI", 10: "VII"}
_MINOR_KINDS = frozenset({"min", "min7", "min6", "dim", "dim7", "hdim7"})
_SUFFIXES = {
    "maj": "",
    "min": "",
    "dim": "°",
    "dim7": "°7",
    "hdim7": "ø7",
    "aug": "+",
    "min7": "7",
    "maj6": "6",
    "min6": "6",
}
_SCALES = {
    "major": ("major", "major_pentatonic"),
    "minor": ("natural_minor", "minor_pentatonic", "blues"),
}


def roman_numeral(symbol: str, key: str) -> str:
    """A chord (Harte) as a degree of a key ("A:minor"): "ii7", "V7", "♭VII"; "" where either is unknown."""
    if symbol in (NO_CHORD, "") or not key:
        return ""
    tonic, _, mode = key.partition(":")
    root, _, quality = symbol.partition("/")[0].partition(":")
    degree = (pitch_class(root) - pitch_class(tonic)) % 12
    numeral = _IN_MINOR.get(degree, _NUMERALS[degree]) if mode == "minor" else _NUMERALS[degree]
    kind = quality or "maj"
    return (numeral.lower() if kind in _MINOR_KINDS else numeral) + _SUFFIXES.get(kind, kind)


def scale_suggestions(key: str, symbols: list[str]) -> tuple[str, ...]:
    """Names of scales that fit a key and the chords in it, likeliest first: "A natural_minor", "A minor_pentatonic"."""
    if not key:
        return ()
    tonic, _, mode = key.partition(":")
    names = list(_SCALES.get(mode, ()))
    numerals = {roman_numeral(symbol, key) for symbol in symbols}
    if mode == "major" and "♭VII" in numerals:
        names.insert(0, "mixolydian")
    if mode == "minor" and numerals & {"V", "V7"}:
        names.insert(1, "harmonic_minor")
    if mode == "minor" and "IV" in numerals:
        names.insert(1, "dorian")
    return tuple(f"{tonic} {name}" for name in names)
