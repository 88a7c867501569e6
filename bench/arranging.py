"""Where on the neck: string and fret right, from true notes, beside simpler ways. `python -m bench arranging`.

Strings marked in a classical score are scored with weights that were fitted without the score; performed takes and the
composed pieces here had no part in fitting at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench._plain_viterbi import lowest_frets, plain_viterbi
from bench._report import print_json, print_table
from bench._tabs import Tab, reported_groups
from bench.fit_arranging import FOLDS
from inference.training.songbook import IDIOMS
from music.arranging import LiveArranger, arrange, group_notes
from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HandWeights
from music.neck import is_playable
from music.note import Note
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.tuning import Position

PIECES = 6
LOOKAHEADS_S = (0.1, 0.25, 0.5, 1.0)
_STEP = SAMPLE_RATE_HZ // 50
PEERS_REPORTED = {
    "performed takes": {"tuttut 0.0.6": 0.602, "tabsynth 1.0.6": 0.305},
    "classical marks": {"tuttut 0.0.6": 0.139, "tabsynth 1.0.6": 0.397},
}
"""Measured elsewhere on the same material (three takes instead of two); not run here."""


def main() -> None:
    """Print the tables and the JSON line."""
    groups = reported_groups(PIECES)
    unseen = unseen_weights()
    rows, per_piece, facts = [], [], {}
    for name, tabs in groups.items():
        figures = [measure(tab, unseen.get(tab.name, DEFAULT_PREFERENCES)) for tab in tabs]
        if not figures:
            print(f"{name}: left out, ../shared/data is not there")
            continue
        mean = {key: float(np.mean([f[key] for f in figures])) for key in figures[0]}
        facts[name] = mean
        rows.append([name, len(tabs), sum(tab.scored for tab in tabs), *(mean[key] for key in _COLUMNS)])
        if name in PEERS_REPORTED:
            per_piece += [
                [tab.name, tab.scored, *(f[key] for key in _COLUMNS[:4])] for tab, f in zip(tabs, figures, strict=True)
            ]
    songs = {key: _of_songs(facts, key) for key in next(iter(facts.values()))}
    rows.append(["songs, by share", "", "", *(songs[key] for key in _COLUMNS)])
    print_table(["piece", "scored", *_COLUMNS[:4]], per_piece)
    print()
    print_table(["group", "pieces", "scored", *_COLUMNS], rows)
    for name, peers in PEERS_REPORTED.items():
        print(f"{name}: not run here, reported: " + ", ".join(f"{peer} {right:.3f}" for peer, right in peers.items()))
    curve = lookahead_curve(groups, unseen)
    print_table(["look-ahead (s)", "agrees with offline", "right live", "right offline"], curve)
    speed = notes_per_second(groups["songs open_picked"] + groups["composed mixed"])
    print_table(["offline notes/s", "live ms a note"], [[round(speed[0]), speed[1]]])
    print_json(
        "arranging",
        groups={**facts, "songs": songs},
        peers_reported=PEERS_REPORTED,
        lookahead=[
            dict(zip(("lookahead_s", "agree", "right_live", "right_offline"), row, strict=True)) for row in curve
        ],
        offline_notes_per_s=speed[0],
        live_ms_per_note=speed[1],
    )


_COLUMNS = ("ours", "ours live 1 s", "plain Viterbi", "lowest fret", "unplayable", "travel", "travel true")


def measure(tab: Tab, preferences: Preferences) -> dict[str, float]:
    """Shares of the scored notes that are right, and how the hand fares: see `_COLUMNS`."""
    arranged = arrange(tab.notes, tab.instrument, preferences)
    ours = _strings(arranged)
    live = _strings(arrange_live(tab, 1.0, preferences))
    return {
        "ours": right(tab, ours),
        "ours live 1 s": right(tab, live),
        "plain Viterbi": right(tab, plain_viterbi(tab)),
        "lowest fret": right(tab, lowest_frets(tab)),
        "unplayable": float(_unplayable(arranged)),
        "travel": _travel(tab, ours),
        "travel true": _travel(tab, tab.strings) if tab.scored == len(tab.notes) else float("nan"),
    }


def unseen_weights() -> Mapping[str, Preferences]:
    """For each classical score the weights that were fitted without it."""
    folds = json.loads(FOLDS.read_text(encoding="utf-8"))
    return {
        name: Preferences(learned=HandWeights.from_mapping(fold["weights"]))
        for fold in folds
        for name in fold["left_out"]
    }


def right(tab: Tab, strings: Sequence[int | None]) -> float:
    """Share of the scored notes on their string (and so at their fret)."""
    pairs = [(found, true) for found, true in zip(strings, tab.strings, strict=True) if true is not None]
    return sum(found == true for found, true in pairs) / max(1, len(pairs))


def arrange_live(tab: Tab, lookahead_s: float, preferences: Preferences) -> list[Note]:
    """As a session does it: driven every 20 ms, a note's end known once it has passed."""
    arranger = LiveArranger(tab.instrument, round(lookahead_s * SAMPLE_RATE_HZ), preferences)
    coming = sorted(tab.notes, key=lambda note: note.onset)
    settled: list[Note] = []
    for now in range(0, (coming[-1].onset if coming else 0) + _STEP, _STEP):
        while coming and coming[0].onset < now:
            arranger.add(replace(coming.pop(0), offset=None))
        settled += arranger.advance(now, {n.id: n.offset for n in tab.notes if n.offset and n.offset <= now})
    for note in coming:
        arranger.add(note)
    settled += arranger.finish({note.id: note.offset for note in tab.notes})
    by_id = {note.id: note for note in settled}
    return [by_id[note.id] for note in tab.notes]


def lookahead_curve(groups: Mapping[str, list[Tab]], unseen: Mapping[str, Preferences]) -> list[list[float]]:
    """For each look-ahead: agreement with offline, and both accuracies, means of the groups' means."""
    table = []
    for lookahead_s in LOOKAHEADS_S:
        means = []
        for tabs in groups.values():
            figures = []
            for tab in tabs:
                preferences = unseen.get(tab.name, DEFAULT_PREFERENCES)
                offline = _strings(arrange(tab.notes, tab.instrument, preferences))
                live = _strings(arrange_live(tab, lookahead_s, preferences))
                same = float(np.mean([a == b for a, b in zip(live, offline, strict=True)]))
                figures.append((same, right(tab, live), right(tab, offline)))
            means += [np.mean(figures, axis=0)] if figures else []
        table.append([lookahead_s, *(float(value) for value in np.mean(means, axis=0))])
    return table


def notes_per_second(tabs: Sequence[Tab]) -> tuple[float, float]:
    """Offline notes a second; live milliseconds a note."""
    count = sum(len(tab.notes) for tab in tabs)
    offline_s = _timed(lambda: [arrange(tab.notes, tab.instrument) for tab in tabs])
    live_s = _timed(lambda: [_live_notes(tab) for tab in tabs])
    return count / offline_s, 1000 * live_s / count


def _live_notes(tab: Tab) -> list[Note]:
    arranger = LiveArranger(tab.instrument, SAMPLE_RATE_HZ)
    settled: list[Note] = []
    for note in sorted(tab.notes, key=lambda note: note.onset):
        settled += arranger.advance(note.onset, {})
        arranger.add(note)
    return settled + arranger.finish({})


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _strings(notes: Sequence[Note]) -> list[int | None]:
    return [note.position.string if note.position else None for note in notes]


def _unplayable(arranged: Sequence[Note]) -> int:
    groups = group_notes(arranged)
    return sum(not is_playable([note.position for note in group if note.position]) for group in groups)


def _travel(tab: Tab, strings: Sequence[int | None]) -> float:
    """Frets that the lowest finger goes from group to group, a mean; open strings leave it where it is."""
    fret_of: dict[str, int] = {}
    for note, string in zip(tab.notes, strings, strict=True):
        if string:
            fret_of[note.id] = note.pitch - tab.instrument.pitch_at(Position(string, 0))
    lowest = [min((fret_of[n.id] for n in g if fret_of.get(n.id)), default=0) for g in group_notes(tab.notes)]
    fretted = [fret for fret in lowest if fret]
    return float(np.abs(np.diff(fretted)).mean()) if len(fretted) > 1 else 0.0


def _of_songs(facts: Mapping[str, Mapping[str, float]], key: str) -> float:
    return sum(share * facts[f"songs {idiom}"][key] for idiom, share in IDIOMS.items())


if __name__ == "__main__":
    main()
