"""How often another tuning or capo is offered, and how often rightly. `python -m bench offers`, some three minutes.

Human tabs were played as they say, so every offer for one is wrong. Songs of the songbook are asked about twice: with
their own tuning and capo, where an offer is wrong too, and as if the player had said nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench._report import print_json, print_table
from bench._tabs import Tab, classical_marks, performed_takes, song
from inference.training.songbook import IDIOMS
from music.tuning import Instrument
from music.tuning_guess import TuningGuess, guess_tunings
from music.tuning_offer import WORTH

SONGS = range(5000, 5060)
MARGINS = (0.0, 0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes:
        is_said: whether the player said what it was played with.
        is_other: whether the likeliest is something else than what was said.
        is_right: whether the likeliest sounds as what it was played with.
        margin: by how much the likeliest is cheaper, a note.
    """

    is_said: bool
    is_other: bool
    is_right: bool
    margin: float


def main() -> None:
    """Print the table and the JSON line."""
    tabs = [_ask(tab, tab.instrument) for tab in (*performed_takes(), *classical_marks())]
    idioms = list(IDIOMS)
    songs = [song(idioms[seed % len(idioms)], seed) for seed in SONGS]
    six = [one for one in songs if one.instrument.string_count == len(Instrument().tuning)]
    said = [_ask(one, Instrument(one.instrument.tuning, one.instrument.capo)) for one in six]
    unsaid = [_ask(one, Instrument()) for one in six]
    unsaid = [asked for asked in unsaid if not asked.is_said]
    rows, facts = [], {}
    for margin in MARGINS:
        wrong = [sum(a.is_other and a.margin >= margin for a in asked) for asked in (tabs, said)]
        right = sum(a.is_other and a.is_right and a.margin >= margin for a in unsaid)
        misled = sum(a.is_other and not a.is_right and a.margin >= margin for a in unsaid)
        rows.append([f"{margin:.1f}", *wrong, right, misled])
        facts[f"{margin:.1f}"] = [*wrong, right, misled]
    print(f"offers by least margin; {WORTH} is what the product asks for")
    heads = (f"wrong, of {len(tabs)} human tabs", f"of {len(said)} songs", f"right, of {len(unsaid)} unsaid", "wrong")
    print_table(["margin", *heads], rows)
    print_json("offers", **facts)


def _ask(tab: Tab, said: Instrument) -> Asked:
    guesses = guess_tunings(tab.notes, said)
    first, own = guesses[0], next(g for g in guesses if (g.tuning, g.capo) == (said.tuning, said.capo))
    played = _sounding(TuningGuess("", tab.instrument.tuning, tab.instrument.capo, 0.0))
    return Asked(
        is_said=(said.tuning, said.capo) == (tab.instrument.tuning, tab.instrument.capo),
        is_other=first is not own,
        is_right=_sounding(first) == played,
        margin=own.cost - first.cost,
    )


def _sounding(guess: TuningGuess) -> tuple[int, ...]:
    return tuple(pitch + guess.capo for pitch in guess.tuning)
