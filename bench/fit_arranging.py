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
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench._fit_hand import Parameters, Passage, fit_hand, mean_loss, pack, passages, start_weights, unpack
from bench._fit_prior import Questions, fit_prior, questions, share_right
from bench._mangling import every_other_mangled
from bench._tabs import Tab, checked_groups, classical_marks, composed, song
from inference.training.composer import STYLES
from inference.training.songbook import IDIOMS
from music.arranging import group_notes
from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HandWeights
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
_PRIOR_SONGS, _PRIOR_PIECES, _PRIOR_CHECKED, _PRIOR_EPOCHS = 1200, 150, 60, 5
_LEAST_SONGS = 120
_HAND_PIECES, _ROUNDS = 10, 18
_STYLE_WEIGHT, _MARKS_WEIGHT, _USUAL_WEIGHT = 0.04, 0.2, 0.4
_CHECKED_WEIGHTS = {"lines above fret 9": 0.1, "open position": 0.1}
_FAR_FROM_MARKS = SAMPLE_RATE_HZ * 3 // 2
_EVEN_STYLES = tuple(style for style in STYLES if style != "mixed")


def main() -> None:
    """Fit, report to stderr and write the three files."""
    prior = learn_prior()
    prior = write_prior(prior)
    fits = HandFits(prior)
    table = unpack(fits.fit(()), EVIDENCE).to_mapping()
    WEIGHTS.write_text(json.dumps({"by": "python -m bench.fit_arranging", **table}, indent=1) + "\n", encoding="utf-8")
    folds = []
    for fold in np.array_split(np.arange(len(fits.scores)), FOLD_COUNT):
        parameters = fits.fit(fold.tolist())
        names = [fits.scores[index].name for index in fold]
        folds.append({"left_out": names, "weights": unpack(parameters, EVIDENCE).to_mapping()})
        _say(f"without {', '.join(names)}: {fits.loss(fold.tolist(), parameters):.3f} a layer")
    FOLDS.write_text(json.dumps(folds, indent=1) + "\n", encoding="utf-8")


def learn_prior() -> StringPrior:
    """The network, from composed music, half of it as a transcriber would have heard it."""

    def asked(tabs: Iterable[Tab]) -> Questions:
        return questions(every_other_mangled(list(tabs)))

    def songs(idiom: str, share: float) -> Questions:
        count = max(_LEAST_SONGS, round(share * _PRIOR_SONGS))
        return asked(song(idiom, _PRIOR_SEED + n, _PIECE_S) for n in range(count))

    def pieces(style: str) -> Questions:
        return asked(composed(style, _PRIOR_SEED + n, _PIECE_S) for n in range(_PRIOR_PIECES))

    groups = checked_groups(range(_PRIOR_SEED, _PRIOR_SEED + _PRIOR_CHECKED), _PIECE_S)
    sets = [(1.0, songs(*idiom)) for idiom in IDIOMS.items()]
    sets += [(0.3, pieces(style)) for style in _EVEN_STYLES]
    sets += [(1.0, asked(tabs)) for tabs in groups.values()]
    prior = fit_prior(sets, _PRIOR_EPOCHS)
    for name, (_, known) in zip((*IDIOMS, *_EVEN_STYLES, *groups), sets, strict=True):
        _say(f"prior, {name}: {len(known)} notes, {share_right(prior, known):.3f} right (seen)")
    return prior


def write_prior(prior: StringPrior) -> StringPrior:
    """Write it in half precision; what it is then."""
    halved: dict[str, Any] = {name: value.astype(np.float16) for name, value in prior.to_arrays().items()}
    np.savez_compressed(PRIOR, **halved)
    return StringPrior.from_arrays(halved)


class HandFits:
    """Fits of the weights with some of the classical scores left out.

    What is remembered of the pieces is, first, what weights made of it that nobody fitted, then what weights fitted on
    composed music alone did.
    """

    def __init__(self, prior: StringPrior) -> None:
        self.scores = classical_marks()
        self._prior = prior
        self._tabs = [*_composed_sets()]
        self.composed_only = unpack(fit_hand(self._composed(start_weights()), pack(start_weights()), _ROUNDS), EVIDENCE)
        self._known = self._composed(self.composed_only)
        self._marks = [passages([tab], prior, self.composed_only) for tab in self.scores]
        self._usual = [passages([usual_places(tab)], prior, self.composed_only) for tab in self.scores]

    def fit(self, left_out: Sequence[int]) -> Parameters:
        """The weights, without the scores of these indices."""
        marks = [p for index, own in enumerate(self._marks) if index not in left_out for p in own]
        usual = [p for index, own in enumerate(self._usual) if index not in left_out for p in own]
        sets: list[tuple[float, Sequence[Passage]]] = [*self._known]
        sets += [(_MARKS_WEIGHT, marks), (_USUAL_WEIGHT, usual)] if marks else []
        return fit_hand(sets, pack(self.composed_only), _ROUNDS)

    def loss(self, which: Sequence[int], parameters: Parameters) -> float:
        """Of the marks in some scores."""
        return mean_loss([p for index in which for p in self._marks[index]], parameters)

    def _composed(self, weights: HandWeights) -> list[tuple[float, Sequence[Passage]]]:
        return [(share, passages(tabs, self._prior, weights)) for share, tabs in self._tabs]


def _composed_sets() -> Iterable[tuple[float, list[Tab]]]:
    """Composed pieces with the weight of each set, every other one mangled."""
    seeds = range(_HAND_SEED, _HAND_SEED + _HAND_PIECES)
    for idiom, share in IDIOMS.items():
        yield share, every_other_mangled([song(idiom, seed, _PIECE_S) for seed in seeds])
    for style in _EVEN_STYLES:
        yield _STYLE_WEIGHT, every_other_mangled([composed(style, seed, _PIECE_S) for seed in seeds])
    for name, tabs in checked_groups(seeds, _PIECE_S).items():
        yield _CHECKED_WEIGHTS.get(name, _STYLE_WEIGHT), every_other_mangled(tabs)


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
