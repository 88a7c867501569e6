"""Data sets as recipes: what is drawn how often, from which sounds, under which seeds. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inference.training.band import GROOVES, RECORD_GROOVES, Groove
from inference.training.composer import TUNING_SHARES
from inference.training.soundfont import FLUID, RECORDED_KITS, TIM

ANY_MODAL = "modal/*"
"""A modal guitar of any number in the recipe's own range."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A data set.

    Attributes:
        name: of the recipe, for reports.
        seeds: its pieces; no seed belongs to two recipes.
        sounds: guitars by name (`inference.training.sounds`) and their shares.
        modal: range of modal guitars' numbers.
        kits, basses: the band's sounds.
        styles, tunings: shares by name.
        duration_s: of a piece.
        effects_share: of the pieces that go through effects; the others are dry, at −3 dB.
        band_share: of the pieces that a band plays along with, at `band_db` (band's RMS against the guitar's).
        band_only_share: of the pieces that have no guitar and no notes.
        acoustic_amplified, electric_amplified: how likely such a guitar has an amplifier, and how likely that distorts.
        grooves: of the drums.
        produced_share: of the bands that sound like a finished record (`inference.training.band.produced`).
    """

    name: str
    seeds: range
    sounds: Mapping[str, float]
    modal: range
    kits: tuple[str, ...]
    basses: tuple[str, ...]
    styles: Mapping[str, float] = field(
        default_factory=lambda: {"lines": 0.3, "chords": 0.17, "strums": 0.2, "fingerpicking": 0.2, "mixed": 0.13}
    )
    tunings: Mapping[str, float] = field(default_factory=lambda: dict(TUNING_SHARES))
    duration_s: float = 20.0
    effects_share: float = 0.9
    band_share: float = 0.42
    band_db: tuple[float, float] = (-12.0, 6.0)
    band_only_share: float = 0.05
    acoustic_amplified: tuple[float, float] = (0.15, 0.3)
    electric_amplified: tuple[float, float] = (0.8, 0.55)
    grooves: tuple[Groove, ...] = GROOVES
    produced_share: float = 0.0


TRAINING = Recipe(
    name="training",
    seeds=range(1_000_000),
    sounds={
        "sampled/acoustic": 0.22,
        "sampled/electric": 0.18,
        f"soundfont/{TIM}/24": 0.04,
        f"soundfont/{TIM}/25": 0.05,
        f"soundfont/{TIM}/26": 0.03,
        f"soundfont/{TIM}/27": 0.03,
        f"soundfont/{FLUID}/25": 0.05,
        f"soundfont/{FLUID}/27": 0.03,
        f"soundfont/{TIM}/33": 0.02,
        ANY_MODAL: 0.35,
    },
    modal=range(10_000),
    kits=(
        *(f"synth/{number}" for number in range(200)),
        *(f"soundfont/{TIM}/{p}" for p in (0, 8, 16) for _ in range(40)),
        *(
            f"soundfont/{font}/0/{velocity}"
            for font in RECORDED_KITS
            for velocity in (45, 75, 100, 120)
            for _ in range(30)
        ),
    ),
    basses=(
        *(f"soundfont/{TIM}/{program}" for program in (32, 33, 33, 34, 34, 35, 36)),
        f"soundfont/{FLUID}/32",
        f"soundfont/{FLUID}/34",
        *(f"modal/{number}" for number in (3, 5, 8, 13, 21)),
    ),
    # Beside a guitarist's loudspeaker and on records things are louder and dirtier than on the first recipe's desk.
    acoustic_amplified=(0.3, 0.55),
    electric_amplified=(0.85, 0.7),
    grooves=(*GROOVES, *RECORD_GROOVES),
    produced_share=0.6,
)

VALIDATION = Recipe(
    name="validation",
    seeds=range(1_000_000, 1_100_000),
    sounds={
        "sampled/nylon": 0.4,
        f"soundfont/{FLUID}/24": 0.12,
        f"soundfont/{FLUID}/26": 0.12,
        f"soundfont/{FLUID}/33": 0.02,
        ANY_MODAL: 0.34,
    },
    modal=range(1_000_000, 1_000_100),
    kits=(*(f"synth/{number}" for number in range(1000, 1020)), *([f"soundfont/{FLUID}/0"] * 20)),
    basses=(f"soundfont/{FLUID}/33", "modal/1000003"),
)

RECIPES = (TRAINING, VALIDATION)


def recipe_of(seed: int) -> Recipe:
    """The recipe a seed belongs to. Raises ValueError where there is none."""
    for recipe in RECIPES:
        if seed in recipe.seeds:
            return recipe
    raise ValueError(f"No recipe holds seed {seed}.")
