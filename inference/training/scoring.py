"""How well a network does on pieces it has not learned from, decoded as simply as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from inference.training.features import HeardPiece
from inference.training.front_end import HOP, LOWEST_PITCH
from inference.training.network import EARLY_DELAY, LATE_DELAY, Memory, Network

_TOLERANCE_FRAMES = 0.05 * 22050 / HOP
_SPACING = 4


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one network: F1 of onsets within 50 ms at the best threshold (late and early head), that threshold, share of
    matched notes whose string is right among those with a choice, F1 of what sounds, frame by frame.
    """

    note_f1: float
    early_f1: float
    threshold: float
    string_accuracy: float
    frame_f1: float


@dataclass(frozen=True, slots=True)
class Said:
    """Maps of a whole piece, delays taken out: f32[t, p]; `strings` f32[t, 8, p]."""

    early: NDArray[np.float32]
    onset: NDArray[np.float32]
    sounding: NDArray[np.float32]
    offset: NDArray[np.float32]
    strings: NDArray[np.float32]


def listen(network: Network, piece: HeardPiece, device: str = "cpu") -> Said:
    """What a network says about a piece."""
    frames = len(piece.levels) // 2 * 2
    with torch.no_grad():
        magnitudes = torch.exp(torch.from_numpy(piece.levels[:frames].astype(np.float32)))
        magnitudes = torch.nn.functional.pad(magnitudes, (0, 0, 0, LATE_DELAY))[None].to(device)
        said = network(magnitudes, torch.from_numpy(piece.frets)[None].to(device), Memory(None, 1))

        def rows(map_: torch.Tensor, delay: int) -> NDArray[np.float32]:
            flat = torch.sigmoid(map_).reshape(-1, map_.shape[-1])[delay : frames + delay]
            return np.asarray(flat.cpu().numpy(), np.float32)

        strings = torch.exp(said.strings[0]).repeat_interleave(2, dim=0)[LATE_DELAY : frames + LATE_DELAY]
        return Said(
            rows(said.early[0, :, 0], EARLY_DELAY),
            rows(said.onset[0], LATE_DELAY),
            rows(said.sounding[0], LATE_DELAY),
            rows(said.offset[0], LATE_DELAY),
            np.asarray(strings.cpu().numpy(), np.float32),
        )


def onsets_of(onset: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """f32[n, 3]: frame (with its fraction), pitch column and probability of every onset at least so likely."""
    padded = np.pad(onset, ((2, 2), (0, 0)))
    near = padded[1:-3] + padded[2:-2] + padded[3:-1]
    wide = np.pad(near, ((1, 1), (0, 0)))
    peaks = (near >= least) & (near > wide[:-2]) & (near >= wide[2:])
    frames, columns = np.nonzero(peaks)
    weights = np.stack([padded[frames + 1 + k, columns] for k in range(3)])
    centre = frames + (weights[2] - weights[0]) / weights.sum(0)
    found = np.column_stack([centre, columns, np.minimum(1.0, near[frames, columns])]).astype(np.float32)
    kept: list[int] = []
    last: dict[int, float] = {}
    for row in np.lexsort((found[:, 1], found[:, 0])):
        at, column = float(found[row, 0]), int(found[row, 1])
        if at - last.get(column, -99.0) > _SPACING:
            kept.append(int(row))
            last[column] = at
    return found[kept]


def match(found: NDArray[np.float32], truth: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs of rows (found, true) of the same pitch within 50 ms, nearest first in time; truth is f32[m, 2]."""
    pairs = []
    for column in np.unique(truth[:, 1]):
        ours = [i for i in np.argsort(found[:, 0]) if found[i, 1] == column]
        theirs = [j for j in np.argsort(truth[:, 0]) if truth[j, 1] == column]
        i = j = 0
        while i < len(ours) and j < len(theirs):
            distance = found[ours[i], 0] - truth[theirs[j], 0]
            if abs(distance) <= _TOLERANCE_FRAMES:
                pairs.append((ours[i], theirs[j]))
                i, j = i + 1, j + 1
            elif distance < 0:
                i += 1
            else:
                j += 1
    return pairs


def validate(network: Network, pieces: Sequence[HeardPiece], device: str = "cpu") -> Scores:
    """Scores over all pieces pooled."""
    was_training = network.training
    network.eval()
    thresholds = np.arange(0.2, 0.75, 0.05)
    counts = np.zeros((2, len(thresholds), 3))
    right = choices = 0
    frames = np.zeros(3)
    for piece in pieces:
        said = listen(network, piece, device)
        truth = np.column_stack([piece.notes[:, 0] / HOP, piece.notes[:, 2] - LOWEST_PITCH]).astype(np.float32)
        truth = truth.reshape(-1, 2)
        for head, onset in enumerate((said.onset, said.early)):
            found = onsets_of(onset, float(thresholds[0]))
            for k, threshold in enumerate(thresholds):
                above = found[found[:, 2] >= threshold]
                counts[head, k] += (len(match(above, truth)), len(above), len(truth))
        strings = said.strings
        for row in piece.notes:
            frame, column = round(float(row[0]) / HOP), int(row[2]) - LOWEST_PITCH
            if frame < len(strings) and 0 <= column < strings.shape[2] and (piece.frets[:, column] >= 0).sum() > 1:
                choices += 1
                right += int(strings[frame, :, column].argmax()) == int(row[3]) - 1
        frames += _frame_counts(said.sounding, piece)
    network.train(was_training)
    f1 = 2 * counts[..., 0] / np.maximum(1, counts[..., 1] + counts[..., 2])
    return Scores(
        float(f1[0].max()),
        float(f1[1].max()),
        float(thresholds[f1[0].argmax()]),
        right / max(1, choices),
        float(2 * frames[0] / max(1.0, frames[1] + frames[2])),
    )


def _frame_counts(sounding: NDArray[np.float32], piece: HeardPiece) -> NDArray[np.float64]:
    true = np.zeros_like(sounding, bool)
    for row in piece.notes:
        column = int(row[2]) - LOWEST_PITCH
        if 0 <= column < true.shape[1]:
            true[round(float(row[0]) / HOP) : round(float(row[1]) / HOP), column] = True
    heard = sounding >= 0.5
    return np.array([(true & heard).sum(), true.sum(), heard.sum()], np.float64)
