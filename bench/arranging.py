"""Where on the neck: string and fret right, from true notes, beside other arrangers. `python -m bench arranging`.

Strings marked in a classical score are scored with weights that were fitted without the score; performed takes and the
composed pieces here had no part in fitting at all. `--pieces N` sets how many composed pieces each group has.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench._peers import PeersAbsentError
from bench._placing import Strings, arrange_live, right, strings_of, travel, unplayable
from bench._plain_viterbi import lowest_frets, plain_viterbi
from bench._report import print_json, print_table
from bench._tab_peers import NAMES, ask_peers
from bench._tabs import Tab, checked_groups, classical_marks, composed, performed_takes, song, validation_seeds
from bench.fit_arranging import FOLDS
from inference.training.composer import STYLES
from inference.training.songbook import IDIOMS
from music.arranging import LiveArranger, arrange, known_hand
from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HandWeights
from music.note import Note
from music.preferences import DEFAULT_PREFERENCES, Preferences

LOOKAHEADS_S = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
OURS, LIVE = "ours", "live 1 s"
_SIMPLE: Mapping[str, Callable[[Tab], Sequence[int]]] = {"Viterbi": plain_viterbi, "lowest": lowest_frets}
Weights = Mapping[str, Preferences]
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """One arranger's strings for one tab, and how long they took."""

    strings: Strings
    took_s: float


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench arranging", description=__doc__)
    parser.add_argument("--pieces", type=int, default=6, help="composed pieces in each group")
    seeds = validation_seeds(parser.parse_args(arguments).pieces)
    unseen = unseen_weights()
    people = {"performed takes": performed_takes(), "classical marks": classical_marks()}
    compared = {**{name: tabs for name, tabs in people.items() if tabs}, **checked_groups(seeds)}
    if not all(people.values()):
        print("performed takes and classical marks: left out, ../shared/data is not there")
    styles = {f"composed {style}": [composed(style, seed) for seed in seeds] for style in STYLES}
    songs = {f"songs {idiom}": [song(idiom, seed) for seed in seeds] for idiom in IDIOMS}
    answers = {name: [answer(tab, unseen) for tab in tabs] for name, tabs in {**compared, **styles, **songs}.items()}
    _add_peers(compared, answers)
    _print_pieces(compared, answers)
    facts = {name: _means(tabs, answers[name]) for name, tabs in compared.items()}
    _print_groups(compared, facts)
    ways = (OURS, LIVE, *_SIMPLE)
    rest = {name: _means(tabs, answers[name]) for name, tabs in {**styles, **songs}.items()}
    rows = [[name, *(facts_[way]["right"] for way in ways)] for name, facts_ in rest.items()]
    by_share = {way: sum(s * rest[f"songs {idiom}"][way]["right"] for idiom, s in IDIOMS.items()) for way in ways}
    print()
    print_table(["right, other composed music", *ways], [*rows, ["songs, by share", *by_share.values()]])
    curve = lookahead_curve({**compared, **styles, **songs}, answers, unseen)
    print()
    print_table(list(curve[0]), [list(row.values()) for row in curve])
    speed = notes_per_second([tab for tabs in compared.values() for tab in tabs])
    print_table(
        ["offline notes/s", "ms per 1 000", "live ms a note, 0.1 s", "1 s", "0.1 s, sessions before it"],
        [[round(speed[0]), 1e6 / speed[0], *speed[1:]]],
    )
    print_json(
        "arranging",
        groups=facts,
        other={**rest, "songs, by share": by_share},
        lookahead=curve,
        offline_notes_per_s=speed[0],
        live_ms_per_note=speed[1:],
    )


def unseen_weights() -> Weights:
    """For each classical score the weights that were fitted without it."""
    folds = json.loads(FOLDS.read_text(encoding="utf-8"))
    return {
        name: Preferences(learned=HandWeights.from_mapping(fold["weights"]))
        for fold in folds
        for name in fold["left_out"]
    }


def answer(tab: Tab, unseen: Weights) -> dict[str, Answer]:
    """What everybody but the peers says."""
    preferences = unseen.get(tab.name, DEFAULT_PREFERENCES)
    ways: dict[str, Callable[[], Strings]] = {
        OURS: lambda: strings_of(arrange(tab.notes, tab.instrument, preferences)),
        LIVE: lambda: strings_of(arrange_live(tab, 1.0, preferences)),
    }
    ways |= {name: lambda way=way: way(tab) for name, way in _SIMPLE.items()}  # type: ignore[misc]
    return {name: Answer(*_timed(way)) for name, way in ways.items()}


def _add_peers(groups: Mapping[str, Sequence[Tab]], answers: Mapping[str, list[dict[str, Answer]]]) -> None:
    tabs = [tab for of_group in groups.values() for tab in of_group]
    try:
        told = ask_peers(tabs)
    except PeersAbsentError as error:
        print(f"without {', '.join(NAMES)}: {error}")
        return
    ours = [own for name in groups for own in answers[name]]
    for own, peers in zip(ours, told, strict=True):
        own |= {name: Answer(*peer) for name, peer in peers.items()}


def _means(tabs: Sequence[Tab], answers: Sequence[dict[str, Answer]]) -> dict[str, dict[str, float]]:
    """By way of arranging: shares of scored notes, unplayable shapes in all, mean travel, seconds per 1 000 notes."""
    notes, scored = sum(len(tab.notes) for tab in tabs), sum(tab.scored for tab in tabs)
    means = {}
    for way in answers[0]:
        pairs = [(tab, own[way]) for tab, own in zip(tabs, answers, strict=True)]
        means[way] = {
            "right": sum(right(tab, a.strings) * tab.scored for tab, a in pairs) / max(1, scored),
            "right, mean of pieces": float(np.mean([right(tab, a.strings) for tab, a in pairs])),
            "unplayable": float(sum(unplayable(tab, a.strings) for tab, a in pairs)),
            "travel": float(np.mean([travel(tab, a.strings) for tab, a in pairs])),
            "s per 1000": 1000 * sum(a.took_s for _, a in pairs) / notes,
        }
    return means


def _print_pieces(groups: Mapping[str, Sequence[Tab]], answers: Mapping[str, list[dict[str, Answer]]]) -> None:
    ways = list(next(iter(answers.values()))[0])
    rows = [
        [tab.name, tab.scored, *(right(tab, own[way].strings) for way in ways)]
        for name, tabs in groups.items()
        for tab, own in zip(tabs, answers[name], strict=True)
    ]
    print_table(["right, by piece", "scored", *ways], rows)


def _print_groups(groups: Mapping[str, Sequence[Tab]], facts: Mapping[str, dict[str, dict[str, float]]]) -> None:
    ways = list(next(iter(facts.values())))
    for figure in next(iter(facts.values()))[OURS]:
        rows = [[name, len(groups[name]), *(facts[name][way][figure] for way in ways)] for name in facts]
        headings = [figure, "pieces", *ways]
        if figure.startswith("right"):
            others = [way for way in ways if way not in (OURS, LIVE)]
            lead = [[facts[n][OURS][figure] - max(facts[n][way][figure] for way in others)] for n in facts]
            rows, headings = [row + more for row, more in zip(rows, lead, strict=True)], [*headings, "ours − best"]
        if figure == "travel":
            headings.append("people")
            rows = [[*row, _travel_of_people(groups[name])] for row, name in zip(rows, facts, strict=True)]
        print()
        print_table(headings, rows)


def _travel_of_people(tabs: Sequence[Tab]) -> float:
    whole = [travel(tab, tab.strings) for tab in tabs if tab.scored == len(tab.notes)]
    return float(np.mean(whole)) if whole else float("nan")


def lookahead_curve(
    groups: Mapping[str, Sequence[Tab]], answers: Mapping[str, list[dict[str, Answer]]], unseen: Weights
) -> list[dict[str, float]]:
    """For each look-ahead, of all notes and as means of the groups: agreement with offline; both accuracies."""
    curve = []
    for lookahead_s in LOOKAHEADS_S:
        counts = []
        for name, tabs in groups.items():
            of_group = np.zeros(5)
            for tab, own in zip(tabs, answers[name], strict=True):
                live = strings_of(arrange_live(tab, lookahead_s, unseen.get(tab.name, DEFAULT_PREFERENCES)))
                same = sum(a == b for a, b in zip(live, own[OURS].strings, strict=True))
                rights = [right(tab, strings) * tab.scored for strings in (live, own[OURS].strings)]
                of_group += [same, len(tab.notes), *rights, tab.scored]
            counts.append(of_group)
        table = np.array(counts)
        agree, live_right, all_right = (table[:, a] / table[:, b] for a, b in ((0, 1), (2, 4), (3, 4)))
        curve.append(
            {
                "look-ahead (s)": lookahead_s,
                "agree, all notes": float(table[:, 0].sum() / table[:, 1].sum()),
                "agree, mean of groups": float(agree.mean()),
                "agree, least group": float(agree.min()),
                "right live": float(live_right.mean()),
                "right offline": float(all_right.mean()),
            }
        )
    return curve


def notes_per_second(tabs: Sequence[Tab]) -> tuple[float, float, float, float]:
    """Offline notes a second of one core; live milliseconds of it a note, a tenth of a second and a second ahead, and
    a tenth again by a process whose sessions before have held the same chords.
    """
    count = sum(len(tab.notes) for tab in tabs)
    _, offline_s = _timed(lambda: [arrange(tab.notes, tab.instrument) for tab in tabs])
    live_s = []
    for ahead, is_fresh in ((0.1, True), (1.0, True), (0.1, False)):
        if is_fresh:
            known_hand.cache_clear()
        live_s.append(_timed(lambda: [_live_notes(tab, ahead) for tab in tabs])[1])  # noqa: B023
    short, far, again = (1000 * took_s / count for took_s in live_s)
    return count / offline_s, short, far, again


def _live_notes(tab: Tab, lookahead_s: float) -> list[Note]:
    arranger = LiveArranger(tab.instrument, round(lookahead_s * SAMPLE_RATE_HZ))
    settled: list[Note] = []
    for note in sorted(tab.notes, key=lambda note: note.onset):
        settled += arranger.advance(note.onset, {})
        arranger.add(note)
    return settled + arranger.finish({})


def _timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    begun = time.process_time()  # one thread; neighbours on the machine do not count
    return work(), time.process_time() - begun


if __name__ == "__main__":
    main()
