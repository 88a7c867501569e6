"""Rendered pieces as the front end hears them, kept on disk while a training run needs them.

A shard holds a few pieces: log magnitudes in half precision, and the notes as a table. What is kept can be thrown away:
the same recipe and seeds give the same shards.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inference.training.dataset import Piece, render_piece
from inference.training.front_end import HISTORY, HOP, LOWEST_PITCH, PITCHES, FrontEnd
from inference.training.recipes import Recipe
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.fret_map import fret_map

NOTE_FIELDS = ("onset", "offset", "pitch", "string", "velocity", "first_bend", "bend_count")
_PIECES_PER_SHARD = 25


@dataclass(frozen=True, slots=True)
class HeardPiece:
    """A piece ready for training.

    Attributes:
        levels: f16[t, BINS], natural logarithm of the front end's magnitudes.
        notes: f32[n, 7], `NOTE_FIELDS`; onset and offset in samples, string from 1, bends as rows of `bends`.
        bends: f32[m, 2]: samples after the onset, semitones.
        frets: f32[8, PITCHES], see `inference.training.network.StringHead`.
        style: as composed.
    """

    levels: NDArray[np.float16]
    notes: NDArray[np.float32]
    bends: NDArray[np.float32]
    frets: NDArray[np.float32]
    style: str


def hear(front_end: FrontEnd, samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """Log magnitudes f16[t, BINS] of a signal, as streamed from silence; only whole frames."""
    length = len(samples) // HOP * HOP
    padded = np.concatenate([np.zeros(HISTORY, np.float32), samples[:length]])
    with torch.no_grad():
        magnitudes = front_end(torch.from_numpy(padded)[None])[0]
        levels: NDArray[np.float16] = torch.log(magnitudes.clamp(min=1e-7)).half().numpy()
    return levels


def render_shards(
    recipe: Recipe, seeds: Sequence[int], folder: Path, workers: int, progress: Callable[[str], None] = print
) -> list[Path]:
    """The shards of some pieces, rendered where they are missing.

    Args:
        recipe: may be an altered one; name the folder after it.
        seeds: of the pieces.
        folder: where shards are kept.
        workers: processes.
        progress: gets a line now and then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for begin in range(0, len(seeds), _PIECES_PER_SHARD):
        part = list(seeds[begin : begin + _PIECES_PER_SHARD])
        jobs.append((recipe, part, folder / f"{part[0]}-{part[-1]}.npz"))
    missing = [job for job in jobs if not job[2].exists()]
    with multiprocessing.get_context("spawn").Pool(workers, initializer=_start_worker) as pool:
        for done, _ in enumerate(pool.imap_unordered(_render_shard, missing), start=1):
            if done % 10 == 0 or done == len(missing):
                progress(f"{folder.name}: {done}/{len(missing)} shards")
    return [path for *_, path in jobs]


def read_shards(paths: Sequence[Path]) -> Iterator[HeardPiece]:
    """The pieces of shards, in order."""
    for path in paths:
        with np.load(path) as shard:
            count = int(shard["count"])
            styles = [str(style) for style in shard["styles"]]
            for i in range(count):
                levels, notes, bends, frets = (shard[f"{name}_{i}"] for name in ("levels", "notes", "bends", "frets"))
                yield HeardPiece(levels, notes, bends, frets, styles[i])


class _Worker:
    library: SoundLibrary
    front_end: FrontEnd


def _start_worker() -> None:
    torch.set_num_threads(1)
    _Worker.library = SoundLibrary(default_sounds_dir())
    _Worker.front_end = FrontEnd().eval()


def _render_shard(job: tuple[Recipe, list[int], Path]) -> None:
    recipe, seeds, path = job
    arrays: dict[str, NDArray[Any]] = {"count": np.array(len(seeds))}
    styles = []
    for i, seed in enumerate(seeds):
        heard = heard_piece(render_piece(recipe, seed, _Worker.library), _Worker.front_end)
        styles.append(heard.style)
        for name in ("levels", "notes", "bends", "frets"):
            arrays[f"{name}_{i}"] = getattr(heard, name)
    scratch = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(scratch, allow_pickle=False, styles=np.array(styles), **arrays)
    scratch.replace(path)


def heard_piece(piece: Piece, front_end: FrontEnd) -> HeardPiece:
    """A rendered piece through the front end."""
    rows: list[tuple[float, ...]] = []
    bends: list[tuple[int, float]] = []
    for note in piece.notes:
        rows.append((note.onset, note.offset, note.pitch, note.string, note.velocity, len(bends), len(note.bends)))
        bends += note.bends
    return HeardPiece(
        hear(front_end, piece.samples),
        np.array(rows, np.float32).reshape(-1, len(NOTE_FIELDS)),
        np.array(bends, np.float32).reshape(-1, 2),
        fret_map(piece.instrument, LOWEST_PITCH, PITCHES),
        piece.style,
    )


def band_only(recipe: Recipe) -> Recipe:
    """The same recipe where only the band plays."""
    return replace(recipe, band_only_share=1.0)
