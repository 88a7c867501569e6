"""Judges the tracker of bars on kept notes: `python -m bench.kept_bars [--choose] [--as NAME] [--against NAME]`.

The first run renders and transcribes each piece (some minutes); later ones take about a minute, and every version of
the tracker judges the same notes (`bench/_kept_bars.py`). `--choose` takes the pieces that choices are made on,
instead of those of `python -m bench rhythm --pieces 36`, which report. What was found is written to
`var/bars/NAME.json` and compared with that of an earlier run. "live" is what a session would commit step by step.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from bench._kept_bars import PIECES, PLACE, SETS, Kept, kept
from bench._models import load
from bench._report import print_table
from bench._rhythm_composed import print_hard, print_honesty
from bench._rhythm_failures import FAILURES, first_failure
from bench._rhythm_scoring import (
    WARM_UP_S,
    bars_right,
    beat_f1,
    beats_s,
    downbeats_of,
    downbeats_s,
    places_right,
)
from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar
from music.beats_live import LiveBars
from music.beats_tracking import track_bars

FIGURES = ("bar", "onset", "beats", "downs", "beats_8s", "live_8s", "live_downs_8s")
_TEMPI = (0.0, 70.0, 100.0, 140.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Row:
    """How right the bars of a piece are.

    Attributes:
        bar, onset: shares of notes in the right bar, and at the right written onset in it, final.
        beats, downs: F-measure at ± 70 ms, final; beats_8s of beats after eight seconds.
        live_8s, live_downs_8s: of what was committed live, after eight seconds.
        failure: where bars go wrong first, final.
        said: of each bar within the truth how sure it is, and whether it is right; said_live of those committed live.
    """

    kind: str
    name: str
    metre: int
    tempo_bpm: float
    bar: float
    onset: float
    beats: float
    downs: float
    beats_8s: float
    live_8s: float
    live_downs_8s: float
    failure: str
    said: list[tuple[float, bool]]
    said_live: list[tuple[float, bool]]


def main() -> None:
    """Judge, print, compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.kept_bars")
    parser.add_argument("--pieces", type=int, default=PIECES, help="of each kind")
    parser.add_argument("--choose", action="store_true", help="the pieces that choices are made on")
    parser.add_argument("--as", dest="name", default="last", help="write what was found under this name")
    parser.add_argument("--against", default="", help="compare with what was written under this name")
    parser.add_argument("--hard", action="store_true", help="hard music too, straight from notes")
    wish = parser.parse_args()
    rows = [
        judged(name.partition(",")[0], found)
        for name in SETS
        if name.endswith("to choose by") == wish.choose
        for found in kept(name, wish.pieces, lambda: load(threads=1))
    ]
    suffix = "-choose" if wish.choose else ""
    before = _read(f"{wish.against}{suffix}") if wish.against else []
    (PLACE / f"{wish.name}{suffix}.json").write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    for kind in dict.fromkeys(row.kind for row in rows):
        _print([row for row in rows if row.kind == kind], [row for row in before if row.kind == kind], kind)
    if wish.hard:
        print_hard()


def judged(kind: str, found: Kept) -> Row:
    """The piece's bars, final and live, against the composer's."""
    piece = found.piece
    final, live = track_bars(found.notes, found.duration), live_bars(found)
    beats, downs = (np.asarray(part) for part in piece.truth)
    truth = beats / SAMPLE_RATE_HZ
    warm = float(truth[0]) + WARM_UP_S
    bar, onset = places_right(piece, found.notes, final)
    return Row(
        kind,
        piece.name,
        piece.performance.beats_per_bar,
        float(60 / np.median(np.diff(truth))),
        bar,
        onset,
        beat_f1(truth, beats_s(final)),
        beat_f1(truth[downs], downbeats_s(final)),
        beat_f1(truth, beats_s(final), warm),
        beat_f1(truth, beats_s(live), warm),
        beat_f1(truth[downs], downbeats_s(live), warm),
        first_failure(piece, final, (bar, onset)),
        bars_right(downbeats_of(piece), final),
        bars_right(downbeats_of(piece), live),
    )


def live_bars(found: Kept) -> list[Bar]:
    """What is committed while the notes come: a function of settled notes alone, so a session commits the same."""
    tracker = LiveBars()
    for note in found.notes:
        tracker.add(note)
    steps = [*tracker.advance(found.duration), tracker.finish(found.duration)]
    return [bar for told in steps for bar in told.committed]


def _print(rows: Sequence[Row], before: Sequence[Row], kind: str) -> None:
    print(f"\n# {kind}: {len(rows)} kept pieces" + (" (each cell: before → now)" if before else ""))
    table = []
    for group in sorted({label for row in rows for label in _groups(row)}):
        own, old = [row for row in rows if group in _groups(row)], [row for row in before if group in _groups(row)]
        table.append([group, len(own), *(_cell(own, old, figure) for figure in FIGURES)])
    print_table(["", "pieces", *FIGURES], table)
    print("where bars go wrong first")
    print_table(["", "before", "pieces"], [[name, _count(before, name), _count(rows, name)] for name in FAILURES])
    for row, was in zip(rows, before or rows, strict=False):
        if row.failure != "nothing wrong" or was.failure != row.failure:
            print(f"  {row.name}, {row.metre} at {row.tempo_bpm:.0f}: {was.failure} → {row.failure} ({row.bar:.2f})")
    print_honesty(f"{kind}, final", [pair for row in rows for pair in row.said])
    print_honesty(f"{kind}, live", [pair for row in rows for pair in row.said_live])


def _groups(row: Row) -> list[str]:
    low, high = next((low, high) for low, high in pairwise(_TEMPI) if low <= row.tempo_bpm < high)
    return [" all", f"{row.metre} a bar", f"{low:03g} to {high:g} BPM", row.name]


def _cell(rows: Sequence[Row], before: Sequence[Row], figure: str) -> str:
    means = [float(np.nanmean([getattr(row, figure) for row in part])) for part in (before, rows) if part]
    return " → ".join(f"{mean:.3f}" for mean in means)


def _count(rows: Sequence[Row], failure: str) -> int:
    return sum(row.failure == failure for row in rows)


def _read(name: str) -> list[Row]:
    path = PLACE / f"{name}.json"
    if not path.exists():
        sys.exit(f"There is no {path}: run `python -m bench.kept_bars --as {name}` with that version first.")
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    main()
