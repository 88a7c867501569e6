"""Fits `music.hand_model`'s weights: a conditional random field over the states of hands, by maximum likelihood.

The hand is never seen, only strings are, and of many notes not even those: the likelihood is that of all ways of the
hand that agree with what is known, against all ways. Both sums and their gradients come from forward-backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench._tabs import Tab
from music.arranging import follow
from music.hand_model import HOLDING, MOVING, PLACING, Floats, HandWeights
from music.hand_path import moving_figures
from music.hand_score import Layer
from music.string_prior import StringPrior

Parameters = Floats
"""Weights of `HOLDING`, of `MOVING` and of `FITTED` in one row."""
FITTED = ("prior", "same")
"""Figures of `PLACING` that are fitted here."""
_FITTED = [PLACING.index(name) for name in FITTED]
_BEGIN, _END = len(HOLDING), len(HOLDING) + len(MOVING)
_LAYERS = 20
_STATES = 48


@dataclass(frozen=True, eq=False, slots=True)
class Passage:
    """Some layers in a row with what is known about them.

    Attributes:
        holding: f32[states, HOLDING + FITTED] of each layer.
        moving: f32[states before · states after, MOVING] between layers.
        known: f64[states] of each layer, 0 where it agrees with the strings that are known, −inf elsewhere.
        labels: layers in which any string is known.
    """

    holding: tuple[NDArray[np.float32], ...]
    moving: tuple[NDArray[np.float32], ...]
    known: tuple[Floats, ...]
    labels: int


def start_weights() -> HandWeights:
    """Where fitting begins, and what is cheap enough to be considered: low frets, short ways."""
    table = dict.fromkeys((*HOLDING, *MOVING), 0.0)
    table |= {"fret": 0.3, "reach_3": 0.2, "reach_4": 0.4, "stretch": 0.5, "fingers": 0.05, "move": 1.0}
    return HandWeights.from_mapping({**table, "prior": 0.5, "evidence": 0.0, "same": 0.1})


def passages(tabs: Iterable[Tab], prior: StringPrior, weights: HandWeights) -> list[Passage]:
    """The parts of tabs in which something is known, and in which what is known can be held.

    Args:
        tabs: to learn from.
        prior: what it says of each note's strings is a figure.
        weights: what is remembered of a piece is what an arranger with these has made of it, not the truth: so habits
            are learned with the mistakes that they will be based on.
    """
    found = []
    for tab in tabs:
        layers = follow(tab.notes, tab.instrument, weights, prior=prior)[0].layers
        strings = {note.id: string for note, string in zip(tab.notes, tab.strings, strict=True)}
        for begin in range(0, len(layers), _LAYERS):
            passage = _passage(layers[begin : begin + _LAYERS], strings)
            if passage.labels and all(np.isfinite(known).any() for known in passage.known):
                found.append(passage)
    return found


def _passage(layers: Sequence[Layer], strings: dict[str, int | None]) -> Passage:
    thinned, known = [], []
    for layer in layers:
        agrees = _agreement(layer, strings)
        # What is known stays in however dear it is.
        order = np.lexsort((layer.cost, -np.isfinite(agrees).astype(int) if _is_told(layer, strings) else agrees * 0))
        rows = np.sort(order[:_STATES])
        thinned.append(layer.only(rows))
        known.append(agrees[rows])
    holding = []
    for layer in thinned:
        chosen = layer.states.strings[:, : len(layer.notes)]
        asked = np.stack(layer.placing, axis=2)
        places = asked[np.arange(len(layer.notes)), chosen - 1].sum(axis=1)[:, _FITTED]
        holding.append(np.column_stack([layer.states.figures, places]).astype(np.float32))
    moving = [
        moving_figures(before, after).reshape(len(MOVING), -1).T.astype(np.float32)
        for before, after in pairwise(thinned)
    ]
    told = sum(_is_told(layer, strings) for layer in layers)
    return Passage(tuple(holding), tuple(moving), tuple(known), told)


def _is_told(layer: Layer, strings: dict[str, int | None]) -> bool:
    return any(strings[note.id] is not None for note in layer.notes)


def _agreement(layer: Layer, strings: dict[str, int | None]) -> Floats:
    agrees = np.zeros(len(layer.states))
    for column, note in enumerate(layer.notes):
        wanted = strings[note.id]
        if wanted is not None:
            agrees[layer.states.strings[:, column] != wanted] = -np.inf
    return agrees


def fit_hand(
    sets: Sequence[tuple[float, Sequence[Passage]]], start: Parameters, rounds: int, decay: float = 0.01
) -> Parameters:
    """The weights under which what is known is likeliest.

    Args:
        sets: each with its weight: that of its mean loss per layer in which something is known.
        start: where to begin; `pack(start_weights())` where nothing better is known.
        rounds: of L-BFGS at most.
        decay: of the weights' squares.
    """

    def loss(parameters: Parameters) -> tuple[float, Floats]:
        total, slope = decay * float((parameters**2).sum()), 2 * decay * parameters
        for weight, members in sets:
            labels = sum(passage.labels for passage in members)
            for passage in members:
                value, gradient = _loss(passage, parameters)
                total += weight * value / labels
                slope = slope + weight / labels * gradient
        return total, slope

    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds})
    return np.asarray(result.x, np.float64)


def mean_loss(members: Sequence[Passage], parameters: Parameters) -> float:
    """−log likelihood per layer in which something is known."""
    return sum(_loss(p, parameters)[0] for p in members) / max(1, sum(p.labels for p in members))


def pack(weights: HandWeights) -> Parameters:
    return np.concatenate([weights.holding, weights.moving, weights.placing[_FITTED]])


def unpack(parameters: Parameters, evidence: float) -> HandWeights:
    holding, moving, fitted = np.split(parameters, [len(HOLDING), len(HOLDING) + len(MOVING)])
    placing = np.zeros(len(PLACING))
    placing[_FITTED], placing[PLACING.index("evidence")] = fitted, evidence
    return HandWeights(holding, moving, placing)


def _loss(passage: Passage, parameters: Parameters) -> tuple[float, Floats]:
    at_holding, at_moving = np.concatenate([parameters[:_BEGIN], parameters[_END:]]), parameters[_BEGIN:_END]
    holding = [-(figures @ at_holding) for figures in passage.holding]
    moving = [
        -(figures @ at_moving).reshape(len(before), len(after))
        for figures, before, after in zip(passage.moving, holding, holding[1:], strict=False)
    ]
    free, states, pairs = _sums(holding, moving)
    clamped, known_states, known_pairs = _sums([h + k for h, k in zip(holding, passage.known, strict=True)], moving)
    slope_holding, slope_moving = np.zeros(len(HOLDING) + len(FITTED)), np.zeros(len(MOVING))
    for figures, known, every in zip(passage.holding, known_states, states, strict=True):
        slope_holding += (known - every) @ figures
    for figures, known, every in zip(passage.moving, known_pairs, pairs, strict=True):
        slope_moving += (known - every).ravel() @ figures
    slope = np.concatenate([slope_holding[:_BEGIN], slope_moving, slope_holding[_BEGIN:]])
    return free - clamped, slope


def _sums(holding: Sequence[Floats], moving: Sequence[Floats]) -> tuple[float, list[Floats], list[Floats]]:
    """Log of the sum over all ways, and the probability of every state and of every pair of states."""
    forward = [holding[0]]
    for move, hold in zip(moving, holding[1:], strict=True):
        forward.append(_log_sum(forward[-1][:, None] + move, 0) + hold)
    total = float(_log_sum(forward[-1], 0))
    backward = np.zeros(len(holding[-1]))
    states, pairs = [np.exp(forward[-1] - total)], list[Floats]()
    for index in range(len(moving) - 1, -1, -1):
        onward = moving[index] + (holding[index + 1] + backward)
        pairs.append(np.exp(forward[index][:, None] + onward - total))
        backward = _log_sum(onward, 1)
        states.append(np.exp(forward[index] + backward - total))
    return total, states[::-1], pairs[::-1]


def _log_sum(values: Floats, axis: int) -> Floats:
    """Log of Σ exp, where somewhere along the axis there is a finite value."""
    most = values.max(axis=axis, keepdims=True)
    sums: Floats = np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis)
    return sums
