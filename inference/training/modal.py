"""A plucked string made of decaying partials, with everything that tells one string from another.

Each partial k of a stiff string lies at k·f0·√(1 + B·k²) (Fletcher & Rossing, The Physics of Musical Instruments,
ch. 2 and 9). B grows, and the pluck and pickup move towards the middle of what is left of the string, as the finger
goes up the neck: the same pitch on another string has other partials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.training.score import DEAD, HAMMER_ON, PALM_MUTE, PULL_OFF, GuitarNote
from inference.training.voices import INAUDIBLE_DB, Take, add, bent, damp, level_of
from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

_BLOCK = 256
_GRID = 2.0**24
_MOST_PARTIALS = 110
_HIGHEST_HZ = 9_500.0
_LOUDNESS = 0.1


@dataclass(frozen=True, slots=True)
class Build:
    """How a guitar is made: all of it drawn once from a seed.

    Attributes:
        stiffness: B of a plain string at 330 Hz, and its growth towards low and high strings is `stiffness_slope`.
        ring_s: time by which the fundamental of an open string at 110 Hz has fallen by 60 dB.
        air, friction: loss per second at 1 kHz that grows with the frequency and with its square.
        pluck: distance of the finger from the bridge, as a share of the open string.
        pickups: distances of pickups from the bridge; none on an acoustic guitar.
        body_hz, body_q, body_gain: f64[n] resonances of the body; gain 0 is a solid one.
        thump: level of the body's own sound when it is struck.
        hardness_hz: where the spectrum of a pluck at full velocity begins to fall.
        noise: level of the pick's or nail's noise.
        beating: difference in pitch, as a share, of the string's two planes.
    """

    stiffness: float
    stiffness_slope: float
    ring_s: float
    air: float
    friction: float
    pluck: float
    pickups: tuple[float, ...]
    body_hz: NDArray[np.float64]
    body_q: NDArray[np.float64]
    body_gain: NDArray[np.float64]
    thump: float
    hardness_hz: float
    noise: float
    beating: float


def draw_build(seed: int) -> Build:
    """The guitar of a number: nylon, steel or electric, no two alike."""
    random = np.random.default_rng([seed, 0x57A1])
    kind = ("nylon", "steel", "electric", "electric")[random.integers(4)]
    electric = kind == "electric"
    count = 0 if electric else int(random.integers(8, 15))
    body_hz = np.sort(
        np.concatenate([[random.uniform(85, 125), random.uniform(170, 240)], random.uniform(250, 4500, count)])
    )
    pickups = tuple(float(p) for p in random.uniform(0.05, 0.28, int(random.integers(1, 3)))) if electric else ()
    ring_s = {"nylon": (2.5, 5.0), "steel": (5.0, 11.0), "electric": (6.0, 16.0)}[kind]
    return Build(
        stiffness=float(np.exp(random.uniform(np.log(1e-5), np.log(1.5e-4)))),
        stiffness_slope=float(random.uniform(0.0, 0.8)),
        ring_s=float(random.uniform(*ring_s)),
        air=float(random.uniform(0.6, 3.0)) * (2.5 if kind == "nylon" else 1.0),
        friction=float(random.uniform(0.05, 0.6)),
        pluck=float(random.uniform(0.06, 0.32)),
        pickups=pickups,
        body_hz=body_hz,
        body_q=random.uniform(6, 40, len(body_hz)),
        body_gain=random.uniform(0.3, 2.5, len(body_hz)) * (0.05 if electric else 1.0),
        thump=float(random.uniform(0.0, 0.02 if electric else 0.12)),
        hardness_hz=float(np.exp(random.uniform(*np.log({"nylon": (700, 2500)}.get(kind, (1200, 6000)))))),
        noise=float(np.exp(random.uniform(np.log(0.002), np.log(0.06)))),
        beating=float(random.uniform(0.0, 6e-4)),
    )


class ModalGuitar:
    """Plays on the guitar of a seed; good for every pitch, a bass's too."""

    lowest, highest = 20, 100

    def __init__(self, seed: int) -> None:
        self._build = draw_build(seed)
        self.electric = bool(self._build.pickups)

    def play(
        self, notes: Sequence[GuitarNote], instrument: Instrument, duration: int, random: np.random.Generator
    ) -> Take:
        """See `Guitar`."""
        samples = np.zeros(duration, np.float32)
        release = round(float(random.uniform(0.012, 0.06)) * SAMPLE_RATE_HZ)
        offsets = []
        for note in notes:
            open_pitch = instrument.tuning[note.string - 1]
            voice, audible = self._pluck(note, open_pitch, instrument.capo + note.fret, release, random)
            damp(voice, note.offset - note.onset, release)
            add(samples, voice, note.onset)
            offsets.append(min(note.offset, note.onset + audible))
        return Take(samples, tuple(offsets))

    def _pluck(
        self, note: GuitarNote, open_pitch: int, stopped: int, release: int, random: np.random.Generator
    ) -> tuple[NDArray[np.float32], int]:
        """Samples from the onset on, and for how many of them the note is heard. `stopped`: fret from the nut."""
        build = self._build
        hz, amplitude, loss = _partials(build, note, open_pitch, stopped, random)
        body_hz = build.body_hz * random.uniform(0.995, 1.005)
        plucked = note.technique not in (HAMMER_ON, PULL_OFF)
        thump = build.thump * float(np.sqrt(np.sum(amplitude**2))) * (1.0 if plucked else 0.2)
        hz = np.concatenate([hz, body_hz])
        amplitude = np.concatenate([amplitude, thump * build.body_gain / (1e-9 + np.sum(build.body_gain))])
        loss = np.concatenate([loss, np.pi * build.body_hz / build.body_q])
        length = note.offset - note.onset + release
        sharpest = 2 ** (max((semitones for _, semitones in note.bends), default=0.0) / 12)
        voice, audible = _ring(hz, amplitude, loss, round(length * sharpest) + 1)
        voice = bent(voice, 0, length, note)
        if plucked:
            click = min(length, round(random.uniform(0.002, 0.007) * SAMPLE_RATE_HZ))
            burst = random.standard_normal(click) * np.linspace(1, 0, click) ** 2
            voice[:click] += (burst * build.noise * np.sqrt(np.sum(amplitude**2))).astype(np.float32)
        voice *= _LOUDNESS * level_of(note) / max(1e-9, float(np.sqrt(0.5 * np.sum(amplitude**2))))
        return voice, audible


def _partials(
    build: Build, note: GuitarNote, open_pitch: int, stopped: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Frequency in Hz, amplitude and loss per second of each of a string's vibrations."""
    f0 = 440.0 * 2 ** ((note.pitch - 69) / 12)
    open_hz = 440.0 * 2 ** ((open_pitch - 69) / 12)
    shortened = 2 ** (stopped / 12)
    b = build.stiffness * (open_hz / 330.0) ** build.stiffness_slope * shortened**2
    k = np.arange(1, min(_MOST_PARTIALS, int(_HIGHEST_HZ / f0)) + 1, dtype=np.float64)
    hz = k * f0 * np.sqrt(1 + b * k**2) / np.sqrt(1 + b)
    k, hz = k[hz < _HIGHEST_HZ], hz[hz < _HIGHEST_HZ]
    pluck, hardness_hz = build.pluck * random.uniform(0.85, 1.15), build.hardness_hz
    if note.technique in (HAMMER_ON, PULL_OFF):
        pluck, hardness_hz = 0.02 if note.technique == HAMMER_ON else 0.4, hardness_hz * 0.5
    amplitude = np.sin(np.pi * k * min(0.5, pluck * shortened)) / k
    if build.pickups:
        amplitude *= sum(np.sin(np.pi * k * min(0.5, place * shortened)) for place in build.pickups)
    amplitude *= np.exp(-hz / (hardness_hz * (0.35 + note.velocity)))
    ratio = hz[:, None] / build.body_hz[None, :]
    resonance = build.body_gain / np.sqrt(1 + (build.body_q * (ratio - 1 / ratio)) ** 2)
    amplitude *= (1.0 if build.pickups else 0.25) + resonance.sum(axis=1)
    khz = hz / 1000
    loss = 6.9 / build.ring_s * (f0 / 110) ** 0.6 + build.air * khz + build.friction * khz**2
    loss *= 1.0 if stopped == 0 else 1.25
    if note.technique == PALM_MUTE:
        loss = loss * 2 + random.uniform(7, 16) + 14 * khz
    if note.technique == DEAD:
        loss = loss * 3 + 70 + 60 * khz
    # Two planes of vibration, a little apart in pitch, the one towards the body dying sooner.
    share = random.uniform(0.3, 0.8)
    twice_hz = np.concatenate([hz, hz * (1 + build.beating * random.uniform(0.3, 1.0))])
    return (
        twice_hz,
        np.concatenate([amplitude * share, amplitude * (1 - share)]),
        np.concatenate([loss * 1.6, loss * 0.8]),
    )


def _ring(
    hz: NDArray[np.float64], amplitude: NDArray[np.float64], loss: NDArray[np.float64], length: int
) -> tuple[NDArray[np.float32], int]:
    """The sum of decaying sines as one matrix product: sample 256·i + j of a partial is z^(256·i) · z^j.

    Both factors are rounded to multiples of 2⁻²⁴ and the product stays below 2: every sum is exact in float64, so the
    order in which a BLAS library adds, which changes with its threads, does not change a byte.
    """
    exponent = (-loss + 2j * np.pi * hz) / SAMPLE_RATE_HZ
    blocks = -(-length // _BLOCK)
    coarse = np.exp(np.outer(np.arange(blocks) * _BLOCK, exponent)) * amplitude
    fine = np.exp(np.outer(exponent, np.arange(_BLOCK)))
    scale = max(1e-12, float(np.sum(np.abs(amplitude))))
    left = np.round(np.concatenate([coarse.imag, coarse.real], axis=1) * (_GRID / scale)) / _GRID
    right = np.round(np.concatenate([fine.real, fine.imag], axis=0) * _GRID) / _GRID
    energy = np.sum(np.abs(coarse) ** 2, axis=1)
    heard = np.flatnonzero(energy > energy[0] * 10 ** (INAUDIBLE_DB / 10))
    return ((left @ right).reshape(-1)[:length] * scale).astype(np.float32), int(heard[-1] + 1) * _BLOCK
