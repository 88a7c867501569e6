"""Which tuning and capo the notes suggest: offered to the player, never applied.

Notes are arranged for every tuning and capo that could be meant. Where a hand gets through with less work the music was
more likely made, for open strings are where composers of guitar music left them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from music.arranging import least_cost
from music.hand_score import GROUP_SAMPLES
from music.note import Note
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.tuning import TUNINGS, Instrument

MOST_CAPO = 7
_ENOUGH_NOTES = 120
_NO_PLACE = 6.0
"""Cost of a note that a tuning does not have."""
_CHANGE = 0.1
"""Cost a note of supposing another tuning, or another capo, than what the player said: a guess has to earn that."""
_CHORDAL = 0.3
"""Share of notes that sound with two others from which on the hand tells something: a line lies well anywhere."""


@dataclass(frozen=True, slots=True)
class TuningGuess:
    """A tuning by name (empty for one without), a capo, and what they cost the hand, by note (unitless)."""

    name: str
    tuning: tuple[int, ...]
    capo: int
    cost: float


def guess_tunings(
    notes: Sequence[Note], instrument: Instrument, preferences: Preferences = DEFAULT_PREFERENCES
) -> list[TuningGuess]:
    """Likely tunings and capos, the likeliest first; the instrument as it is said to be is always among them.

    Args:
        notes: of one piece; the first 120 are listened to.
        instrument: what the player says; tunings with as many strings are tried.
        preferences: whose hand it is.
    """
    heard = sorted(notes, key=lambda note: (note.onset, note.pitch))[:_ENOUGH_NOTES]
    is_chordal = _chordal_share(heard) >= _CHORDAL
    guesses = []
    for name, tuning, capo in _candidates(instrument):
        supposed = _CHANGE * ((tuning != instrument.tuning) + (capo != instrument.capo))
        tried = Instrument(tuning, capo, instrument.fret_count)
        if is_chordal:
            cost, out = least_cost(heard, tried, preferences)
        else:
            cost, out = 0.0, sum(not tried.positions_of(note.pitch) for note in heard)
        guesses.append(TuningGuess(name, tuning, capo, (cost + _NO_PLACE * out) / max(1, len(heard)) + supposed))
    return sorted(guesses, key=lambda guess: guess.cost)


def _chordal_share(notes: Sequence[Note]) -> float:
    """Share of notes at whose onset two others sound."""
    return sum(_company(note, notes) >= 2 for note in notes) / max(1, len(notes))


def _company(note: Note, notes: Sequence[Note]) -> int:
    at = note.onset + GROUP_SAMPLES
    return sum(o is not note and o.onset <= at and (o.offset is None or o.offset > at) for o in notes)


def _candidates(instrument: Instrument) -> Iterable[tuple[str, tuple[int, ...], int]]:
    """Without those that sound as one before them: what the player says comes first, then the lower capos."""
    names = {tuning: name for name, tuning in TUNINGS.items() if len(tuning) == instrument.string_count}
    names = {instrument.tuning: names.get(instrument.tuning, ""), **names}
    seen: set[tuple[int, ...]] = set()
    for capo in (instrument.capo, *(capo for capo in range(MOST_CAPO + 1) if capo != instrument.capo)):
        for tuning, name in names.items():
            sounding = tuple(pitch + capo for pitch in tuning)
            if sounding not in seen:
                seen.add(sounding)
                yield name, tuning, capo
