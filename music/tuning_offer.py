"""Another tuning or capo to offer a player, where the notes suggest it; never applied by itself."""

from __future__ import annotations

from collections.abc import Sequence

from music.note import SETTLED, Note
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.tuning import Instrument
from music.tuning_guess import TuningGuess, guess_tunings

LEAST_NOTES = 24
"""Fewer notes lie well in any tuning."""


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
    likeliest = guess_tunings(settled, instrument, preferences)[0]
    is_said = (likeliest.tuning, likeliest.capo) == (instrument.tuning, instrument.capo)
    return None if is_said else likeliest
