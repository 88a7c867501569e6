"""Roman numerals beside those of music21, which takes too long to import for a path where somebody waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from music21 import chord, key, roman

from music.harmony import SHARPS, pitch_class
from music.harmony_tracking import QUALITIES
from music.roman import roman_numeral, scale_suggestions

_MAJOR = ((0, "maj"), (2, "min"), (4, "min"), (5, "maj"), (7, "maj"), (9, "min"), (11, "dim"), (7, "7"), (2, "min7"))
_MINOR = ((0, "min"), (2, "dim"), (3, "maj"), (5, "min"), (7, "min"), (7, "maj"), (8, "maj"), (10, "maj"), (5, "min7"))
_INTERVALS = dict(QUALITIES)


def of_music21(root: int, quality: str, tonic: str, mode: str) -> str:
    """Its figure for a chord in root position. In minor it flattens what the key has flat already; we do not."""
    scale = key.Key(tonic if mode == "major" else tonic.lower(), mode)
    notes = [root + interval for interval in _INTERVALS[quality]]
    found = chord.Chord([f"{SHARPS[note % 12]}{4 + note // 12}" for note in notes])
    figure = str(roman.romanNumeralFromChord(found, scale).figure).replace("o", "°")
    return figure.removeprefix("b") if mode == "minor" else figure


@pytest.mark.parametrize("tonic", ["A", "E", "B"])  # keys whose notes are all natural or sharp, in both modes
@pytest.mark.parametrize(("mode", "degrees"), [("major", _MAJOR), ("minor", _MINOR)])
def test_chords_of_a_key_have_the_numerals_that_music21_gives(
    tonic: str, mode: str, degrees: tuple[tuple[int, str], ...]
) -> None:
    for step, quality in degrees:
        root = (pitch_class(tonic) + step) % 12
        own = roman_numeral(f"{SHARPS[root]}:{quality}", f"{tonic}:{mode}")
        assert own == of_music21(root, quality, tonic, mode), f"{SHARPS[root]}:{quality} in {tonic} {mode}"


def test_the_cases_that_the_page_is_tested_on_too() -> None:
    """web_edge/ui/src/lib/roman.ts is a twin."""
    cases = json.loads((Path(__file__).parent / "roman_cases.json").read_text())
    assert [[s, k, roman_numeral(s, k)] for s, k, _ in cases["numerals"]] == cases["numerals"]
    assert [[k, s, list(scale_suggestions(k, s))] for k, s, _ in cases["scales"]] == cases["scales"]
