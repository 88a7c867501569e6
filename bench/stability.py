"""How far the `stability` and `confidence` of tentative notes can be believed. `python -m bench stability [--fit]`.

Rendered pieces are played live; every TENTATIVE revision is compared with what became of its note. `--fit` finds the
transcriber's curve for `music/stability.py` on TRAINING pieces and prints it; without it nothing is fitted. The report
is always on VALIDATION pieces, whose sounds had no part in a fit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench._models import load
from bench._report import print_json, print_table
from bench._scoring import PlainNote, matches
from bench._takes import FIRST_SEED
from bench.live_simulation import Run, play
from inference.ports import Transcriber
from inference.training.dataset import Piece, render_piece
from inference.training.recipes import TRAINING, VALIDATION, Recipe
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ, seconds
from music.note import SETTLED, Note, NoteState
from music.stability import StabilityCurve, curve_of, stability

FIT_SEEDS = range(500_000, 500_200)
REPORT_SEEDS = range(FIRST_SEED + 30_000, FIRST_SEED + 30_200)
STEPS = (9, 4)
"""Frames from one preview to the next; pieces take turns."""
PIECES, FIT_PIECES, PIECE_S = 8, 24, 12.0
DECILES = 10
_MOVED = SAMPLE_RATE_HZ // 20
_PENALTY = 1e-3

Values = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shown:
    """A tentative revision and what became of it.

    Attributes:
        frames: heard since its onset.
        held: the note was committed with this pitch and its onset within 50 ms of this one.
        played: the committed note, or this one where none was committed, is in the truth.
    """

    confidence: float
    stability: float
    frames: float
    held: bool
    played: bool


def main(arguments: Sequence[str] = ()) -> None:
    """Print tables and the JSON line."""
    wish = _parse(arguments)
    transcriber = load(wish.transcriber, threads=1)
    name = transcriber.reference.name
    curve = curve_of(name)
    if wish.fit:
        shown = list(listen(transcriber, _pieces(TRAINING, FIT_SEEDS, wish.fit_pieces)))
        curve = fit(shown)
        print(f"fitted on {len(shown)} tentative revisions of {wish.fit_pieces} TRAINING pieces")
        print(f'    "{name}": StabilityCurve({curve.intercept:.3f}, {curve.confidence:.3f}, {curve.age:.3f}),')
    shown = list(listen(transcriber, _pieces(VALIDATION, REPORT_SEEDS, wish.pieces)))
    held, played = (np.array([getattr(one, what) for one in shown], bool) for what in ("held", "played"))
    told = np.array([one.stability for one in shown])
    by_curve = np.array([stability(one.confidence, one.frames, curve) for one in shown])
    sure = np.array([one.confidence for one in shown])
    print(f"{name}: {len(shown)} tentative revisions of {wish.pieces} VALIDATION pieces, {held.mean():.1%} held")
    errors: dict[str, float] = {}
    for title, said, came in (
        ("stability as told", told, held),
        ("stability by the curve", by_curve, held),
        ("confidence, of being committed as it stands", sure, held),
        ("confidence, of having been played", sure, played),
    ):
        errors[title] = expected_error(said, came)
        print(f"\n{title}: expected calibration error {errors[title]:.3f}")
        print_table(["told", "revisions", "mean told", "came true"], reliability(said, came))
    print_json("stability", transcriber=name, revisions=len(shown), held=float(held.mean()), calibration_error=errors)


def listen(transcriber: Transcriber, pieces: Iterable[Piece]) -> Iterator[Shown]:
    """Every tentative revision of pieces that are played live."""
    for number, piece in enumerate(pieces):
        run = play(transcriber, piece.samples, piece.instrument, STEPS[number % len(STEPS)])
        truth = [PlainNote(seconds(n.onset), seconds(n.offset), n.pitch) for n in piece.notes]
        yield from judge(run, truth, transcriber.grid.hop)


def judge(run: Run, truth: Sequence[PlainNote], hop: int) -> Iterator[Shown]:
    """The tentative revisions of one run, but for those of notes that were decided already and only waited for a place
    on the neck: their stability is 1, and needs no curve.
    """
    last: dict[str, Note] = {told.note.id: told.note for told in run.told}
    ids = list(last)
    found = [PlainNote(seconds(n.onset), seconds(n.onset) + 0.1, n.pitch) for n in last.values()]
    true = {ids[index] for _, index in matches(truth, found)}
    for told in run.told:
        note = told.note
        if note.state is NoteState.TENTATIVE and note.stability < 1:
            final = last[note.id]
            is_same = final.pitch == note.pitch and abs(final.onset - note.onset) <= _MOVED
            frames = max(0.0, (told.heard_until - note.onset) / hop)
            yield Shown(note.confidence, note.stability, frames, final.state in SETTLED and is_same, note.id in true)


def fit(shown: Sequence[Shown]) -> StabilityCurve:
    """The curve under which what was seen is likeliest; neither weight below 0.

    Raises:
        ValueError: all of them held, or none did: there is nothing to fit.
    """
    held = np.array([one.held for one in shown], float)
    if not 0 < held.mean() < 1:
        raise ValueError("a curve needs notes that were held and notes that were not")
    sure = np.clip([one.confidence for one in shown], 1e-3, 1 - 1e-3)
    columns = np.stack([np.ones(len(shown)), np.log(sure / (1 - sure)), np.log1p([one.frames for one in shown])])

    def loss(weights: Values) -> tuple[float, Values]:
        odds = weights @ columns
        value = np.mean(np.logaddexp(0, odds) - held * odds) + _PENALTY * np.sum(weights[1:] ** 2)
        slope = columns @ (1 / (1 + np.exp(-odds)) - held) / len(held)
        return float(value), np.asarray(slope + 2 * _PENALTY * weights * [0, 1, 1])

    best = minimize(loss, np.array([0.0, 1.0, 0.1]), jac=True, bounds=[(None, None), (0, None), (0, None)])
    return StabilityCurve(*(round(float(weight), 3) for weight in best.x))


def reliability(said: Values, came: Truths) -> list[list[object]]:
    """Rows of a table: deciles of what was said, and how often it came true."""
    rows: list[list[object]] = []
    for part in _deciles(said):
        low, high = said[part].min(), said[part].max()
        rows.append([f"{low:.2f} – {high:.2f}", len(part), float(said[part].mean()), float(came[part].mean())])
    return rows


def expected_error(said: Values, came: Truths) -> float:
    """Mean over deciles of how far what was said lies from what came true, weighted by their sizes; NaN of nothing.

    Guo, Pleiss, Sun, Weinberger: "On calibration of modern neural networks", ICML 2017, with bins of equal mass.
    """
    if not len(said):
        return float("nan")
    parts = _deciles(said)
    return float(sum(len(p) * abs(said[p].mean() - came[p].mean()) for p in parts) / len(said))


def _deciles(said: Values) -> list[NDArray[np.intp]]:
    order = np.argsort(said, kind="stable")
    return [part for part in np.array_split(order, DECILES) if len(part)]


def _pieces(recipe: Recipe, seeds: range, count: int) -> Iterator[Piece]:
    library = SoundLibrary(default_sounds_dir())
    short = replace(recipe, duration_s=PIECE_S)
    return (render_piece(short, seed, library) for seed in seeds[:count])


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench stability", description=__doc__)
    parser.add_argument("--transcriber", default="", metavar="NAME", help="instead of the default one")
    parser.add_argument("--fit", action="store_true", help="fit a curve first and report on that one")
    parser.add_argument("--pieces", type=int, default=PIECES, help="to report on")
    parser.add_argument("--fit-pieces", type=int, default=FIT_PIECES, help="to fit on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
