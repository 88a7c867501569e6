"""Learn where hands go on the neck. `python -m bench.fit_arranging`, some ten minutes on one core.

First the prior (music/string_prior.npz), on composed music alone, half of it mangled as a transcriber mangles it; then
the weights of the hand and of the prior on other composed music (bench/arranging_folds.json: with these `bench
arranging` reports on classical scores, for they saw none), and from there on the strings marked in the scores as well
(music/hand_weights.json). Performed takes have no part in anything here.

The hand's weights and folds that ship are of an earlier form of this script, which fitted seven folds with the scores
in them; what this one writes was right less often (docs/adr/0015-habit-and-second-thoughts.md).

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

from bench._fit_hand import Passage, fit_hand, pack, passages, start_weights, unpack
from bench._fit_prior import fit_prior, joined, questions, share_right
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
"""Weights by the scores that they did not see."""
EVIDENCE = 0.0
"""Weight of what is heard of a note's string, until it is fitted on what a network hears."""

_PIECE_S = 30.0
_PRIOR_SEED, _HAND_SEED = 10_000, 0
_PRIOR_SONGS, _PRIOR_PIECES, _WRITTEN_EPOCHS = 3000, 220, 4
_HEARD_PIECES, _PRIOR_CHECKED, _HEARD_EPOCHS, _HEARD_SIZE = 260, 120, 6, (64, 32)
_SHARES = (0.75, 0.25)
_HAND_PIECES, _ROUNDS = 10, 18
_STYLE_WEIGHT, _MARKS_WEIGHT, _USUAL_WEIGHT = 0.04, 0.2, 0.4
_CHECKED_WEIGHTS = {"lines above fret 9": 0.1, "open position": 0.1}
_PRIOR_SHARE, _SAME = 1.3, 0.1
"""What the fitted weight of the prior is multiplied with, and the weight of habit (fitted it is .00 – .04): accuracy
hardly changes, live decisions stand more often (bench/NOTES.md).
"""
_FAR_FROM_MARKS = SAMPLE_RATE_HZ * 3 // 2
_EVEN_STYLES = tuple(style for style in STYLES if style != "mixed")


def main() -> None:
    """Fit, report to stderr and write the three files."""
    prior = learn_prior()
    prior = write_prior(prior)
    composed_only, names = learn_hand(prior)
    with_scores = learn_from_scores(prior, composed_only)
    table = {"by": "python -m bench.fit_arranging", **finished(with_scores).to_mapping()}
    WEIGHTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    unseen = [{"left_out": names, "weights": finished(composed_only).to_mapping()}]
    FOLDS.write_text(json.dumps(unseen, indent=1) + "\n", encoding="utf-8")


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


def learn_hand(prior: StringPrior) -> tuple[HandWeights, list[str]]:
    """The weights from composed music alone, and the names of the scores, none of which they saw."""
    start = start_weights()
    parameters = fit_hand(_passages_of_composed(prior, start), pack(start), _ROUNDS)
    return unpack(parameters, EVIDENCE), [score.name for score in classical_marks()]


def learn_from_scores(prior: StringPrior, composed_only: HandWeights) -> HandWeights:
    """The weights from the marks in scores too; what is remembered of all is what `composed_only` made of it."""
    scores = classical_marks()
    sets = [
        *_passages_of_composed(prior, composed_only),
        (_MARKS_WEIGHT, passages(scores, prior, composed_only)),
        (_USUAL_WEIGHT, passages([usual_places(score) for score in scores], prior, composed_only)),
    ]
    parameters = fit_hand([(weight, members) for weight, members in sets if members], pack(composed_only), _ROUNDS)
    return unpack(parameters, EVIDENCE)


def finished(fitted: HandWeights) -> HandWeights:
    """The weights as they are used: what the likelihood gives, but for two that make live agree with offline."""
    table = fitted.to_mapping()
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
