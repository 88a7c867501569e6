"""Plays a piece on the sampled guitar. Its own schedule is the truth: what is written is what sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from genesis.demo.piece import Piece, TabNote
from inference.training.sample_bank import PRE_ROLL, SAMPLE_RATE_HZ, Recording
from music.audio import SAMPLE_RATE_HZ as CLOCK_HZ

PEAK_DBFS = -3.0
_SEED = 1830
_JITTER_S = 0.006
_RELEASE_S = 0.025
_TAIL_S = 1.2
_ROOM_S = 0.35
_ROOM_LEVEL_DB = -21.0
_MELODY_STRING = 1
_SAMPLES_PER_TICK = SAMPLE_RATE_HZ // CLOCK_HZ


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note as it was played; onset and offset are sample indices of the session's clock, velocity is 0..1."""

    note: TabNote
    onset: int
    offset: int
    velocity: float


def perform(piece: Piece) -> list[PlayedNote]:
    """The piece with a player's small irregularities in time and loudness, the same ones every time; by onset."""
    random = np.random.default_rng(_SEED)
    played = []
    for note in piece.notes:
        onset_s = piece.time_s(note.beat) + float(random.uniform(-_JITTER_S, _JITTER_S))
        played.append((note, round(onset_s * CLOCK_HZ), _velocity(piece, note, float(random.uniform(-0.05, 0.05)))))
    next_on_string: dict[int, int] = {}
    notes = []
    for note, onset, velocity in reversed(played):
        rings_until = round(piece.time_s(note.beat + note.length) * CLOCK_HZ)
        offset = min(rings_until, next_on_string.get(note.position.string, rings_until))
        next_on_string[note.position.string] = onset
        notes.append(PlayedNote(note, onset, offset, velocity))
    return sorted(notes, key=lambda item: (item.onset, item.note.pitch))


def render(notes: Sequence[PlayedNote], bank: Sequence[Recording]) -> NDArray[np.float32]:
    """The performance as it sounds: mono float32 at 44 100 Hz, peak −3 dBFS."""
    length = max(note.offset for note in notes) * _SAMPLES_PER_TICK + round(_TAIL_S * SAMPLE_RATE_HZ)
    dry = np.zeros(length, np.float32)
    plucks: dict[int, tuple[NDArray[np.float32], int]] = {}
    for note in notes:
        pitch = note.note.pitch
        if pitch not in plucks:
            plucks[pitch] = _shift(bank, pitch)
        pluck, attack = plucks[pitch]
        voice = _shape(pluck, attack, (note.offset - note.onset) * _SAMPLES_PER_TICK, note.velocity)
        start = note.onset * _SAMPLES_PER_TICK - attack
        dry[start : start + len(voice)] += voice[: length - start]
    wet = dry + _room(dry)
    return np.asarray(wet * (10 ** (PEAK_DBFS / 20) / np.abs(wet).max()), np.float32)


def _velocity(piece: Piece, note: TabNote, jitter: float) -> float:
    """Melody above bass above the inner voices; a bar's first beat a little louder."""
    level = 0.8 if note.position.string == _MELODY_STRING else 0.42
    if note.pitch < min(piece.instrument.tuning[:3]) and note.beat.denominator == 1:
        level = 0.7
    if note.beat % piece.beats_per_bar == 0:
        level += 0.08
    return round(level + jitter, 3)


def _shift(bank: Sequence[Recording], pitch: int) -> tuple[NDArray[np.float32], int]:
    """The nearest recording played faster or slower until it has `pitch`, and where its attack then lies."""
    nearest = min(bank, key=lambda recording: abs(recording.pitch - pitch))
    ratio = 2 ** ((pitch - nearest.pitch) / 12)
    if ratio == 1:
        return nearest.samples, PRE_ROLL
    shifted = soxr.resample(nearest.samples, SAMPLE_RATE_HZ * ratio, SAMPLE_RATE_HZ, quality="VHQ")
    return np.asarray(shifted, np.float32), round(PRE_ROLL / ratio)


def _shape(pluck: NDArray[np.float32], attack: int, sounding: int, velocity: float) -> NDArray[np.float32]:
    """Loudness by velocity (a range of 20 dB), and the finger that damps the string when the note is over."""
    release = round(_RELEASE_S * SAMPLE_RATE_HZ)
    voice = pluck[: attack + sounding + release].copy()
    voice *= 10 ** (20 * (velocity - 1) / 20)
    damped = voice[attack + sounding :]
    damped *= np.linspace(1, 0, release, dtype=np.float32)[: len(damped)] ** 2
    return voice


def _room(dry: NDArray[np.float32]) -> NDArray[np.float32]:
    """A small room's reflections (none before 8 ms, so that onsets stay sharp), at most as long as `dry`."""
    random = np.random.default_rng(_SEED + 1)
    tail = round(_ROOM_S * SAMPLE_RATE_HZ)
    first = round(0.008 * SAMPLE_RATE_HZ)
    response = random.standard_normal(tail) * np.exp(-6.9 * np.arange(tail) / tail)
    response[:first] = 0
    response *= 10 ** (_ROOM_LEVEL_DB / 20) / np.sqrt(np.sum(response**2))
    size = 1 << (len(dry) + tail - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(response, size), size)[: len(dry)]
    return np.asarray(wet, np.float32)
