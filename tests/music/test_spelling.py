"""Names of pitches: a key's own notes as its signature has them, foreign ones as they are usually written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.spelling import fifths_of, spell_pitch

KEYS = [
    f"{tonic}:{mode}"
    for tonic in ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    for mode in ("major", "minor")
]
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
SIGNS = {-1: "b", 0: "", 1: "#"}


def names(key: str, *pitches: int) -> str:
    return " ".join(f"{spelt.step}{SIGNS[spelt.alter]}" for spelt in (spell_pitch(pitch, key) for pitch in pitches))


@pytest.mark.parametrize("key", KEYS)
def test_a_scale_has_every_letter_once_and_no_sign_but_those_of_its_signature(key: str) -> None:
    tonic, _, mode = key.partition(":")
    start = 60 + ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B").index(tonic)
    spelt = [spell_pitch(start + step, key) for step in SCALES[mode]]
    assert sorted(one.step for one in spelt) == list("ABCDEFG")
    assert sum(one.alter for one in spelt) == fifths_of(key)


@pytest.mark.parametrize(
    ("key", "pitches", "expected"),
    [
        ("D:minor", (61, 70), "C# Bb"),  # the leading note of a minor key with a flat is a sharp
        ("A:minor", (68, 66), "G# F#"),
        ("G:minor", (66, 63), "F# Eb"),
        ("C:major", (61, 63, 66, 68, 70), "C# Eb F# G# Bb"),
        ("F#:major", (65, 67), "E# G"),  # no double sharp
        ("", (60, 61, 70), "C C# Bb"),
    ],
)
def test_foreign_notes(key: str, pitches: tuple[int, ...], expected: str) -> None:
    assert names(key, *pitches) == expected


def test_the_octave_is_that_of_the_letter() -> None:
    assert (spell_pitch(60, "C#:minor").step, spell_pitch(60, "C#:minor").octave) == ("B", 3)
    assert (spell_pitch(71, "D#:minor").step, spell_pitch(71, "D#:minor").octave) == ("B", 4)


@given(st.integers(0, 127), st.sampled_from(["", *KEYS]))
def test_a_name_sounds_as_what_it_names(pitch: int, key: str) -> None:
    assert spell_pitch(pitch, key).pitch == pitch
