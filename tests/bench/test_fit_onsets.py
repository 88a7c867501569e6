"""`bench.fit_onsets` counts right: who is taken, what agrees, and what a fit leaves out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench._heard_onsets import HeardOnsets
from bench._onset_pieces import ALONE, BAND_ONLY, DIRECT, DRIVEN, orders_to_fit_on, orders_to_report_on
from bench.fit_onsets import Part, fitted, scores
from inference.training.amplifiers import amp_chains
from inference.training.recipes import TRAINING, VALIDATION

PIECE = HeardOnsets(
    kind=ALONE,
    number=1,
    banded=False,
    sound="modal/1",
    duration=2_000,
    played=3,
    rows=np.array([10, 13, 50, 90]),
    columns=np.array([40, 40, 41, 42]),
    said=np.array([0.9, 0.8, 0.6, 0.2], np.float32),
    names=("onset", "sounding lately"),
    figures=np.array([[1, 0], [0, 0], [1, 1], [0, 1]], np.float32),
    truth=np.array([True, False, True, True]),
)


def test_an_echo_is_not_counted_and_a_missed_note_is() -> None:
    # Of four onsets the second is an echo and the last is too unlikely: two right ones of two, three notes.
    assert scores([PIECE], [PIECE.said], 0.5)[ALONE] == pytest.approx(2 * 2 / (2 + 3))


def test_false_notes_of_a_band_are_told_for_25_seconds() -> None:
    band = replace(PIECE, kind=BAND_ONLY, played=0, duration=round(50 * 22_050 / 256))
    assert scores([band], [band.said], 0.5)["false in 25 s of band"] == pytest.approx(1.0, abs=0.01)


def test_agreement_is_with_the_same_performance_heard_directly() -> None:
    direct = replace(PIECE, kind=DIRECT)
    late = replace(PIECE, kind="metal", rows=np.array([12, 15, 60, 90]))
    found = scores([direct, late], [direct.said, late.said], 0.5)
    # Two each; the first lies two frames beside, the second ten.
    assert found["metal"] == pytest.approx(0.5)


def test_a_fit_leaves_out_what_it_is_told_to() -> None:
    many = [replace(PIECE, figures=np.tile(PIECE.figures, (50, 1)), truth=np.tile(PIECE.truth, 50)) for _ in range(3)]
    many[2] = replace(many[2], kind=DRIVEN, truth=~many[2].truth)
    _, columns = fitted(many, Part(figures=("lately",)))
    assert columns == [0]
    with_driven, without = (fitted(many, part)[0] for part in (Part(), Part(kinds=(DRIVEN,))))
    rows = PIECE.figures[:1]
    assert without.probability(rows) > with_driven.probability(rows)


def test_no_piece_is_both_fitted_and_reported_on_and_every_chain_is_heard() -> None:
    fitted_on, reported = list(orders_to_fit_on()), list(orders_to_report_on())
    assert all(order.recipe is None or order.seed in TRAINING.seeds for order in fitted_on)
    assert all(order.seed in VALIDATION.seeds for order in reported)
    names = [order.name for order in (*fitted_on, *reported)]
    assert len(names) == len(set(names))
    assert set(amp_chains()) <= {order.kind for order in reported}
    drives = [o.effects.amplifier.drive_db for o in fitted_on if o.kind == DRIVEN and o.effects and o.effects.amplifier]
    assert min(drives) < 10
    assert max(drives) > 38
