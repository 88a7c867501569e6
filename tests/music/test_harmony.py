"""Names of chords and keys."""

from __future__ import annotations

import pytest

from music.harmony import pitch_class, pretty


@pytest.mark.parametrize(
    ("symbol", "key", "shown"),
    [
        ("D#:maj7", "D#:major", "E♭maj7"),
        ("D#:maj7", "", "D♯maj7"),
        ("A#:min", "F:major", "B♭m"),
        ("C:maj", "", "C"),
        ("A:min/b3", "", "Am/C"),
        ("N", "", ""),
    ],
)
def test_chords_are_spelled_for_people(symbol: str, key: str, shown: str) -> None:
    assert pretty(symbol, key) == shown


def test_names_of_pitches() -> None:
    assert [pitch_class(name) for name in ("C", "Db", "B", "Cb", "E#", "Bb")] == [0, 1, 11, 11, 5, 10]
    with pytest.raises(ValueError, match="no pitch"):
        pitch_class("H")
