"""Note values: bars are filled exactly, every note is written once, times are not touched."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar, TimeSignature
from music.notation import Notation, Symbol, notate
from music.notation_timing import choose_grid
from music.notation_values import spell, value_of
from music.note import Note, NoteState

_BEAT = SAMPLE_RATE_HZ // 2


def bars(count: int, signature: TimeSignature = TimeSignature()) -> list[Bar]:  # noqa: B008  # a constant
    per = signature.beats
    return [
        Bar(n + 1, tuple((n * per + b) * _BEAT for b in range(per)), (n + 1) * per * _BEAT, signature)
        for n in range(count)
    ]


def note(name: str, beat: float, length: float, pitch: int = 64) -> Note:
    return Note(name, NoteState.ENDED, round(beat * _BEAT), pitch, round((beat + length) * _BEAT))


def values(notation: Notation, voice: int = 0) -> list[tuple[Fraction, Fraction, tuple[str, ...]]]:
    return [(s.start, s.duration, s.notes) for bar in notation.bars for s in bar.voices[voice]]


def check(notation: Notation, notes: list[Note]) -> None:
    starts: list[str] = list(notation.left_out)
    for voice in (0, 1):
        before: Symbol | None = None
        for bar in notation.bars:
            symbols = bar.voices[voice]
            if symbols:
                assert symbols[0].start == 0
                assert symbols[-1].end == bar.bar.length
                assert all(a.end == b.start for a, b in pairwise(symbols))
            for symbol in symbols:
                assert symbol.duration == Fraction(1, symbol.base) * (2 - Fraction(1, 2**symbol.dots)) * Fraction(
                    symbol.tuplet[1], symbol.tuplet[0]
                )
                assert set(symbol.notes) - set(symbol.starts) <= set(before.tied if before else ())
                starts += symbol.starts
                before = symbol
    assert sorted(starts) == sorted(n.id for n in notes)


def test_plain_values() -> None:
    notes = [note("a", 0, 1), note("b", 1, 0.5), note("c", 1.5, 0.5), note("d", 2, 2)]
    notation = notate(notes, bars(1))
    assert values(notation) == [
        (Fraction(0), Fraction(1, 4), ("a",)),
        (Fraction(1, 4), Fraction(1, 8), ("b",)),
        (Fraction(3, 8), Fraction(1, 8), ("c",)),
        (Fraction(1, 2), Fraction(1, 2), ("d",)),
    ]


def test_dots_triplets_rests_and_ties() -> None:
    notes = [note("a", 0, 1.5), note("b", 1.5, 0.5), *(note(f"t{n}", 2 + n / 3, 1 / 3) for n in range(3))]
    notes += [note("late", 3.5, 1.5), note("end", 7, 1)]
    notation = notate(notes, bars(2))
    check(notation, notes)
    first, second = (bar.voices[0] for bar in notation.bars)
    assert (first[0].base, first[0].dots) == (4, 1)
    assert [s.tuplet for s in first if s.notes and s.notes[0].startswith("t")][:3] == [(3, 2)] * 3
    assert first[-1].tied == ("late",)
    assert second[0].notes == ("late",)
    assert second[0].starts == ()
    assert any(symbol.is_rest for symbol in second)


def test_a_ringing_bass_has_a_voice_of_its_own() -> None:
    notes = [note("bass", 0, 3.9, 40), *(note(f"m{n}", n, 0.9, 64 + n) for n in range(4))]
    notation = notate(notes, bars(1))
    check(notation, notes)
    assert values(notation, 1) == [(Fraction(0), Fraction(1), ("bass",))]
    assert [ids for _, _, ids in values(notation)] == [("m0",), ("m1",), ("m2",), ("m3",)]


def test_strums_are_one_symbol() -> None:
    notes = [Note(f"n{i}", NoteState.ENDED, 300 * i, 40 + 5 * i, _BEAT * 4) for i in range(4)]
    notation = notate(notes, bars(1))
    assert values(notation) == [(Fraction(0), Fraction(1), ("n0", "n1", "n2", "n3"))]


@pytest.mark.parametrize(
    ("phases", "grid"), [([0.0], 1), ([0.02, 0.48], 2), ([0, 0.34, 0.66], 3), ([0, 0.26, 0.5, 0.74], 4), ([0.25], 4)]
)
def test_grids_are_as_simple_as_what_was_played(phases: list[float], grid: int) -> None:
    assert choose_grid(phases, 0.5) == grid


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 17), st.floats(0.01, 6), st.integers(36, 80)), max_size=30),
    st.sampled_from(["4/4", "3/4", "6/8", "7/8", "5/4", "2/2"]),
)
def test_any_notes_are_written_once_in_bars_that_are_full(drawn: list[tuple[float, float, int]], text: str) -> None:
    notes = [note(f"n{i}", max(0.0, beat), length, pitch) for i, (beat, length, pitch) in enumerate(drawn)]
    check(notate(notes, bars(4, TimeSignature.parse(text))), notes)


@given(st.integers(0, 95), st.integers(1, 96), st.sampled_from([Fraction(1, 4), Fraction(1, 8), Fraction(3, 8)]))
def test_any_length_on_the_grid_can_be_spelled(begin: int, length: int, beat: Fraction) -> None:
    start, end = Fraction(begin, 96), Fraction(begin + length, 96)
    pieces = spell(start, end, beat, ("n",))
    assert pieces[0].start == start
    assert pieces[-1].end == end
    assert all(a.end == b.start and a.tied == ("n",) for a, b in pairwise(pieces))
    assert all(value_of(piece.duration) for piece in pieces)
