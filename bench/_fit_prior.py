"""Fits `music.string_prior`'s network: cross-entropy over each note's places, Adam, plain arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from bench._tabs import Tab
from music.arranging import group_notes
from music.hand_score import GROUP_SAMPLES
from music.note import Note
from music.string_chances import CONTEXT_FIGURES, PLACE_FIGURES, StringChances
from music.string_prior import Memory, Moment, StringPrior

Float32s = NDArray[np.float32]
Arrays = dict[str, Float32s]
SIZE = 48, 24
"""Units of the two hidden layers."""
_BATCH = 256
_DROPPED = 0.1
_NEW_SESSION = 20


@dataclass(frozen=True, eq=False, slots=True)
class Questions:
    """Notes of which the string is known.

    Attributes:
        context: f16[notes, CONTEXT_FIGURES].
        place: f16[places, PLACE_FIGURES], the places of the first note, then of the second, …
        first: i64[notes + 1], where each note's places begin.
        truth: i64[notes], row of the right place.
    """

    context: NDArray[np.float16]
    place: NDArray[np.float16]
    first: NDArray[np.int64]
    truth: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.truth)

    def batch(self, notes: NDArray[np.int64]) -> tuple[Float32s, Float32s, NDArray[np.intp], NDArray[np.intp]]:
        """Context, places, each place's note in the batch, each note's right row in the batch."""
        count = self.first[notes + 1] - self.first[notes]
        begin = np.cumsum(count) - count
        owner = np.repeat(np.arange(len(notes)), count)
        rows = np.arange(len(owner)) - begin[owner] + self.first[notes][owner]
        right = self.truth[notes] - self.first[notes] + begin
        return self.context[notes].astype(np.float32), self.place[rows].astype(np.float32), owner, right


_NO_PRIOR = StringPrior(*(np.zeros(0, np.float32) for _ in range(6)))


def questions(tabs: Iterable[Tab]) -> Questions:
    """What the network is asked about the notes of tabs, with the past that it would have in a session."""
    contexts, places, counts, truth = [], [], [], []
    rows = 0
    for tab in tabs:
        moments, ordered = list[Moment](), list[Note]()
        for number, group in enumerate(group_notes(tab.notes)):
            if number % _NEW_SESSION == 0:  # the beginning of music has to be learned too
                memory, sounding = Memory(), list[Note]()
            onset, pitches = group[0].onset, tuple(note.pitch for note in group)
            sounding = [n for n in sounding if (n.offset or 0) > onset + GROUP_SAMPLES and n.pitch not in pitches]
            moments.append(Moment(pitches, tuple(n.pitch for n in sounding), memory.recall(onset)))
            memory.remember(pitches, onset)
            sounding += group
            ordered += group
        string_of = {note.id: string for note, string in zip(tab.notes, tab.strings, strict=True)}
        context, owner, string, place = StringChances(tab.instrument, _NO_PRIOR).figures(moments)
        for index, note in enumerate(ordered):
            mine = owner == index
            right = np.flatnonzero(string[mine] + 1 == (string_of[note.id] or 0))
            if len(right):
                contexts.append(context[index].astype(np.float16))
                places.append(place[mine].astype(np.float16))
                counts.append(int(mine.sum()))
                truth.append(rows + int(right[0]))
                rows += counts[-1]
    first = np.concatenate([[0], np.cumsum(counts)])
    return Questions(np.stack(contexts), np.concatenate(places), first, np.array(truth, np.int64))


def fit_prior(
    sets: list[tuple[float, Questions]], epochs: int, seed: int = 0, size: tuple[int, int] = SIZE
) -> StringPrior:
    """The network that gives the right places the best odds.

    Args:
        sets: each with the weight of one of its notes.
        epochs: times that every note is seen.
        seed: of the first weights, the order and what is dropped.
        size: units of the two hidden layers.
    """
    random = np.random.default_rng(seed)
    weights = _draw_weights(random, size)
    mean = {name: np.zeros_like(value) for name, value in weights.items()}
    spread = {name: np.zeros_like(value) for name, value in weights.items()}
    batches = sum(len(asked) // _BATCH for _, asked in sets) * epochs
    done = 0
    for _ in range(epochs):
        for which, notes in _shuffled(random, sets):
            weight, asked = sets[which]
            slopes = _slopes(weights, asked, notes, random)
            rate = 4e-3 * min(1.0, 10 * (done + 1) / batches) * (1 - done / batches)
            done += 1
            for name, slope in slopes.items():
                step = weight * slope
                mean[name] += 0.1 * (step - mean[name])
                spread[name] += 0.001 * (step**2 - spread[name])
                size = np.sqrt(spread[name] / (1 - 0.999**done)) + 1e-8
                weights[name] -= rate * (mean[name] / (1 - 0.9**done) / size + 1e-3 * weights[name])
    return StringPrior(**weights)


def joined(networks: Sequence[StringPrior], shares: Sequence[float]) -> StringPrior:
    """A network whose log odds are the sum of theirs by their shares."""
    parts = [network.to_arrays() for network in networks]
    arrays = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0] if name != "inner"}
    arrays["inner"] = block_diag(*(part["inner"] for part in parts))
    arrays["outer"] = np.concatenate([share * part["outer"] for share, part in zip(shares, parts, strict=True)])
    return StringPrior.from_arrays(arrays)


def share_right(prior: StringPrior, asked: Questions) -> float:
    """How often the likeliest place is the right one."""
    right = 0
    for notes in np.array_split(np.arange(len(asked)), max(1, len(asked) // 1024)):
        context, place, owner, truth = asked.batch(notes)
        scores = prior.scores(context, owner, place)
        best = np.full(len(notes), -np.inf)
        np.maximum.at(best, owner, scores)
        right += int((scores[truth] >= best).sum())
    return right / max(1, len(asked))


def _draw_weights(random: np.random.Generator, size: tuple[int, int] = SIZE) -> Arrays:
    hidden, inner = size
    shapes = {
        "context": (CONTEXT_FIGURES, hidden),
        "place": (PLACE_FIGURES, hidden),
        "bias": (hidden,),
        "inner": (hidden, inner),
        "inner_bias": (inner,),
        "outer": (inner,),
    }
    fan_in = {"context": CONTEXT_FIGURES + PLACE_FIGURES, "place": CONTEXT_FIGURES + PLACE_FIGURES}
    drawn = {name: random.normal(0, (2 / fan_in.get(name, shape[0])) ** 0.5, shape) for name, shape in shapes.items()}
    return {name: (value * ("bias" not in name)).astype(np.float32) for name, value in drawn.items()}


def _shuffled(random: np.random.Generator, sets: list[tuple[float, Questions]]) -> list[tuple[int, NDArray[np.int64]]]:
    batches = [
        (which, notes)
        for which, (_, asked) in enumerate(sets)
        for notes in np.array_split(random.permutation(len(asked)), max(1, len(asked) // _BATCH))
    ]
    return [batches[index] for index in random.permutation(len(batches))]


def _slopes(weights: Arrays, asked: Questions, notes: NDArray[np.int64], random: np.random.Generator) -> Arrays:
    """Mean gradient of the cross-entropy, with some of the first layer's units dropped."""
    context, place, owner, right = asked.batch(notes)
    kept = (random.random((len(notes), len(weights["bias"]))) >= _DROPPED).astype(np.float32)[owner] / (1 - _DROPPED)
    sums = (context @ weights["context"])[owner] + place @ weights["place"] + weights["bias"]
    hidden = np.maximum(0, sums) * kept
    inner = np.maximum(0, hidden @ weights["inner"] + weights["inner_bias"])
    scores = inner @ weights["outer"]
    best = np.full(len(notes), -np.inf, np.float32)
    np.maximum.at(best, owner, scores)
    odds = np.exp(scores - best[owner])
    slope = odds / np.bincount(owner, odds)[owner].astype(np.float32)
    slope[right] -= 1
    slope /= len(notes)
    at_inner = slope[:, None] * weights["outer"] * (inner > 0)
    at_hidden = at_inner @ weights["inner"].T * kept * (sums > 0)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    at_note = np.add.reduceat(at_hidden, starts, axis=0)
    return {
        "context": context.T @ at_note,
        "place": place.T @ at_hidden,
        "bias": at_hidden.sum(axis=0),
        "inner": hidden.T @ at_inner,
        "inner_bias": at_inner.sum(axis=0),
        "outer": inner.T @ slope,
    }
