"""Bars and what a person may decide about them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.beats import Bar, RhythmLock, TimeSignature
from music.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "beats", "beat", "length"),
    [
        ("4/4", 4, Fraction(1, 4), 1),
        ("3/4", 3, Fraction(1, 4), Fraction(3, 4)),
        ("6/8", 2, Fraction(3, 8), Fraction(3, 4)),
        ("7/8", 7, Fraction(1, 8), Fraction(7, 8)),
        ("3/8", 3, Fraction(1, 8), Fraction(3, 8)),
    ],
)
def test_a_time_signature_knows_its_beats(text: str, beats: int, beat: Fraction, length: Fraction) -> None:
    signature = TimeSignature.parse(text)
    assert (signature.beats, signature.beat, signature.length, str(signature)) == (beats, beat, length, text)


@pytest.mark.parametrize("text", ["", "4", "0/4", "33/4", "4/3", "4/4/4", "-3/4", "x/4", "4" * 5000 + "/4"])
def test_what_is_no_time_signature_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        TimeSignature.parse(text)


def test_what_nobody_can_play_is_refused() -> None:
    for build in (
        lambda: RhythmLock(tempo_bpm=0.0),
        lambda: RhythmLock(tempo_bpm=float("nan")),
        lambda: RhythmLock(taps=(5, 5)),
        lambda: Bar(1, (), 10),
        lambda: Bar(1, (0, 10), 10),
    ):
        with pytest.raises(InvalidInput):
            build()


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=8), st.floats(0, 7.999))
def test_place_and_time_in_a_bar_are_each_others_inverse(steps: list[int], position: float) -> None:
    edges = [sum(steps[:count]) for count in range(len(steps) + 1)]
    bar = Bar(1, tuple(edges[:-1]), edges[-1])
    time = round(bar.time_of(min(position, len(steps) - 0.001)))
    assert bar.time_of(bar.position_of(time)) == pytest.approx(time, abs=1e-6)
