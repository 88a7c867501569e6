"""A tuning is offered where the notes suggest one, and not otherwise."""

from __future__ import annotations

from dataclasses import replace

from music.note import NoteState
from music.tuning import Instrument
from music.tuning_guess import guess_tunings
from music.tuning_offer import LEAST_NOTES, offer_tuning
from tests.music.test_tuning_guess import strummed


def test_a_capo_that_is_heard_is_offered() -> None:
    offer = offer_tuning(strummed(Instrument(capo=5)), Instrument())
    assert offer is not None
    assert (offer.name, offer.capo) == ("standard", 5)


def test_what_would_save_the_hand_little_is_not_offered() -> None:
    notes = strummed(Instrument(capo=2))
    assert guess_tunings(notes, Instrument())[0].capo == 2
    assert offer_tuning(notes, Instrument()) is None


def test_what_was_said_is_not_offered_again() -> None:
    assert offer_tuning(strummed(Instrument()), Instrument()) is None
    assert offer_tuning(strummed(Instrument(capo=5)), Instrument(capo=5)) is None


def test_a_few_notes_and_unsettled_ones_suggest_nothing() -> None:
    notes = strummed(Instrument(capo=5))
    assert offer_tuning(notes[: LEAST_NOTES - 1], Instrument()) is None
    assert offer_tuning([replace(note, state=NoteState.TENTATIVE) for note in notes], Instrument()) is None
