"""The rendered pieces that `bench.fit_onsets` hears: which, and how each is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench._pieces import draw_noise
from inference.training.amplifiers import amp_chains, draw_amplifier
from inference.training.dataset import Piece, render_piece
from inference.training.effects import Effects
from inference.training.recipes import ANY_MODAL, TRAINING, VALIDATION, Recipe
from inference.training.sounds import SoundLibrary
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument

FIT, REPORT = range(900), range(210, 290)
"""Numbers of the pieces to fit on, and of those to report on; seeds of their own, which serve nothing else."""
ANY, ALONE, BAND, BAND_ONLY, NOISE, DIRECT, DRIVEN = "any", "alone", "band", "band only", "noise", "direct", "driven"
BAND_LEVELS_DB = (-6.0, 0.0, 6.0)
_FIT_SEED, _REPORT_SEED = 600_000, 1_061_000
_NO_BAND = float("-inf")
_FITTED = replace(
    # The network learned from these sounds; only of modal guitars there are more than it heard.
    TRAINING,
    modal=range(10_000, 20_000),
    sounds={**TRAINING.sounds, ANY_MODAL: 0.6},
    duration_s=15.0,
)
_REPORTED = replace(VALIDATION, duration_s=12.0)


@dataclass(frozen=True, slots=True)
class Order:
    """A piece to be rendered.

    Attributes:
        name: of it alone.
        kind: of it; through one of `amp_chains()` that chain's name.
        number: the performance's, which may be heard in several ways.
        recipe, effects, band_db: see `render_piece`; without a recipe it is a noise.
    """

    name: str
    kind: str
    number: int
    seed: int
    recipe: Recipe | None
    effects: Effects | None = None
    band_db: float | None = None

    def render(self, library: SoundLibrary) -> Piece:
        """Make it."""
        if self.recipe is not None:
            return render_piece(self.recipe, self.seed, library, effects=self.effects, band_db=self.band_db)
        samples = draw_noise(np.random.default_rng([5, self.number]), 6 * SAMPLE_RATE_HZ)
        instrument = Instrument(TUNINGS["standard"])
        return Piece(self.number, NOISE, samples, (), instrument, NOISE, NOISE, Effects(), None)


def orders_to_fit_on() -> Iterator[Order]:
    """In turns: two pieces of any kind, one under a band, two performances, each directly and through a driven
    amplifier, then a band alone or a noise.
    """
    performed = replace(_FITTED, band_share=0.0, band_only_share=0.0, duration_s=12.0)
    for number in FIT:
        name, seed = f"fit-{number}", _FIT_SEED + number
        match number % 6:
            case 0 | 1:
                yield Order(name, ANY, number, seed, _FITTED)
            case 2:
                banded = replace(_FITTED, band_share=1.0, band_only_share=0.0, band_db=(-8.0, 8.0))
                yield Order(name, BAND, number, seed, banded)
            case 3 | 4:
                for kind, effects in ((DIRECT, Effects()), (DRIVEN, _driven(number))):
                    yield Order(f"{name}-{kind}", kind, number, seed, performed, effects, _NO_BAND)
            case _ if number % 12 == 5:
                yield Order(name, BAND_ONLY, number, seed, replace(_FITTED, band_only_share=1.0))
            case _:
                yield Order(name, NOISE, number, seed, None)


def orders_to_report_on() -> Iterator[Order]:
    """VALIDATION pieces in turns: alone, under a band, a performance through every chain, a band alone."""
    played = replace(_REPORTED, band_only_share=0.0)
    for number in REPORT:
        name, seed = f"report-{number}", _REPORT_SEED + number
        match number % 4:
            case 0:
                yield Order(name, ALONE, number, seed, replace(played, band_share=0.0))
            case 1:
                yield Order(name, BAND, number, seed, played, band_db=BAND_LEVELS_DB[number // 4 % 3])
            case 2:
                standard = replace(played, tunings={"standard": 1.0})
                for chain, amplifier in amp_chains().items():
                    effects = Effects(amplifier=amplifier)
                    yield Order(f"{name}-{chain}", chain, number, seed, standard, effects, _NO_BAND)
            case _:
                yield Order(name, BAND_ONLY, number, seed, replace(_REPORTED, band_only_share=1.0))


def _driven(number: int) -> Effects:
    random = np.random.default_rng([77, number])
    return Effects(amplifier=replace(draw_amplifier(random, drive=True), drive_db=float(random.uniform(6, 42))))
