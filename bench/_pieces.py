"""Rendered pieces as the network hears them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import anyio
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench._models import load, open_stream
from inference.ports import Transcriber
from inference.training.dataset import Piece, render_piece
from inference.training.effects import Effects
from inference.training.recipes import Recipe
from inference.training.score import GuitarNote
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.activations import Activations, join
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece without its samples: what was played, and the settled activations of all of it."""

    seed: int
    style: str
    sound: str
    banded: bool
    duration: int
    instrument: Instrument
    notes: tuple[GuitarNote, ...]
    activations: Activations
    hop: int


class Ear:
    """Renders pieces and listens to them."""

    def __init__(self) -> None:
        self._library = SoundLibrary(default_sounds_dir())
        # The tracker that is fitted here reads this network's activations and no other's.
        self._transcriber: Transcriber = load("basic_pitch", threads=1)

    def hear(self, recipe: Recipe, seed: int, effects: Effects | None = None, band_db: float | None = None) -> Heard:
        """One piece; see `render_piece`."""
        return self.listen(render_piece(recipe, seed, self._library, effects=effects, band_db=band_db))

    def listen(self, piece: Piece) -> Heard:
        """A piece that is rendered."""
        return Heard(
            piece.seed,
            piece.style,
            piece.sound,
            piece.band_db is not None,
            len(piece.samples),
            piece.instrument,
            piece.notes,
            self.activations(piece.samples),
            self._transcriber.grid.hop,
        )

    def activations(self, samples: NDArray[np.float32]) -> Activations:
        """Settled activations of a whole signal: f32[n], mono, 22 050 Hz."""

        async def run() -> list[Activations]:
            stream = open_stream(self._transcriber, Instrument())
            return [*await stream.push(samples), *await stream.finish()]

        return join(anyio.run(run))


def heard_pieces(recipe: Recipe, seeds: Iterable[int], *, band_only: bool = False) -> Iterator[Heard]:
    """The pieces of `seeds`; with `band_only`, what the band plays without a guitar."""
    ear = Ear()
    drawn = replace(recipe, band_only_share=1.0) if band_only else recipe
    for seed in seeds:
        yield ear.hear(drawn, seed)


def heard_noises(count: int, seed: int = 0, length_s: float = 8.0) -> Iterator[Heard]:
    """What is no music at all: noise of any colour and level, hum, clicks and steady tones that swell."""
    ear = Ear()
    for number in range(count):
        samples = draw_noise(np.random.default_rng([seed, number]), round(length_s * SAMPLE_RATE_HZ))
        piece = Piece(number, "noises", samples, (), Instrument(TUNINGS["standard"]), "noise", "noise", Effects(), None)
        yield ear.listen(piece)


def draw_noise(random: np.random.Generator, length: int) -> NDArray[np.float32]:
    """Noise of any colour and level, hum, clicks and a swell: f32[length] within ±1."""
    time_s = np.arange(length) / SAMPLE_RATE_HZ
    noise = random.standard_normal(length)
    pole = float(random.choice([0.0, 0.0, random.uniform(0.5, 0.99)]))
    parts = [lfilter([1 - pole], [1, -pole], noise)]
    if random.random() < 0.4:
        mains = float(random.choice([50, 60]))
        parts.append(sum(random.random() * np.sin(2 * np.pi * mains * k * time_s) for k in range(1, 9)))
    if random.random() < 0.4:
        clicks = np.zeros(length)
        clicks[random.integers(0, length, 20)] = random.uniform(-30, 30, 20)
        parts.append(clicks)
    mixed = sum(part * random.uniform(0.1, 1) for part in parts)
    swell = 1 + random.uniform(0, 0.9) * np.sin(2 * np.pi * random.uniform(0.1, 4) * time_s)
    loudest = 10 ** random.uniform(-3.5, 0)
    return np.asarray(mixed * swell / np.abs(mixed * swell).max() * loudest, np.float32)
