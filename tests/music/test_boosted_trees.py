from __future__ import annotations

import copy

import numpy as np
import pytest

from music.boosted_trees import BoostedTrees, load_trees
from music.onset_evidence import evidence
from music.onset_judging import FIRST_AHEAD
from music.onset_memory import FRAMES_PAST, exact, stir, surroundings
from music.tree_judge import DECISION_FRAMES

LINES = ['{"figures": ["a", "b"], "base": 1.0}', "[[0, 1, 1], [0.5, 2.0, 3.0], [-1.0, -2.0, -3.0, -4.0]]"]


@pytest.mark.parametrize(
    ("a", "b", "odds"), [(0.4, 1, 0.0), (0.4, 2, -1.0), (0.5, 2.9, -2.0), (0.5, 3, -3.0)], ids=["ll", "lr", "rl", "rr"]
)
def test_each_leaf_is_reached(a: float, b: float, odds: float) -> None:
    probability = BoostedTrees.from_lines(LINES).probability(np.array([[a, b]], np.float32))
    assert probability == pytest.approx([1 / (1 + np.exp(-odds))])


def test_a_table_is_written_as_it_was_read() -> None:
    assert BoostedTrees.from_lines(LINES).to_lines() == LINES


def test_a_table_is_shared_by_copies() -> None:
    trees = load_trees("tracker_late")
    assert load_trees("tracker_late") is trees
    assert copy.deepcopy(trees) is trees


@pytest.mark.parametrize(("name", "ahead"), [("tracker_early", FIRST_AHEAD), ("tracker_late", DECISION_FRAMES)])
def test_the_tables_ask_about_the_figures_there_are(name: str, ahead: int) -> None:
    onset, frame, centre = np.random.default_rng(0).random((3, FRAMES_PAST + 1 + ahead, 88), np.float32)
    rows, columns = np.full(88, FRAMES_PAST), np.arange(88)
    names, figures = evidence(onset, frame, centre, rows, columns, ahead)
    if name == "tracker_late":
        more, surrounding = surroundings(exact(onset), stir(onset, frame), rows, columns)
        names, figures = names + more, np.hstack([figures, surrounding])
    trees = load_trees(name)
    assert tuple(names) == trees.figures
    likely = trees.probability(figures)
    assert likely.shape == (88,)
    assert ((likely > 0) & (likely < 1)).all()
