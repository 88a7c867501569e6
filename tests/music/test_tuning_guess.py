from __future__ import annotations

import pytest
from hypothesis import given, settings

from music.note import Note, NoteState
from music.tuning import TUNINGS, Instrument
from music.tuning_guess import guess_tunings
from tests.music.test_arranging import phrases
from tests.music.test_tuning import instruments

OPEN_CHORDS = ("320003", "x32010", "xx0232", "022000")


def strummed(instrument: Instrument) -> list[Note]:
    """G, C, D and E minor as a chord book shows them (frets from string 6 to 1), each twice."""
    notes = []
    for bar, shape in enumerate(OPEN_CHORDS * 2):
        for index, fret in enumerate(shape):
            if fret != "x":
                onset = bar * 22_050 + index * 200
                pitch = instrument.tuning[5 - index] + instrument.capo + int(fret)
                notes.append(Note(f"{bar}-{index}", NoteState.ENDED, onset, pitch, onset + 20_000, confidence=1.0))
    return notes


@pytest.mark.parametrize("capo", [0, 2, 4])
def test_a_capo_is_heard_in_open_chords(capo: int) -> None:
    guesses = guess_tunings(strummed(Instrument(capo=capo)), Instrument())
    assert (guesses[0].name, guesses[0].capo) == ("standard", capo)


def test_a_low_note_asks_for_a_tuning_that_has_it() -> None:
    riff = [Note(str(n), NoteState.ENDED, n * 8_000, 38 + n % 3, n * 8_000 + 7_000) for n in range(20)]
    assert min(guess_tunings(riff, Instrument())[0].tuning) <= 38


def test_a_line_is_no_reason_for_another_tuning() -> None:
    line = [Note(str(n), NoteState.ENDED, n * 8_000, 64 + 2 * (n % 7), n * 8_000 + 7_000) for n in range(30)]
    first = guess_tunings(line, Instrument(TUNINGS["drop_d"], capo=3))[0]
    assert (first.name, first.capo) == ("drop_d", 3)


@given(instrument=instruments, notes=phrases(most=8))
@settings(max_examples=10, deadline=None)
def test_what_the_player_says_is_always_among_the_guesses(instrument: Instrument, notes: list[Note]) -> None:
    guesses = guess_tunings(notes, instrument)
    assert (instrument.tuning, instrument.capo) in [(guess.tuning, guess.capo) for guess in guesses]
    assert all(len(guess.tuning) == instrument.string_count for guess in guesses)
    assert [guess.cost for guess in guesses] == sorted(guess.cost for guess in guesses)
