"""Learn where hands go on the neck. `python -m bench.fit_arranging [--prior]`, some minutes on one core.

The weights of the hand and of the prior, first on composed music alone, then from there on the strings marked in
classical scores as well: of all scores (music/hand_weights.json), and seven times without some of them
(bench/arranging_folds.json, with which `bench arranging` reports on those). What ships is what this writes. With
`--prior` the prior is learned anew before (music/string_prior.npz), on composed music alone, some of it mangled as a
transcriber mangles it: not the very network that ships (docs/adr/0023-a-string-for-each-voice.md). Performed takes have
no part in anything here.

An engraver marks a string where it is not the usual one. Taken alone such marks teach that hands live up the neck, so
notes far from any mark are taken to lie where they would be looked for: at the lowest fret. A score counts by the root
of its marks: one of them holds a quarter of them all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench._fit_hand import Parameters, Passage, fit_hand, mean_loss, pack, passages, start_weights, unpack
from bench._fit_prior import fit_prior, joined, questions, share_right
from bench._mangling import every_other_mangled
from bench._tabs import Tab, checked_groups, classical_marks, composed, song
from inference.training.composer import STYLES
from inference.training.songbook import IDIOMS
from music.arranging import group_notes
from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HandWeights
from music.neck import is_playable
from music.string_prior import StringPrior, learned_prior
from music.tuning import Position

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "music" / "hand_weights.json"
PRIOR = ROOT / "music" / "string_prior.npz"
FOLDS = ROOT / "bench" / "arranging_folds.json"
"""Weights by the scores that they did not see."""
FOLD_COUNT = 7
EVIDENCE = 0.0
"""Weight of what is heard of a note's string, until it is fitted on what a network hears."""

_PIECE_S = 30.0
_PRIOR_SEED, _HAND_SEED = 10_000, 0
_PRIOR_SONGS, _PRIOR_PIECES, _WRITTEN_EPOCHS = 3000, 220, 4
_HEARD_PIECES, _PRIOR_CHECKED, _HEARD_EPOCHS, _HEARD_SIZE = 260, 120, 6, (64, 32)
_SHARES = (0.75, 0.25)
_HAND_PIECES, _ROUNDS, _MORE_ROUNDS = 6, 30, 10
_STYLE_WEIGHT, _MARKS_WEIGHT, _USUAL_WEIGHT = 0.04, 0.2, 0.4
_PRIOR_SHARE, _SAME = 1.3, 0.05
"""What the fitted weight of the prior is multiplied with, and the weight of habit (fitted it is .00 – .04): accuracy
hardly changes, live decisions stand more often (bench/NOTES.md).
"""
_FAR_FROM_MARKS = SAMPLE_RATE_HZ * 3 // 2
_EVEN_STYLES = tuple(style for style in STYLES if style != "mixed")


def main(arguments: Sequence[str] = ()) -> None:
    """Fit, report to stderr and write the files."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_arranging", description=__doc__)
    parser.add_argument("--prior", action="store_true", help="learn the prior anew before")
    prior = write_prior(learn_prior()) if parser.parse_args(arguments).prior else learned_prior()
    material = learn_material(prior)
    scores = material.scores
    table = {"by": "python -m bench.fit_arranging", **finished(material.fit(scores)).to_mapping()}
    WEIGHTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    folds = []
    for left_out in np.array_split(np.arange(len(scores)), min(FOLD_COUNT, len(scores))):
        unseen = [scores[index] for index in left_out]
        fitted = material.fit([score for score in scores if score not in unseen])
        loss = mean_loss([passage for score in unseen for passage in score.marks], fitted)
        _say(f"without {', '.join(score.name for score in unseen)}: {loss:.3f} a layer of theirs")
        folds.append({"left_out": [score.name for score in unseen], "weights": finished(fitted).to_mapping()})
    FOLDS.write_text(json.dumps(folds, indent=1) + "\n", encoding="utf-8")


def learn_prior() -> StringPrior:
    """Two networks in one, from composed music: of songs as written, and of everything half mangled as it is heard."""
    as_written = _songs(_PRIOR_SONGS, 8) + _pieces(_PRIOR_PIECES)
    of_written = fit_prior([(weight, questions(tabs)) for _, weight, tabs in as_written], _WRITTEN_EPOCHS)
    groups = checked_groups(range(_PRIOR_SEED, _PRIOR_SEED + _PRIOR_CHECKED), _PIECE_S)
    heard = _songs(_PRIOR_SONGS, 40) + _pieces(_HEARD_PIECES) + [(name, 1.0, tabs) for name, tabs in groups.items()]
    sets = [(weight, questions(every_other_mangled(tabs))) for _, weight, tabs in heard]
    prior = joined([of_written, fit_prior(sets, _HEARD_EPOCHS, size=_HEARD_SIZE)], _SHARES)
    for (name, _, _), (_, known) in zip(heard, sets, strict=True):
        _say(f"prior, {name}: {len(known)} notes, {share_right(prior, known):.3f} right (seen)")
    return prior


def _songs(count: int, least: int) -> list[tuple[str, float, list[Tab]]]:
    """The idioms with what one of their notes weighs."""
    counts = {idiom: max(least, round(share * count)) for idiom, share in IDIOMS.items()}
    return [(idiom, 1.0, [song(idiom, _PRIOR_SEED + n, _PIECE_S) for n in range(c)]) for idiom, c in counts.items()]


def _pieces(count: int) -> list[tuple[str, float, list[Tab]]]:
    seeds = range(_PRIOR_SEED, _PRIOR_SEED + count)
    return [(style, 0.3, [composed(style, seed, _PIECE_S) for seed in seeds]) for style in _EVEN_STYLES]


def write_prior(prior: StringPrior) -> StringPrior:
    """Write it in half precision; what it is then."""
    halved: dict[str, Any] = {name: value.astype(np.float16) for name, value in prior.to_arrays().items()}
    np.savez_compressed(PRIOR, **halved)
    return StringPrior.from_arrays(halved)


@dataclass(frozen=True, eq=False, slots=True)
class MarkedScore:
    """What is known of a score: where its engraver marked strings, and where notes far from marks are taken to lie."""

    name: str
    marks: Sequence[Passage]
    usual: Sequence[Passage]


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """What the hand is learned from.

    Attributes:
        composed: passages of composed music with the weight of each set.
        scores: those with marks.
        start: parameters fitted to composed music alone.
    """

    composed: Sequence[tuple[float, Sequence[Passage]]]
    scores: Sequence[MarkedScore]
    start: Parameters

    def fit(self, scores: Sequence[MarkedScore]) -> Parameters:
        """Parameters from composed music and these scores, not followed to the end: what has few marks says little."""
        marks = _by_root(_MARKS_WEIGHT, [score.marks for score in scores])
        usual = _by_root(_USUAL_WEIGHT, [score.usual for score in scores])
        return fit_hand([*self.composed, *marks, *usual], self.start, _MORE_ROUNDS)


def learn_material(prior: StringPrior) -> Material:
    """What is remembered of pieces is what weights from composed music alone, which are learned here, make of them."""
    start = fit_hand(_passages_of_composed(prior, start_weights()), pack(start_weights()), _ROUNDS)
    weights = finished(start)
    scores = [
        MarkedScore(score.name, passages([score], prior, weights), passages([usual_places(score)], prior, weights))
        for score in classical_marks()
    ]
    return Material(_passages_of_composed(prior, weights), scores, start)


def _by_root(weight: float, sets: Sequence[Sequence[Passage]]) -> list[tuple[float, Sequence[Passage]]]:
    """The sets in which something is known, each weighing the root of how much."""
    roots = [sum(passage.labels for passage in members) ** 0.5 for members in sets]
    return [(weight * root / sum(roots), members) for root, members in zip(roots, sets, strict=True) if root]


def finished(parameters: Parameters) -> HandWeights:
    """The weights as they are used: what the likelihood gives, but for two that make live agree with offline."""
    table = unpack(parameters, EVIDENCE).to_mapping()
    return HandWeights.from_mapping({**table, "prior": _PRIOR_SHARE * table["prior"], "same": _SAME})


def _passages_of_composed(prior: StringPrior, weights: HandWeights) -> list[tuple[float, Sequence[Passage]]]:
    return [(share, passages(tabs, prior, weights)) for share, tabs in _composed_sets()]


def _composed_sets() -> Iterable[tuple[float, list[Tab]]]:
    """Composed pieces with the weight of each set, every other one mangled."""
    seeds = range(_HAND_SEED, _HAND_SEED + _HAND_PIECES)
    for idiom, share in IDIOMS.items():
        yield share, every_other_mangled([song(idiom, seed, _PIECE_S) for seed in seeds])
    for style in _EVEN_STYLES:
        yield _STYLE_WEIGHT, every_other_mangled([composed(style, seed, _PIECE_S) for seed in seeds])


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
    main(sys.argv[1:])
