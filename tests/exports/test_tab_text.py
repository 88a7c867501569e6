"""Notes as a text tab."""

from __future__ import annotations

from exports.tab_text import to_tab_text
from music.audio import sample_at
from music.note import Note, NoteState
from music.tuning import TUNINGS, Instrument, Position

GUITAR = Instrument()


def note(onset_s: float, string: int, fret: int) -> Note:
    position = Position(string, fret)
    return Note("n", NoteState.ENDED, sample_at(onset_s), GUITAR.pitch_at(position), position=position)


def test_a_chord_shares_a_column() -> None:
    assert to_tab_text([note(0.5, 1, 0), note(0.51, 2, 10), note(0.7, 6, 3)], GUITAR).splitlines() == [
        "   0:00.5",
        "E|-0-----",
        "B|-10----",
        "G|-------",
        "D|-------",
        "A|-------",
        "E|-----3-",
    ]


def test_long_pieces_break_into_systems_with_their_times() -> None:
    lines = to_tab_text([note(index * 0.5, 1, 12) for index in range(200)], GUITAR).splitlines()
    assert all(len(line) <= 101 for line in lines)
    assert len([line for line in lines if ":" in line]) == len([line for line in lines if line.startswith("B|")])
    assert sum(line.count("12") for line in lines if line.startswith("E|")) == 200


def test_notes_without_a_place_are_counted() -> None:
    lost = Note("x", NoteState.ENDED, 0, 20, flags=("out_of_range",))
    assert to_tab_text([lost], GUITAR) == "No notes.\n\n1 notes lie outside this instrument's range.\n"


def test_every_string_of_the_instrument_has_a_line() -> None:
    bass = Instrument(tuning=TUNINGS["bass"])
    lines = to_tab_text([Note("b", NoteState.ENDED, 0, 28, position=Position(4, 0))], bass).splitlines()
    assert [line[0] for line in lines[1:]] == ["G", "D", "A", "E"]
