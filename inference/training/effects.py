"""What lies between a guitar and the recording: tone, amplifier, room, microphone, level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from inference.training.amplifiers import Amplifier, Signal, amplify, draw_amplifier, rms
from music.audio import SAMPLE_RATE_HZ

PEAK_LIMIT = 0.98


@dataclass(frozen=True, slots=True)
class Room:
    """Reflections behind the direct sound: length until −60 dB in seconds, level against the direct sound in dB."""

    decay_s: float
    level_db: float
    seed: int


@dataclass(frozen=True, slots=True)
class Effects:
    """A chain with fixed settings; levels in dB.

    Attributes:
        tilt_db: from the lows to the highs, around 800 Hz.
        handling_db: squeaks, taps and rustling of hands on strings and wood, against the guitar's RMS; None for none.
        detune_cents: the guitar against 440 Hz; applied where it is played, not here.
        hiss_db, hum_db: of noise and of 50 or 60 Hz with its harmonics, against the music's RMS; None for none.
        low_pass_hz: of the recording; 0 for none.
        peak_db: of the recording, in dB full scale; above 0 it clips.
    """

    amplifier: Amplifier | None = None
    handling_db: float | None = None
    tilt_db: float = 0.0
    detune_cents: float = 0.0
    room: Room | None = None
    hiss_db: float | None = None
    hiss_colour: float = 0.0
    hum_db: float | None = None
    hum_hz: float = 50.0
    low_pass_hz: float = 0.0
    peak_db: float = -3.0


def draw_effects(random: np.random.Generator, *, amplified: float, driven: float) -> Effects:
    """Any recording, from a clean desk to a telephone in a hall.

    Args:
        random: everything is drawn from it.
        amplified: how likely the guitar goes through an amplifier.
        driven: how likely that one distorts.
    """
    amplifier = None
    if random.random() < amplified:
        amplifier = draw_amplifier(random, drive=bool(random.random() < driven))
    room = None
    if random.random() < 0.7:
        decay_s = float(np.exp(random.uniform(np.log(0.12), np.log(1.4))))
        room = Room(decay_s, float(random.uniform(-28, -8)), int(random.integers(2**31)))
    return Effects(
        amplifier=amplifier,
        handling_db=float(random.uniform(-50, -28)) if random.random() < 0.5 else None,
        tilt_db=float(random.normal(0, 3)),
        detune_cents=float(random.uniform(-15, 15)) if random.random() < 0.7 else 0.0,
        room=room,
        hiss_db=float(random.uniform(-65, -28)) if random.random() < 0.6 else None,
        hiss_colour=float(random.uniform(0, 0.95)),
        hum_db=float(random.uniform(-60, -30)) if random.random() < 0.25 else None,
        hum_hz=float(random.choice([50.0, 60.0])),
        low_pass_hz=float(random.uniform(3500, 9500)) if random.random() < 0.3 else 0.0,
        peak_db=float(random.uniform(-22, -0.3)) if random.random() < 0.95 else float(random.uniform(0.5, 4)),
    )


def colour_guitar(samples: Signal, effects: Effects, random: np.random.Generator) -> Signal:
    """The guitar's own part of the chain: hands, amplifier, tone, room. f32[n] to f32[n]."""
    if effects.handling_db is not None:
        samples = samples + handling(len(samples), random) * np.float32(10 ** (effects.handling_db / 20) * rms(samples))
    if effects.amplifier is not None:
        samples = amplify(samples, effects.amplifier)
    if effects.tilt_db:
        samples = _tilt(samples, effects.tilt_db)
    return samples if effects.room is None else _reverberate(samples, effects.room)


def record(samples: Signal, effects: Effects, random: np.random.Generator) -> Signal:
    """The whole music's part of the chain: noise, hum, low-pass, level. f32[n] to f32[n] within ±`PEAK_LIMIT`."""
    level = rms(samples) or 0.02
    out = samples.astype(np.float32)
    if effects.hiss_db is not None:
        white = random.standard_normal(len(out), np.float32)
        hiss = lfilter([1 - effects.hiss_colour], [1, -effects.hiss_colour], white)
        out = out + (hiss * (level * 10 ** (effects.hiss_db / 20) / (rms(hiss) or 1.0))).astype(np.float32)
    if effects.hum_db is not None:
        time_s = np.arange(len(out)) / SAMPLE_RATE_HZ
        hum = sum(np.sin(2 * np.pi * effects.hum_hz * k * time_s + k) / k for k in (1, 2, 3, 5))
        out = out + np.asarray(hum * (level * 10 ** (effects.hum_db / 20)), np.float32)
    if effects.low_pass_hz:
        out = sosfilt(butter(2, effects.low_pass_hz, fs=SAMPLE_RATE_HZ, output="sos"), out)
    peak = float(np.abs(out).max())
    gain = 10 ** (effects.peak_db / 20) / peak if peak > 1e-7 else 1.0
    return np.asarray(np.clip(out * gain, -PEAK_LIMIT, PEAK_LIMIT), np.float32)


def handling(length: int, random: np.random.Generator) -> Signal:
    """Noises of hands, one or two a second: f32[length] of RMS 1, mostly silence."""
    out = np.zeros(length, np.float32)
    for _ in range(max(1, round(length / SAMPLE_RATE_HZ * float(random.uniform(0.3, 2))))):
        size = round(float(random.uniform(0.02, 0.18)) * SAMPLE_RATE_HZ)
        at = int(random.integers(0, max(1, length - size)))
        low_hz = float(np.exp(random.uniform(np.log(80), np.log(3000))))
        band = butter(1, (low_hz, low_hz * float(random.uniform(1.5, 3))), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
        burst = sosfilt(band, random.standard_normal(size)) * np.hanning(size) * float(random.uniform(0.3, 1))
        out[at : at + size] += (burst / (rms(burst) + 1e-9)).astype(np.float32)[: length - at]
    return out / np.float32(rms(out) + 1e-9)


def _tilt(samples: Signal, tilt_db: float) -> Signal:
    """First-order low and high parts around 800 Hz, one up and one down."""
    pole = float(np.exp(-2 * np.pi * 800 / SAMPLE_RATE_HZ))
    low = lfilter([1 - pole], [1, -pole], samples)
    half = 10 ** (tilt_db / 40)
    return np.asarray(low / half + (samples - low) * half, np.float32)


def _reverberate(samples: Signal, room: Room) -> Signal:
    """Six early reflections and a tail of noise, none before 4 ms: an onset stays where it is."""
    random = np.random.default_rng(room.seed)
    length = round(room.decay_s * SAMPLE_RATE_HZ)
    time_s = np.arange(length) / SAMPLE_RATE_HZ
    tail = random.standard_normal(length) * np.exp(-6.9 * time_s / room.decay_s)
    tail = lfilter([0.5], [1, -0.5], tail)  # air and walls swallow the highs first
    first = round(0.012 * SAMPLE_RATE_HZ)
    tail[:first] = 0
    early = (random.uniform(0.004, 0.035, 6) * SAMPLE_RATE_HZ).astype(int)
    tail /= np.sqrt(np.sum(tail**2)) + 1e-12
    for at in early[early < length]:
        tail[at] += float(random.uniform(-0.5, 0.5))
    tail *= 10 ** (room.level_db / 20) / (np.sqrt(np.sum(tail**2)) + 1e-12)
    wet = fftconvolve(samples, tail.astype(np.float32))[: len(samples)]
    return np.asarray(samples + wet, np.float32)
