"""Decisions learned from examples: sums of small decision trees, as a table that can be read.

Friedman, "Greedy Function Approximation: A Gradient Boosting Machine" (Annals of Statistics 29, 2001), with
logistic loss. `bench/fit_tracker.py` makes the tables; here they are only read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class BoostedTrees:
    """Trees of one depth d; inner node k's children are 2k + 1 (below the threshold) and 2k + 2.

    Attributes:
        figures: names of the columns of what is judged.
        base: log odds before any tree.
        feature: i[trees, 2^d - 1], column that a node asks about.
        threshold: f32[trees, 2^d - 1].
        leaf: f32[trees, 2^d], log odds added.
    """

    figures: tuple[str, ...]
    base: float
    feature: NDArray[np.intp]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def probability(self, figures: NDArray[np.float32]) -> NDArray[np.float32]:
        """f32[n], 0..1, from f32[n, figures]."""
        return np.asarray(1 / (1 + np.exp(-self.odds(figures))), np.float32)

    def odds(self, figures: NDArray[np.float32]) -> NDArray[np.float64]:
        """f64[n], log odds, from f32[n, figures]."""
        count, inner = self.feature.shape
        trees, rows = np.arange(count)[None], np.arange(len(figures))[:, None]
        node = np.zeros((len(figures), count), np.intp)
        for _ in range(inner.bit_length()):
            above = figures[rows, self.feature[trees, node]] >= self.threshold[trees, node]
            node = 2 * node + 1 + above
        return np.asarray(self.base + self.leaf[trees, node - inner].sum(axis=1, dtype=np.float64))

    def to_lines(self) -> list[str]:
        """JSON, a tree a line."""
        head = {"figures": self.figures, "base": round(self.base, 4)}
        trees = zip(self.feature, self.threshold, self.leaf, strict=True)
        return [json.dumps(head), *(json.dumps([f.tolist(), _short(t), _short(v)]) for f, t, v in trees)]

    @classmethod
    def from_lines(cls, lines: Sequence[str]) -> Self:
        """What `to_lines` made."""
        head, *trees = (json.loads(line) for line in lines)
        return cls(
            tuple(head["figures"]),
            float(head["base"]),
            np.array([tree[0] for tree in trees], np.intp),
            np.array([tree[1] for tree in trees], np.float32),
            np.array([tree[2] for tree in trees], np.float32),
        )


@cache
def load_trees(name: str) -> BoostedTrees:
    """The table `name`.jsonl of this package."""
    return BoostedTrees.from_lines((files("music") / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


def _short(values: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 4) for value in values]
