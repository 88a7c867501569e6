"""The tab as typed, against an independent list of what the piece is."""

from __future__ import annotations

from fractions import Fraction

import pytest

from genesis.demo.piece import Piece, TabNote, parse_piece, read_piece
from music.tuning import Position

# Melody of the first section in note names, one row a bar, written down apart from the tab.
MELODY = """
B4 B4 B4 | B4 A4 G4 | G4 F#4 E4 | E4 G4 B4
E5 E5 E5 | E5 D5 C5 | C5 B4 A4 | A4 B4 C5
B4 C5 B4 | D#5 C5 B4 | B4 A4 G4 | G4 F#4 E4
F#4 F#4 F#4 | F#4 G4 F#4 | E4 E4 E4
"""
BASS = "E2 E2 E2 E2 E2 E2 A2 A2 B2 B2 E2 E2 B2 B2 E2 E2"
CHORD = {1: {"B3", "G3"}, 7: {"E4", "C4"}, 9: {"F#4", "D#4"}, 13: {"B3", "A3"}, 15: {"B3", "G3"}}
NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


def name(pitch: int) -> str:
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


@pytest.fixture(scope="module")
def romance() -> Piece:
    return read_piece()


def bar(piece: Piece, number: int) -> list[TabNote]:
    return [note for note in piece.notes if note.beat // piece.beats_per_bar == number - 1]


def test_melody_is_the_piece(romance: Piece) -> None:
    expected = MELODY.replace("|", " ").split()
    melody = [name(note.pitch) for note in romance.notes if note.position.string == 1]
    assert melody == [*expected, "E4"]


def test_one_bass_note_opens_every_bar(romance: Piece) -> None:
    first = [min(note.pitch for note in bar(romance, number)) for number in range(1, 17)]
    assert [name(pitch) for pitch in first] == BASS.split()


@pytest.mark.parametrize(("number", "names"), CHORD.items())
def test_inner_voices(romance: Piece, number: int, names: set[str]) -> None:
    assert {name(note.pitch) for note in bar(romance, number) if note.position.string in (2, 3)} == names


def test_every_fret_makes_its_pitch(romance: Piece) -> None:
    assert romance.bar_count == 16
    assert len(romance.notes) == 15 * 10 + 4
    assert all(note.pitch == romance.instrument.pitch_at(note.position) for note in romance.notes)


def test_notes_ring_until_their_string_sounds_again(romance: Piece) -> None:
    opening = {note.position: note for note in bar(romance, 1) if note.beat < 1}
    assert opening[Position(1, 7)].length == 1
    assert opening[Position(2, 0)].beat == Fraction(1, 3)
    assert opening[Position(6, 0)].length == 3
    assert all(0 < note.length <= romance.beats_per_bar for note in romance.notes)


def test_a_bar_with_a_missing_column_is_named() -> None:
    tab = "title: a\ncomposer: b\nmeter: 2/4\ntempo: 60\ncolumns_per_beat: 1\ntuning: 64 59 55 50\nstart: 0\n"
    rows = "1 |0 - |0 |\n2 |- - |- - |\n3 |- - |- - |\n4 |- - |- - |\n"
    with pytest.raises(ValueError, match="String 1, bar 2: 1 columns instead of 2"):
        parse_piece(tab + rows)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(ValueError, match="meter"):
        parse_piece("title: a\n")
