"""Gradient boosting in a hundred lines: what `music.boosted_trees` reads is fitted here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.boosted_trees import BoostedTrees


@dataclass(frozen=True, slots=True)
class BoostingSettings:
    """How trees are grown.

    Attributes:
        trees, depth: how many, each with 2^depth leaves.
        rate: share of each leaf's best value that is added.
        bins: a figure is cut at most at so many quantiles.
        penalty: added to the second derivatives, so that small leaves say little.
        share: of the examples that each tree sees.
        least: sum of second derivatives a leaf must hold.
    """

    trees: int = 160
    depth: int = 4
    rate: float = 0.15
    bins: int = 32
    penalty: float = 5.0
    share: float = 0.5
    least: float = 10.0
    seed: int = 0


Lean = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""From f64[n] log odds the slope of the log likelihood and, negated, its second derivative: f64[n] each."""


def fit_trees(
    names: Sequence[str], figures: NDArray[np.float32], truth: NDArray[np.bool_], settings: BoostingSettings
) -> BoostedTrees:
    """Trees that tell from f32[n, names] whether bool[n] holds: stochastic gradient boosting with logistic loss."""
    share = truth.mean()

    def lean(odds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        probability = 1 / (1 + np.exp(-odds))
        return truth - probability, probability * (1 - probability)

    return _fit(names, figures, lean, float(np.log(share / (1 - share))), settings)


def fit_choice(
    names: Sequence[str],
    figures: NDArray[np.float32],
    worth: NDArray[np.float32],
    groups: NDArray[np.intp],
    settings: BoostingSettings,
    stands_for: NDArray[np.float32] | None = None,
) -> BoostedTrees:
    """Trees whose outcome, exponentiated, says how likely each of a group is the right one, against 1 for none of them.

    Args:
        names: of the columns.
        figures: f32[n, names].
        worth: f32[n], shares of the right answer: within a group they add up to 1, or to 0 where none is right.
        groups: i[n], rising from 0; the members of one are neighbours.
        settings: how trees are grown.
        stands_for: f32[n], how many each is drawn from, where wrong answers are too many to take them all.
    """
    many = np.ones(len(worth), np.float32) if stands_for is None else stands_for
    begins = np.flatnonzero(np.diff(groups, prepend=-1))

    def lean(odds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        top = np.maximum(np.maximum.reduceat(odds, begins), 0.0)
        likely = many * np.exp(odds - top[groups])
        chance = likely / (np.add.reduceat(likely, begins) + np.exp(-top))[groups]
        return worth - chance, chance * (1 - chance)

    return _fit(names, figures, lean, 0.0, settings)


def _fit(
    names: Sequence[str], figures: NDArray[np.float32], lean: Lean, base: float, settings: BoostingSettings
) -> BoostedTrees:
    random = np.random.default_rng(settings.seed)
    sample = figures[random.choice(len(figures), min(len(figures), 60_000), replace=False)]
    quantiles = np.linspace(0, 1, settings.bins + 1)[1:-1]
    cuts = [np.unique(np.quantile(column, quantiles).round(4)).astype(np.float32) for column in sample.T]
    binned = np.stack([np.searchsorted(c, f, side="right") for c, f in zip(cuts, figures.T, strict=True)])
    binned = binned.astype(np.uint8)
    odds = np.full(len(figures), base)
    grown = []
    for _ in range(settings.trees):
        slopes, curves = lean(odds)
        drawn = np.flatnonzero(random.random(len(figures)) < settings.share)
        column, cut, leaf = _grow(binned[:, drawn], slopes[drawn], curves[drawn], cuts, settings)
        odds += leaf[_leaves(binned, column, cut, settings.depth)]
        threshold = [cuts[c][b] if b < len(cuts[c]) else np.inf for c, b in zip(column, cut, strict=True)]
        grown.append((column, np.minimum(np.array(threshold, np.float32), 1e6), leaf))
    feature, thresholds, leaves = (np.stack(part) for part in zip(*grown, strict=True))
    return BoostedTrees(tuple(names), base, feature, thresholds, leaves.astype(np.float32))


def _grow(
    binned: NDArray[np.uint8],
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
    cuts: Sequence[NDArray[np.float32]],
    settings: BoostingSettings,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """One tree, level by level: a node's column and cut (bins above `cut` go right), and the leaves' values."""
    node = np.zeros(binned.shape[1], np.intp)
    columns, places = np.zeros(0, np.intp), np.zeros(0, np.intp)
    for depth in range(settings.depth):
        best = np.zeros(2**depth)
        column, place = np.zeros(2**depth, np.intp), np.full(2**depth, settings.bins)
        for index, own in enumerate(cuts):
            gain = _gains(node * settings.bins + binned[index], slope, curve, 2**depth, settings)[:, : len(own)]
            if gain.shape[1]:
                at = gain.argmax(axis=1)
                value = gain[np.arange(2**depth), at]
                better = value > best
                best[better], column[better], place[better] = value[better], index, at[better]
        node = 2 * node + (binned[column[node], np.arange(len(node))] > place[node])
        columns, places = np.concatenate([columns, column]), np.concatenate([places, place])
    count = 2**settings.depth
    leaf = np.bincount(node, slope, count) / (np.bincount(node, curve, count) + settings.penalty)
    return columns, places, (settings.rate * leaf).round(4)


def _gains(
    key: NDArray[np.intp],
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
    nodes: int,
    settings: BoostingSettings,
) -> NDArray[np.float64]:
    """What cutting behind each bin gains: f64[nodes, bins - 1]."""
    shape = (nodes, settings.bins)
    g, h = (np.bincount(key, by, nodes * settings.bins).reshape(shape) for by in (slope, curve))
    left_g, left_h = g.cumsum(axis=1)[:, :-1], h.cumsum(axis=1)[:, :-1]
    all_g, all_h = g.sum(axis=1, keepdims=True), h.sum(axis=1, keepdims=True)
    parts = [(left_g, left_h), (all_g - left_g, all_h - left_h), (-all_g, all_h)]
    gain: NDArray[np.float64] = sum(
        sign * part**2 / (weight + settings.penalty) for sign, (part, weight) in zip((1, 1, -1), parts, strict=True)
    )
    gain[(left_h < settings.least) | (all_h - left_h < settings.least)] = 0
    return gain


def _leaves(binned: NDArray[np.uint8], column: NDArray[np.intp], cut: NDArray[np.intp], depth: int) -> NDArray[np.intp]:
    node = np.zeros(binned.shape[1], np.intp)
    rows = np.arange(len(node))
    for _ in range(depth):
        node = 2 * node + 1 + (binned[column[node], rows] > cut[node])
    leaves: NDArray[np.intp] = node - (2**depth - 1)
    return leaves
