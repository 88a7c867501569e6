"""Training examples: a few seconds of a piece, coloured and mixed anew every time, and what there is to say about them.

Colouring works on magnitudes, where it costs next to nothing: gain, a random equaliser with a body's peaks, noise of
any colour, a room, levels pulled apart or together, a band at any level (powers added), transposition by whole bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from inference.training.features import HeardPiece
from inference.training.front_end import BINS, BINS_PER_SEMITONE, HOP, LOWEST_PITCH, PITCHES

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Colouring:
    """What may happen to an example; shares of the examples, ranges drawn from evenly. For ablations."""

    band_share: float = 0.48
    band_db: tuple[float, float] = (-14.0, 9.0)
    two_bands_share: float = 0.25
    equaliser_db: float = 5.0
    peaks_db: float = 3.0
    room_share: float = 0.3
    pull_share: float = 0.5
    pull: tuple[float, float] = (0.8, 1.3)
    noise_share: float = 0.35
    transpose_share: float = 0.35
    gain_db: tuple[float, float] = (-26.0, 4.0)
    alone_share: float = 0.07
    no_music_share: float = 0.06
    voice_share: float = 0.12


@dataclass(frozen=True, slots=True)
class Targets:
    """What is true, frames and pitches as the network sees them.

    `onset`, `sounding`, `offset` f32[t, p]; `velocity`, `deviation` f32[t, p] where `sounding`; `string` i64[n, 4]: row
    of (frame, pitch column, string row, 0) for every onset.
    """

    onset: Floats
    sounding: Floats
    offset: Floats
    velocity: Floats
    deviation: Floats
    string: NDArray[np.int64]


class Crops:
    """Endless examples from pieces in memory."""

    def __init__(
        self,
        guitars: Sequence[HeardPiece],
        bands: Sequence[HeardPiece],
        frames: int,
        colouring: Colouring | None = None,
    ) -> None:
        self._guitars = guitars
        self._bands = bands
        self._frames = frames
        self._colouring = colouring or Colouring()

    def batch(self, random: np.random.Generator, size: int) -> tuple[Floats, Floats, list[Targets]]:
        """Magnitudes f32[size, t, BINS], frets f32[size, 8, p], and the truth of each."""
        drawn = [self._draw(random) for _ in range(size)]
        return np.stack([d[0] for d in drawn]), np.stack([d[1] for d in drawn]), [d[2] for d in drawn]

    def _draw(self, random: np.random.Generator) -> tuple[Floats, Floats, Targets]:
        colouring = self._colouring
        piece = self._guitars[int(random.integers(len(self._guitars)))]
        begin = int(random.integers(0, max(1, len(piece.levels) - self._frames)))
        levels = piece.levels[begin : begin + self._frames].astype(np.float32)
        shift = int(random.integers(-2, 3)) if random.random() < colouring.transpose_share else 0
        bins = shift * BINS_PER_SEMITONE + int(random.integers(-1, 2) if random.random() < 0.1 else 0)
        levels = _moved(levels, bins, -16.0)
        if random.random() < colouring.pull_share:
            loudest = levels.max()
            levels = loudest + (levels - loudest) * np.float32(random.uniform(*colouring.pull))
        power = np.exp(2 * levels)
        if random.random() < colouring.room_share:
            power = _reverberant(power, random)
        power *= np.exp(2 * _equaliser(random, colouring.equaliser_db, colouring.peaks_db))
        nobody = random.random() < colouring.no_music_share
        alone = nobody or random.random() < colouring.alone_share
        if nobody:
            power = no_music(random, self._frames)
        elif self._bands and (alone or random.random() < colouring.band_share):
            band = self._band(random)
            if alone:
                power = band
            else:
                level_db = random.uniform(*colouring.band_db)
                power += band * (10 ** (level_db / 10) * power.mean() / max(float(band.mean()), 1e-12))
        if random.random() < colouring.noise_share:
            power += _noise(random, power)
        power *= np.exp(2 * _equaliser(random, colouring.equaliser_db / 2, 0.0))
        magnitudes = np.sqrt(power) * np.float32(10 ** (random.uniform(*colouring.gain_db) / 20))
        frets = _moved(piece.frets, shift, -1.0)
        empty = HeardPiece(piece.levels, piece.notes[:0], piece.bends[:0], piece.frets, "band")
        return magnitudes.astype(np.float32), frets, targets(empty if alone else piece, begin, self._frames, shift)

    def _band(self, random: np.random.Generator) -> Floats:
        if random.random() < self._colouring.voice_share:
            return _voice(random, self._frames)
        power = self._one_band(random)
        if random.random() < self._colouring.two_bands_share:
            other = self._one_band(random)
            power += other * np.float32(
                10 ** random.uniform(-1.5, 0.5) * power.mean() / max(float(other.mean()), 1e-12)
            )
        return power

    def _one_band(self, random: np.random.Generator) -> Floats:
        band = self._bands[int(random.integers(len(self._bands)))]
        begin = int(random.integers(0, max(1, len(band.levels) - self._frames)))
        levels = band.levels[begin : begin + self._frames].astype(np.float32)
        power: Floats = np.exp(2 * (levels + _equaliser(random, self._colouring.equaliser_db, 0.0)))
        return power


def targets(piece: HeardPiece, begin: int, frames: int, shift: int = 0) -> Targets:
    """The truth about frames [begin, begin + frames) of a piece transposed by `shift` semitones."""
    onset, sounding, offset, velocity, deviation = (np.zeros((frames, PITCHES), np.float32) for _ in range(5))
    strings = []
    for row in piece.notes:
        first, last = row[0] / HOP - begin, row[1] / HOP - begin
        column = int(row[2]) - LOWEST_PITCH + shift
        if last < 0 or first >= frames or not 0 <= column < PITCHES:
            continue
        at, end = round(float(first)), round(float(last))
        inside = slice(max(0, at), max(0, min(frames, end)))
        sounding[inside, column] = 1
        velocity[inside, column] = row[4]
        if 0 <= end < frames:
            offset[end, column] = 1
        if 0 <= at < frames:
            onset[at, column] = 1
            strings.append((at, column, int(row[3]) - 1, 0))
        if row[6]:
            points = piece.bends[int(row[5]) : int(row[5] + row[6])]
            where = np.arange(inside.start, inside.stop)
            deviation[inside, column] = np.interp((where - first) * HOP, points[:, 0], points[:, 1])
    string = np.array(strings, np.int64).reshape(-1, 4)
    return Targets(onset, sounding, offset, velocity, deviation, string)


def _moved(values: Floats, bins: int, fill: float) -> Floats:
    """Columns moved up by `bins`, what falls out lost."""
    if bins == 0:
        return values
    moved = np.full_like(values, fill)
    if bins > 0:
        moved[:, bins:] = values[:, :-bins]
    else:
        moved[:, :bins] = values[:, -bins:]
    return moved


def no_music(random: np.random.Generator, frames: int) -> Floats:
    """Powers f32[frames, BINS] of noise that begins and ends as it likes, or of a voice: nothing that has notes."""
    if random.random() < 0.4:
        return _voice(random, frames)
    noise = _noise(random, np.full((frames, BINS), 10 ** random.uniform(-3.0, 0.0), np.float32))
    gate = np.zeros((frames, 1), np.float32)
    gate[int(random.integers(0, frames // 2)) :] = 1
    at = np.arange(frames)[:, None] * HOP / 22_050
    swell = 1 + random.uniform(0, 0.95) * np.sin(2 * np.pi * random.uniform(0.1, 6.0) * at)
    clicks = np.where(random.random((frames, 1)) < random.choice([0.0, 0.02]), 30.0, 1.0)
    return np.asarray(noise * gate * swell**2 * clicks, np.float32)


def _voice(random: np.random.Generator, frames: int) -> Floats:
    """Powers of syllables: harmonics that glide under formants that change, and the noise of consonants."""
    at = np.arange(BINS, dtype=np.float32)
    power = np.full((frames, BINS), 1e-10, np.float32)
    begin = int(random.integers(0, 30))
    pitch = random.uniform(41, 64)
    while begin < frames:
        length = int(random.integers(8, 35))
        end = min(frames, begin + length)
        glide = np.linspace(0, random.normal(0, 2.5), length) + random.normal(0, 0.3) * np.sin(np.arange(length) / 2.5)
        swell = np.hanning(length + 2)[1:-1] ** random.uniform(0.2, 1.0)
        formants = random.uniform([90, 150, 200], [150, 200, 250])
        for harmonic in range(1, 24):
            centre = BINS_PER_SEMITONE * (pitch + glide + 12 * np.log2(harmonic) - LOWEST_PITCH) + 1
            shape = np.exp(-(((at[None] - centre[:, None]) / 1.6) ** 2))
            level = np.exp(-(((centre[:, None] - formants[None]) / 25) ** 2)).sum(1) + 0.05
            power[begin:end] += (shape * (level * swell / harmonic)[:, None] ** 2)[: end - begin].astype(np.float32)
        if random.random() < 0.4:
            hiss = slice(max(0, begin - 5), begin + 2)
            power[hiss, 200:] += (0.02 * random.exponential(1.0, power[hiss, 200:].shape)).astype(np.float32)
        pitch = float(np.clip(pitch + random.normal(0, 2.5), 40, 70))
        begin = end + int(random.integers(0, 25))
    return power * np.float32(10 ** random.uniform(-4.0, -1.0))


def _reverberant(power: Floats, random: np.random.Generator) -> Floats:
    """Powers with a tail behind each: it begins 10 to 35 ms late, so that an onset stays an onset."""
    decay_s, level = float(np.exp(random.uniform(np.log(0.15), np.log(1.2)))), 10 ** random.uniform(-2.6, -0.6)
    fall = 10 ** (-6 * HOP / 22_050 / decay_s)
    tail = lfilter([(1 - fall) * level], [1, -fall], power, axis=0)
    late = int(random.integers(1, 4))
    power[late:] += tail[:-late]
    return power


def _equaliser(random: np.random.Generator, strength_db: float, peaks_db: float) -> Floats:
    """Nepers f32[BINS]: a few slow waves and a tilt, and the narrow peaks and notches of a body and a place."""
    at = np.linspace(0, 1, BINS)
    curve = random.normal(0, strength_db * 0.8) * (at - 0.4)
    for cycles in (0.5, 1, 2, 3, 5):
        curve = curve + random.normal(0, strength_db / 2.5) * np.cos(2 * np.pi * (cycles * at + random.random()))
    if peaks_db:
        rough = np.convolve(random.normal(0, 1, BINS + 8), np.hanning(random.integers(3, 10)), "same")[4:-4]
        curve = curve + rough * (abs(random.normal(0, peaks_db)) / max(1e-6, float(rough.std())))
    return np.asarray(curve * np.log(10) / 20, np.float32)


def _noise(random: np.random.Generator, power: Floats) -> Floats:
    """Powers of noise of some colour, 12 to 60 dB below the loudest."""
    tilt = np.exp(random.uniform(-4.0, 2.0) * np.linspace(0, 1, BINS))
    loudest = float(power.max()) * 10 ** (random.uniform(-6.0, -1.6))
    return np.asarray(loudest * tilt / tilt.max() * random.exponential(1.0, power.shape), np.float32)
