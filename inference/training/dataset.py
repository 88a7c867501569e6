"""Pieces from recipes: the same bytes for the same recipe and seed, made when they are wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from inference.training.amplifiers import Signal, rms
from inference.training.band import play_bass, play_drums, play_pad, produced
from inference.training.composer import compose, draw_instrument
from inference.training.effects import Effects, colour_guitar, draw_effects, record
from inference.training.recipes import ANY_MODAL, Recipe
from inference.training.score import DEAD, GuitarNote, Performance
from inference.training.sounds import SoundLibrary, is_bass_sound
from inference.training.voices import Guitar
from music.audio import SAMPLE_RATE_HZ, seconds
from music.tuning import Instrument

BAND_ONLY = "band"
_BASS_TOP = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """A recording and the truth about it.

    Attributes:
        samples: f32[n], mono at 22 050 Hz, within ±1.
        notes: by onset, sample indices of `samples`; none where only the band plays.
        style, sound: names; `band_db` is the band's RMS against the guitar's, None without a band.
    """

    seed: int
    recipe: str
    samples: NDArray[np.float32]
    notes: tuple[GuitarNote, ...]
    instrument: Instrument
    style: str
    sound: str
    effects: Effects
    band_db: float | None


def render_piece(
    recipe: Recipe,
    seed: int,
    library: SoundLibrary,
    *,
    effects: Effects | None = None,
    band_db: float | None = None,
) -> Piece:
    """One piece of a data set.

    Args:
        recipe: which data set.
        seed: which piece; one of the recipe's.
        library: makes the sounds; keep it from piece to piece.
        effects: instead of the ones drawn, to hear one performance through several chains.
        band_db: instead of the level drawn; −inf for no band.

    Raises:
        ValueError: the seed is another recipe's, or none of its sounds has the piece's pitches.
        Unavailable: a sound cannot be had; the message says what to install.
    """
    if seed not in recipe.seeds:
        raise ValueError(f"Seed {seed} is not one of recipe {recipe.name!r}: {recipe.seeds}.")
    plan, composing, sounding, banding, noising, handling = (np.random.default_rng([seed, part]) for part in range(6))
    instrument = draw_instrument(composing, recipe.tunings)
    styles = list(recipe.styles)
    shares = np.array([recipe.styles[name] for name in styles])
    style = styles[plan.choice(len(styles), p=shares / shares.sum())]
    performance = compose(composing, instrument, style, recipe.duration_s)
    sound, guitar = _draw_guitar(plan, recipe, performance, library)
    wet, banded, alone = plan.random() < recipe.effects_share, plan.random() < recipe.band_share, plan.random()
    drawn_db = float(plan.uniform(*recipe.band_db))
    amplified, driven = recipe.electric_amplified if guitar.electric else recipe.acoustic_amplified
    drawn = draw_effects(plan, amplified=amplified, driven=driven)
    effects = effects or (drawn if wet else Effects())
    if band_db is None:
        band_db = drawn_db if banded else float("-inf")
    if alone < recipe.band_only_share:
        band = _play_band(recipe, performance, library, banding)
        return Piece(seed, recipe.name, record(band, effects, noising), (), instrument, BAND_ONLY, sound, effects, 0.0)
    dry, notes = _play_guitar(performance, guitar, effects.detune_cents, sounding)
    music = colour_guitar(dry, effects, handling)
    if band_db > float("-inf"):
        band = _play_band(recipe, performance, library, banding)
        music = music + band * np.float32(10 ** (band_db / 20) * rms(music) / (rms(band) or 1.0))
    samples = record(music, effects, noising)
    level = band_db if band_db > float("-inf") else None
    return Piece(seed, recipe.name, samples, notes, instrument, performance.style, sound, effects, level)


def to_document(piece: Piece) -> dict[str, object]:
    """The truth in the file schema "genesis.transcription/1"."""
    return {
        "schema": "genesis.transcription/1",
        "session": f"{piece.recipe}-{piece.seed}",
        "title": f"{piece.style} on {piece.sound}",
        "models": {},
        "duration_s": seconds(len(piece.samples)),
        "tuning": list(piece.instrument.tuning),
        "capo": piece.instrument.capo,
        "gaps": [],
        "notes": [_note(number, note) for number, note in enumerate(piece.notes, start=1)],
    }


def _note(number: int, note: GuitarNote) -> dict[str, object]:
    return {
        "id": f"t{number}",
        "state": "ended",
        "onset_s": round(seconds(note.onset), 6),
        "offset_s": round(seconds(note.offset), 6),
        "pitch": note.pitch,
        "velocity": note.velocity,
        "confidence": 1.0,
        "string": note.string,
        "fret": note.fret,
        "flags": [] if note.technique == "pluck" else [note.technique],
        "alternatives": [],
        "bends": [
            {"time_s": round(seconds(note.onset + after), 6), "semitones": semitones} for after, semitones in note.bends
        ],
        "techniques": [],
    }


def _draw_guitar(
    random: np.random.Generator, recipe: Recipe, performance: Performance, library: SoundLibrary
) -> tuple[str, Guitar]:
    """A sound by its share among those that have all the pitches; what was drawn and does not fit is drawn no more."""
    bass = max(performance.instrument.tuning) < _BASS_TOP
    names = [name for name in recipe.sounds if bass or not is_bass_sound(name)]
    weights = np.array([recipe.sounds[name] for name in names])
    modal = f"modal/{random.choice(recipe.modal)}"
    lowest = min((note.pitch for note in performance.notes), default=60)
    highest = max((note.pitch for note in performance.notes), default=60)
    for index in random.choice(len(names), len(names), replace=False, p=weights / weights.sum()):
        name = modal if names[index] == ANY_MODAL else names[index]
        guitar = library.guitar(name)
        if guitar.lowest <= lowest and highest <= guitar.highest:
            return name, guitar
    raise ValueError(f"No sound of recipe {recipe.name!r} has the pitches {lowest} to {highest}.")


def _play_guitar(
    performance: Performance, guitar: Guitar, detune_cents: float, random: np.random.Generator
) -> tuple[Signal, tuple[GuitarNote, ...]]:
    """The guitar out of tune as a whole: played slower or faster, then resampled to where its notes belong."""
    ratio = 2 ** (detune_cents / 1200)
    strokes = performance.strokes
    stretched = [replace(s, onset=round(s.onset * ratio), offset=round(s.offset * ratio)) for s in strokes]
    take = guitar.play(stretched, performance.instrument, round(performance.duration * ratio) + 64, random)
    samples = take.samples
    if ratio != 1:
        samples = soxr.resample(samples, SAMPLE_RATE_HZ * ratio, SAMPLE_RATE_HZ, quality="HQ")
    heard = tuple(
        note if written.offset == offset else replace(note, offset=min(note.offset, round(offset / ratio)))
        for note, written, offset in zip(strokes, stretched, take.offsets, strict=True)
        if note.technique != DEAD
    )
    return samples[: performance.duration], heard


def _play_band(recipe: Recipe, performance: Performance, library: SoundLibrary, random: np.random.Generator) -> Signal:
    """Drums nearly always, a bass mostly, a pad sometimes; at any balance."""
    parts = []
    kit = library.kit(recipe.kits[random.integers(len(recipe.kits))])
    if random.random() < 0.92:
        parts.append(play_drums(performance, kit, random, recipe.grooves))
    if random.random() < 0.75 or not parts:
        parts.append(play_bass(performance, library.guitar(recipe.basses[random.integers(len(recipe.basses))]), random))
    if random.random() < 0.25:
        parts.append(play_pad(performance, random))
    mixed = np.zeros(performance.duration, np.float32)
    for part in parts:
        mixed += part * np.float32(10 ** (random.uniform(-6, 3) / 20) / (rms(part) or 1.0))
    return produced(mixed, random) if recipe.produced_share and random.random() < recipe.produced_share else mixed
