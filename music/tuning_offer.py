"""Another tuning or capo to offer a player, where the notes suggest it; never applied by itself."""

from __future__ import annotations

from collections.abc import Sequence

from music.note import SETTLED, Note
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.tuning import Instrument
from music.tuning_guess import TuningGuess, guess_tunings

LEAST_NOTES = 24
"""Fewer notes lie well in any tuning."""
WORTH = 0.2
"""How much less a note must cost the hand: what is offered without need makes everything else look unsure. At 0 seven
of thirty human tabs get a wrong offer, at 0.2 two, and six of seven right ones stay (`python -m bench offers`)."""


def offer_tuning(
    notes: Sequence[Note], instrument: Instrument, preferences: Preferences = DEFAULT_PREFERENCES
) -> TuningGuess | None:
    """What the notes were more likely played with than `instrument`; None for nothing, or too little to tell.

    Args:
        notes: of one piece; only settled ones count.
        instrument: what the player said.
        preferences: whose hand it is.
    """
    settled = [note for note in notes if note.state in SETTLED]
    if len(settled) < LEAST_NOTES:
        return None
    guesses = guess_tunings(settled, instrument, preferences)
    likeliest = guesses[0]
    said = next(g for g in guesses if (g.tuning, g.capo) == (instrument.tuning, instrument.capo))
    return likeliest if likeliest.cost <= said.cost - WORTH else None
