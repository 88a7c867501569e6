"""The onsets that the guitar's network finds in rendered pieces, what speaks for each, and which are notes.

What was heard is kept in a folder, in half precision: hearing a thousand pieces takes a quarter of an hour, and what is
fitted on them should not hang on the last bits of a machine's arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray

from bench._models import load, open_stream
from bench._onset_pieces import Order
from inference.ports import Transcriber
from inference.training.dataset import Piece
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.activations import LOWEST_PITCH, PITCH_COUNT, Activations, join
from music.probability_judge import ProbabilityJudge
from music.weighed_evidence import FRAMES_AHEAD, FRAMES_BEFORE, HISTORY, evidence, lately
from music.weighed_judge import LEAST

_TOLERANCE = 1080
"""Samples: a little less than mir_eval's 50 ms."""


@dataclass(frozen=True, slots=True)
class HeardOnsets:
    """The onsets in one piece.

    Attributes:
        kind, number: of its `Order`.
        banded: whether a band plays along.
        sound: the guitar's name.
        duration: frames.
        played: how many notes there are.
        rows, columns: i[n], where the onsets are.
        said: f32[n], how likely the network finds them.
        names, figures: what speaks for them, f32[n, names].
        truth: bool[n], whether each is a note's.
    """

    kind: str
    number: int
    banded: bool
    sound: str
    duration: int
    played: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    said: NDArray[np.float32]
    names: tuple[str, ...]
    figures: NDArray[np.float32]
    truth: NDArray[np.bool_]


def heard_onsets(orders: Iterable[Order], folder: Path) -> Iterator[HeardOnsets]:
    """What is heard in the pieces; what is in `folder` already is not rendered again."""
    folder.mkdir(parents=True, exist_ok=True)
    library, transcriber = SoundLibrary(default_sounds_dir()), load("guitar", threads=1)
    for order in orders:
        path = folder / f"{order.name}.npz"
        if not path.exists():
            _keep(path, order.render(library), transcriber)
        with np.load(path) as kept:
            low, high, banded = kept["facts"].tolist()
            onset, frame = (kept[name].astype(np.float32) for name in ("onset", "frame"))
            columns = range(max(0, low - LOWEST_PITCH), min(PITCH_COUNT, high - LOWEST_PITCH + 1))
            found = _found(transcriber, columns, kept["notes"], onset, frame)
            yield HeardOnsets(order.kind, order.number, bool(banded), str(kept["sound"]), *found)


def _keep(path: Path, piece: Piece, transcriber: Transcriber) -> None:
    async def run() -> Activations:
        stream = open_stream(transcriber, piece.instrument)
        return join([*await stream.push(piece.samples), *await stream.finish()])

    heard = anyio.run(run)
    facts = np.array([piece.instrument.lowest_pitch, piece.instrument.highest_pitch, piece.band_db is not None])
    notes = np.array([(note.onset, note.pitch) for note in piece.notes], np.int64).reshape(-1, 2)
    onset, frame = heard.onset.astype(np.float16), heard.frame.astype(np.float16)
    np.savez_compressed(path, facts=facts, sound=np.array(piece.sound), notes=notes, onset=onset, frame=frame)


_Found = tuple[
    int,
    int,
    NDArray[np.intp],
    NDArray[np.intp],
    NDArray[np.float32],
    tuple[str, ...],
    NDArray[np.float32],
    NDArray[np.bool_],
]


def _found(
    transcriber: Transcriber,
    columns: range,
    notes: NDArray[np.int64],
    onset: NDArray[np.float32],
    frame: NDArray[np.float32],
) -> _Found:
    margin = ((HISTORY, FRAMES_AHEAD), (0, 0))
    padded = Activations(-HISTORY, np.pad(onset, margin), np.pad(frame, margin))
    judge = ProbabilityJudge(columns, transcriber.tracking.reach, LEAST)
    onsets = [found for row in judge.decided(padded, HISTORY, len(onset)) for found in row]
    rows = np.array([found.frame for found in onsets], np.intp)
    places = np.array([found.column for found in onsets], np.intp)
    past = lately(padded.onset[:-FRAMES_AHEAD], padded.frame[:-FRAMES_AHEAD])
    names, figures = evidence(
        padded.onset[HISTORY - FRAMES_BEFORE :],
        padded.frame[HISTORY - FRAMES_BEFORE :],
        rows + FRAMES_BEFORE,
        places,
        {name: values[rows] for name, values in past.items()},
    )
    said = np.array([found.probability for found in onsets], np.float32)
    truth = np.zeros(len(rows), bool)
    # Each note's: the likeliest near it, the nearer of two alike, each onset used once.
    for at, pitch in notes.tolist():
        away = np.abs(rows * transcriber.grid.hop - at)
        near = np.flatnonzero((places == pitch - LOWEST_PITCH) & (away <= _TOLERANCE) & ~truth)
        if len(near):
            truth[near[np.argmax(said[near] - away[near] / 6000)]] = True
    return len(onset), len(notes), rows, places, said, tuple(names), figures, truth
