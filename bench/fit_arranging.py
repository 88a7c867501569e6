"""Learn where hands go on the neck. `python -m bench.fit_arranging`, some ten minutes on one core.

First the prior (music/string_prior.npz), on composed music alone; then the weights of the hand and of the prior
(music/hand_weights.json), on other composed music and on the strings marked in classical scores. The weights are fitted
once more without each seventh of the scores (bench/arranging_folds.json), so that `bench arranging` reports on no score
with weights that saw it. Performed takes have no part in anything here.

An engraver marks a string where it is not the usual one. Taken alone such marks teach that hands live up the neck, so
notes far from any mark are taken to lie where they would be looked for: at the lowest fret.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench._fit_hand import Parameters, Passage, fit_hand, mean_loss, pack, passages, start_weights, unpack
from bench._fit_prior import Questions, fit_prior, questions, share_right
from bench._tabs import Tab, classical_marks, composed, song
from inference.training.composer import STYLES
from inference.training.songbook import IDIOMS
from music.arranging import group_notes
from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HAND_MOVES, MOVING, HandWeights
from music.neck import is_playable
from music.string_prior import StringPrior
from music.tuning import Position

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "music" / "hand_weights.json"
PRIOR = ROOT / "music" / "string_prior.npz"
FOLDS = ROOT / "bench" / "arranging_folds.json"
FOLD_COUNT = 7
EVIDENCE = 0.0
"""Weight of what is heard of a note's string, until it is fitted on what a network hears."""

_PIECE_S = 30.0
_PRIOR_SEED, _HAND_SEED = 10_000, 0
_PRIOR_SONGS, _PRIOR_PIECES, _PRIOR_EPOCHS = 3000, 220, 4
_HAND_PIECES, _ROUNDS = 10, 18
_STYLE_WEIGHT, _MARKS_WEIGHT, _USUAL_WEIGHT = 0.04, 0.3, 0.4
_HAND_SHARE, _PRIOR_SHARE = 0.7, 1.5
"""What the fitted weights of the hand's moves and of the prior are multiplied with: accuracy hardly changes, but what
is decided hangs less on what comes much later, so a live session agrees more often with the optimum (NOTES.md)."""
_FAR_FROM_MARKS = SAMPLE_RATE_HZ * 3 // 2
_EVEN_STYLES = tuple(style for style in STYLES if style != "mixed")


def main() -> None:
    """Fit, report to stderr and write the three files."""
    prior = learn_prior()
    prior = write_prior(prior)
    fits = HandFits(prior)
    table = final_weights(fits.fit(())).to_mapping()
    WEIGHTS.write_text(json.dumps({"by": "python -m bench.fit_arranging", **table}, indent=1) + "\n", encoding="utf-8")
    folds = []
    for fold in np.array_split(np.arange(len(fits.scores)), FOLD_COUNT):
        parameters = fits.fit(fold.tolist())
        names = [fits.scores[index].name for index in fold]
        folds.append({"left_out": names, "weights": final_weights(parameters).to_mapping()})
        _say(f"without {', '.join(names)}: {fits.loss(fold.tolist(), parameters):.3f} a layer")
    FOLDS.write_text(json.dumps(folds, indent=1) + "\n", encoding="utf-8")


def learn_prior() -> StringPrior:
    """The network, from composed music."""

    def songs(idiom: str, share: float) -> Questions:
        count = max(8, round(share * _PRIOR_SONGS))
        return questions(song(idiom, _PRIOR_SEED + n, _PIECE_S) for n in range(count))

    def pieces(style: str) -> Questions:
        return questions(composed(style, _PRIOR_SEED + n, _PIECE_S) for n in range(_PRIOR_PIECES))

    sets = [*((1.0, songs(*idiom)) for idiom in IDIOMS.items()), *((0.3, pieces(style)) for style in _EVEN_STYLES)]
    prior = fit_prior(sets, _PRIOR_EPOCHS)
    for name, (_, asked) in zip((*IDIOMS, *_EVEN_STYLES), sets, strict=True):
        _say(f"prior, {name}: {len(asked)} notes, {share_right(prior, asked):.3f} right (seen)")
    return prior


def final_weights(parameters: Parameters) -> HandWeights:
    """The fitted weights as they are used."""
    fitted = unpack(parameters, EVIDENCE)
    shares = np.where(np.isin(MOVING, HAND_MOVES), _HAND_SHARE, 1.0)
    return replace(fitted, moving=fitted.moving * shares, prior=fitted.prior * _PRIOR_SHARE)


def write_prior(prior: StringPrior) -> StringPrior:
    """Write it in half precision; what it is then."""
    halved: dict[str, Any] = {name: value.astype(np.float16) for name, value in prior.to_arrays().items()}
    np.savez_compressed(PRIOR, **halved)
    return StringPrior.from_arrays(halved)


class HandFits:
    """Fits of the weights with some of the classical scores left out."""

    def __init__(self, prior: StringPrior) -> None:
        self.scores = classical_marks()
        self._marks = [passages([tab], prior) for tab in self.scores]
        self._usual = [passages([usual_places(tab)], prior) for tab in self.scores]
        seeds = range(_HAND_SEED, _HAND_SEED + _HAND_PIECES)
        self._composed = [
            *((share, passages([song(idiom, n, _PIECE_S) for n in seeds], prior)) for idiom, share in IDIOMS.items()),
            *((_STYLE_WEIGHT, passages([composed(s, n, _PIECE_S) for n in seeds], prior)) for s in _EVEN_STYLES),
        ]

    def fit(self, left_out: Sequence[int]) -> Parameters:
        """The weights, without the scores of these indices."""
        marks = [p for index, own in enumerate(self._marks) if index not in left_out for p in own]
        usual = [p for index, own in enumerate(self._usual) if index not in left_out for p in own]
        sets: list[tuple[float, Sequence[Passage]]] = [*self._composed]
        sets += [(_MARKS_WEIGHT, marks), (_USUAL_WEIGHT, usual)] if marks else []
        return fit_hand(sets, pack(replace(start_weights(), prior=0.3)), _ROUNDS)

    def loss(self, which: Sequence[int], parameters: Parameters) -> float:
        """Of the marks in some scores."""
        return mean_loss([p for index in which for p in self._marks[index]], parameters)


def usual_places(tab: Tab) -> Tab:
    """Of a score with marks, the notes far from any at their lowest frets, where a hand can hold that."""
    marked = [note.onset for note, string in zip(tab.notes, tab.strings, strict=True) if string is not None]
    strings: dict[str, int | None] = dict.fromkeys((note.id for note in tab.notes), None)
    for group in group_notes(tab.notes):
        lowest = [_lowest(tab, note.pitch) for note in group]
        places = [place for place in lowest if place is not None]
        near = any(abs(group[0].onset - onset) < _FAR_FROM_MARKS for onset in marked)
        if not near and len(places) == len(group) and is_playable(places):
            strings |= {note.id: place.string for note, place in zip(group, places, strict=True)}
    return Tab(tab.name, tab.instrument, tab.notes, tuple(strings[note.id] for note in tab.notes))


def _lowest(tab: Tab, pitch: int) -> Position | None:
    return min(tab.instrument.positions_of(pitch), key=lambda place: (place.fret, place.string), default=None)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
