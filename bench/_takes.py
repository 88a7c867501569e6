"""What `bench notes` plays: real recordings, and pieces rendered anew from fixed seeds. Nothing is stored.

The rendered pieces are of the VALIDATION recipe, whose sounds nothing was trained on; their seeds begin at
`FIRST_SEED` and serve no other purpose, so nothing was chosen on them either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from bench._recordings import DATA, labelled, read_audio
from bench._scoring import PlainNote
from inference.training.amplifiers import amp_chains
from inference.training.dataset import Piece, render_piece
from inference.training.effects import Effects
from inference.training.recipes import VALIDATION, Recipe
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ, seconds
from music.tuning import TUNINGS, Instrument
from tests.support.no_music import no_music

FIRST_SEED = 1_050_000
BAND_LEVELS_DB = (-6, 0, 6)
NO_MUSIC_S = 12.0
REAL, RENDERED = "real", "rendered"
_PEAK = 0.98
_STYLES = ("lines", "chords", "strums", "fingerpicking")
_BASSES = ("bass", "bass_five")
_LOW = ("half_step_down", "drop_d", "dadgad", "open_g", "open_d", "seven_string", "eight_string")

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Take:
    """One signal to listen to: `row` is the line of the table it counts for, `samples` f32[n], mono, within ±1."""

    row: str
    origin: str
    samples: Samples
    rate_hz: int
    truth: list[PlainNote]
    instrument: Instrument

    @property
    def length_s(self) -> float:
        return len(self.samples) / self.rate_hz


def real_takes() -> tuple[list[Take], list[str]]:
    """Each real recording alone and under a real band at each level; and a line for what is absent."""
    recordings, absent = labelled()
    band, lines = drums_and_bass()
    takes: list[Take] = []
    for recording in recordings:
        samples, rate_hz = recording.read()
        origin = RENDERED if recording.is_rendered else REAL
        take = Take(recording.name, origin, samples, rate_hz, recording.truth, Instrument(recording.tuning))
        takes.append(take)
        if band is not None and origin == REAL:
            takes += [
                replace(take, row=f"{take.row}, band {level:+d} dB", samples=mix(take, band, level))
                for level in (0, -6, 6)
            ]
    return takes, [*absent, *lines]


def rendered_takes(pieces: int, duration_s: float) -> Iterator[Take]:
    """`pieces` of every style and kind of tuning; then others, without a band and under it at each level."""
    library = SoundLibrary(default_sounds_dir())
    alone = replace(VALIDATION, duration_s=duration_s, band_share=0.0, band_only_share=0.0)
    for number, (row, recipe) in enumerate(_recipes(alone).items()):
        for seed in _seeds(number, pieces):
            yield _take(row, render_piece(recipe, seed, library))
    banded = replace(alone, tunings={"standard": 1.0})
    levels = {"no band": float("-inf")} | {f"band {level:+d} dB": float(level) for level in BAND_LEVELS_DB}
    for name, level in levels.items():
        for seed in _seeds(20, pieces):
            yield _take(f"all styles, {name}", render_piece(banded, seed, library, band_db=level))


def amplified_takes(performances: int, duration_s: float) -> Iterator[list[Take]]:
    """Performances, each as its direct signal and then through every chain; a row is the chain's name."""
    library = SoundLibrary(default_sounds_dir())
    recipe = replace(VALIDATION, duration_s=duration_s, band_only_share=0.0, tunings={"standard": 1.0})
    for seed in _seeds(21, performances):
        chains = {name: Effects(amplifier=amplifier) for name, amplifier in amp_chains().items()}
        yield [
            _take(name, render_piece(recipe, seed, library, effects=effects, band_db=float("-inf")))
            for name, effects in chains.items()
        ]


def bands(pieces: int, duration_s: float) -> tuple[list[Take], list[str]]:
    """Music without a guitar: the real drums and bass, and rendered bands; a line for what is absent."""
    real, absent = drums_and_bass()
    takes = [] if real is None else [real]
    library = SoundLibrary(default_sounds_dir())
    recipe = replace(VALIDATION, duration_s=duration_s, band_only_share=1.0, tunings={"standard": 1.0})
    takes += [_take("rendered bands", render_piece(recipe, seed, library)) for seed in _seeds(22, pieces)]
    return takes, absent


def unmusical() -> tuple[list[Take], list[str]]:
    """Sounds in which no guitar plays; singing stands beside the synthetic voice where there are recordings of it."""
    takes = [
        Take(name, RENDERED, samples, SAMPLE_RATE_HZ, [], Instrument())
        for name, samples in no_music(NO_MUSIC_S).items()
    ]
    sung = {"singing, solo": DATA / "voice/vocadito_10.wav", "singing, stem": DATA / "stems/mallory/vocals_true.mp3"}
    absent = [
        f"{name}: left out, ../shared/data is not beside this checkout" for name, p in sung.items() if not p.exists()
    ]
    takes += [Take(name, REAL, *read_audio(path), [], Instrument()) for name, path in sung.items() if path.exists()]
    return takes, absent


def drums_and_bass() -> tuple[Take | None, list[str]]:
    """Twenty-five seconds of a real band without a guitar; None, and why."""
    path = DATA / "mixes/choice_drum_bass.ogg"
    if not path.exists():
        return None, ["choice_drum_bass: left out, ../shared/data is not beside this checkout"]
    return Take("choice_drum_bass", REAL, *read_audio(path), [], Instrument()), []


def mix(guitar: Take, band: Take, level_db: float) -> Samples:
    """The guitar with the band beside it, whose RMS is `level_db` above the guitar's: f32[n] at the guitar's rate.

    A band that is over sooner begins again.
    """
    other = (
        soxr.resample(band.samples, band.rate_hz, guitar.rate_hz) if band.rate_hz != guitar.rate_hz else band.samples
    )
    other = np.resize(other, len(guitar.samples))
    own_rms, other_rms = (float(np.sqrt(np.mean(np.square(s, dtype=np.float64)))) for s in (guitar.samples, other))
    mixed = guitar.samples + other * (own_rms / max(other_rms, 1e-9) * 10 ** (level_db / 20))
    return np.asarray(mixed * min(1.0, _PEAK / float(np.abs(mixed).max())), np.float32)


def _recipes(alone: Recipe) -> Mapping[str, Recipe]:
    """By row: the four styles in standard tuning, then any style in low tunings and on basses."""
    standard = replace(alone, tunings={"standard": 1.0})
    rows = {style: replace(standard, styles={style: 1.0}) for style in _STYLES}
    rows["low tunings"] = replace(alone, tunings=dict.fromkeys(_LOW, 1.0))
    rows["bass"] = replace(alone, tunings=dict.fromkeys(_BASSES, 1.0))
    assert all(min(TUNINGS[name]) < min(TUNINGS["standard"]) for name in _LOW)
    return rows


def _seeds(group: int, count: int) -> range:
    first = FIRST_SEED + 1000 * group
    return range(first, first + count)


def _take(row: str, piece: Piece) -> Take:
    truth = [PlainNote(seconds(n.onset), seconds(n.offset), n.pitch, n.string, n.fret) for n in piece.notes]
    return Take(row, RENDERED, piece.samples, SAMPLE_RATE_HZ, truth, piece.instrument)
