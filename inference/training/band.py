"""The others: drums, a bass and a pad that follow the piece's beats and chords. Their notes are nobody's labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.signal import fftconvolve, lfilter

from inference.training.amplifiers import Signal
from inference.training.sample_bank import SAMPLE_RATE_HZ as RECORDED_HZ
from inference.training.sample_bank import Recording
from inference.training.score import GuitarNote, Performance
from inference.training.voices import Guitar, add
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument

Groove = Mapping[int, str]
"""A key's strokes over a bar of sixteenths."""
KICK, SNARE, HAT, OPEN_HAT, CRASH, TOM = 36, 38, 42, 46, 49, 45
STICK, HIGH_TOM, FLOOR_TOM, RIDE = 37, 48, 41, 51
# One letter a sixteenth of a bar of four: kick, snare, hi-hat; capitals are loud.
GROOVES: tuple[Groove, ...] = (
    {KICK: "K-------K-k-----", SNARE: "----S-------S---", HAT: "h-h-h-h-h-h-h-h-"},
    {KICK: "K--k--k---K-----", SNARE: "----S--s----S--s", HAT: "hhhhhhhhhhhhhhhh"},
    {KICK: "K---K---K---K---", SNARE: "----S-------S---", OPEN_HAT: "--h---h---h---h-"},
    {KICK: "K-----k-K-----k-", SNARE: "--------S-------", HAT: "h---h---h---h---"},
    {KICK: "K-k-K-k-K-k-K-k-", SNARE: "----S-------S-S-", CRASH: "h---------------"},
    {HAT: "h---h-h-h---h-h-", SNARE: "----s-------s---"},
    {KICK: "K-------K-------", TOM: "------k-------kk", HAT: "h-h-h-h-h-h-h-h-"},
)
RECORD_GROOVES: tuple[Groove, ...] = (
    {KICK: "K-----k---K-----", SNARE: "-s--S--s-s--S--s", RIDE: "H-h-H-h-H-h-H-h-", CRASH: "H---------------"},
    {KICK: "K--k------K--k--", STICK: "----S-------S---", HAT: "H-hhH-hhH-hhH-hh"},
    {KICK: "K---K---K---K---", SNARE: "----S-------S-ss", OPEN_HAT: "H-H-H-H-H-H-H-H-"},
    {KICK: "K-k-----K-k-----", SNARE: "----S-------S---", TOM: "----------k-k---", HIGH_TOM: "--------k-------"},
    {FLOOR_TOM: "K-k-K-k-K-k-K-kk", SNARE: "----S-------S---", CRASH: "H-------H-------"},
    {KICK: "K-------k-------", RIDE: "H---H-h-H---H-h-", SNARE: "------s-----s-s-"},
    {KICK: "KkKkKkKkKkKkKkKk", SNARE: "--------S-------", CRASH: "H---H---H---H---"},
)
"""Busier ones, with ghost strokes, rides, crashes and toms, as records have them."""
Kit = Mapping[int, Signal]


def synthesise_kit(seed: int) -> dict[int, Signal]:
    """A drum kit of falling sines and filtered noise: f32 one-shots at 22 050 Hz, peak 1, by General MIDI key."""
    random = np.random.default_rng([seed, 0xD2])
    kit: dict[int, Signal] = {
        KICK: _fall(random, (40, 65), (90, 220), 0.25),
        TOM: _fall(random, (80, 140), (40, 90), 0.3),
    }
    body = _fall(random, (160, 230), (20, 60), 0.12)
    snare = _hiss(random, float(random.uniform(0.08, 0.25)), 0.3)
    snare[: len(body)] += body[: len(snare)] * float(random.uniform(0.3, 1.0))
    kit[SNARE] = snare
    kit[HAT] = _hiss(random, float(random.uniform(0.02, 0.07)), -0.8)
    kit[OPEN_HAT] = _hiss(random, float(random.uniform(0.15, 0.5)), -0.8)
    kit[CRASH] = _hiss(random, float(random.uniform(0.6, 1.6)), -0.6)
    return {key: (sound / np.abs(sound).max()).astype(np.float32) for key, sound in kit.items()}


def recorded_kit(recordings: Sequence[Recording]) -> dict[int, Signal]:
    """A kit of recordings, in the same form."""
    step = RECORDED_HZ // SAMPLE_RATE_HZ
    kit = {}
    for recording in recordings:
        halved = lfilter([0.25, 0.5, 0.25], [1], recording.samples)[::step]
        kit[recording.pitch] = (halved / (np.abs(halved).max() + 1e-9)).astype(np.float32)
    return kit


def play_drums(
    performance: Performance, kit: Kit, random: np.random.Generator, grooves: Sequence[Groove] = GROOVES
) -> Signal:
    """A groove in the piece's time, with fills left out now and then: f32[duration], any level."""
    samples = np.zeros(performance.duration, np.float32)
    groove = grooves[int(random.integers(len(grooves)))]
    levels = {key: float(random.uniform(0.4, 1.0)) for key in groove}
    late = random.normal(0, 0.004, 4096)
    beats = np.asarray(performance.beats)
    sixteenths = np.interp(np.arange(len(beats) * 4 - 3) / 4, np.arange(len(beats)), beats)
    for index, at in enumerate(sixteenths):
        step = index % (performance.beats_per_bar * 4) % 16
        for key, pattern in groove.items():
            if pattern[step] == "-" or key not in kit or random.random() < 0.03:
                continue
            loud = 1.0 if pattern[step].isupper() else 0.55
            onset = max(0, round(at + late[index % len(late)] * SAMPLE_RATE_HZ))
            add(samples, kit[key] * np.float32(levels[key] * loud * random.uniform(0.7, 1.0)), onset)
    return samples


def play_bass(performance: Performance, guitar: Guitar, random: np.random.Generator) -> Signal:
    """Roots, octaves and fifths of the chords on a bass guitar."""
    bass = Instrument(TUNINGS["bass"])
    step = float(random.choice([0.5, 1.0, 1.0, 2.0]))
    notes = []
    beats = np.asarray(performance.beats)
    for beat in np.arange(0, len(beats) - 1, step):
        if random.random() < 0.15:
            continue
        chord = performance.chords[min(int(beat) // performance.beats_per_bar, len(performance.chords) - 1)]
        pitch = 28 + (chord.root - 28) % 12 + int(random.choice([0, 0, 0, 0, 7, 12]))
        onset, end = np.interp([beat, min(beat + step * 0.9, len(beats) - 1)], np.arange(len(beats)), beats)
        place = bass.positions_of(pitch)[-1]
        velocity = float(random.uniform(0.6, 0.9))
        notes.append(
            GuitarNote(round(onset), pitch, max(round(end), round(onset) + 500), place.string, place.fret, velocity)
        )
    return guitar.play(notes, bass, performance.duration, random).samples


def play_pad(performance: Performance, random: np.random.Generator) -> Signal:
    """Held chords with slow attacks, from organ-like to string-like."""
    samples = np.zeros(performance.duration, np.float32)
    bar_starts = performance.beats[:: performance.beats_per_bar]
    brightness = float(random.uniform(0.3, 1.1))
    partials = np.arange(1, int(random.integers(3, 12)))
    for chord, start, end in zip(performance.chords, bar_starts, bar_starts[1:], strict=False):
        if start >= performance.duration:
            break
        time_s = np.arange(end - start) / SAMPLE_RATE_HZ
        swell = np.minimum(1, time_s / 0.15) * np.minimum(1, time_s[::-1] / 0.1)
        for pitch_class in chord.pitch_classes:
            hz = 440 * 2 ** ((48 + pitch_class + 12 * int(random.integers(0, 2)) - 69) / 12)
            tone = sum(np.sin(2 * np.pi * hz * k * time_s + k) / k ** (1 / brightness) for k in partials)
            add(samples, (tone * swell).astype(np.float32), start)
    return samples


def produced(mixed: Signal, random: np.random.Generator) -> Signal:
    """A band as records have it: in a room, its peaks pressed into what rings between them. f32[n], any level."""
    length = round(float(random.uniform(0.1, 0.9)) * SAMPLE_RATE_HZ)
    tail = random.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= float(random.uniform(0.05, 0.5)) / np.sqrt(np.sum(tail**2))
    roomy = mixed + fftconvolve(mixed, tail.astype(np.float32))[: len(mixed)]
    pole = float(np.exp(-1 / (float(random.uniform(0.005, 0.08)) * SAMPLE_RATE_HZ)))
    level = lfilter([1 - pole], [1, -pole], np.abs(roomy)) + 1e-3
    pressed = roomy * level ** -float(random.uniform(0.1, 0.7))
    pressed /= np.sqrt(np.mean(pressed**2)) + 1e-9
    drive = float(np.exp(random.uniform(np.log(0.05), np.log(1.5))))
    return np.asarray(np.tanh(pressed * drive) / drive, np.float32)


def _fall(
    random: np.random.Generator, end_hz: tuple[float, float], sweep_hz: tuple[float, float], ring_s: float
) -> Signal:
    time_s = np.arange(round(0.6 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sweep = float(random.uniform(*sweep_hz)) * np.exp(-time_s / float(random.uniform(0.01, 0.04)))
    hz = float(random.uniform(*end_hz)) + sweep
    decay = np.exp(-time_s / (ring_s * float(random.uniform(0.5, 1.2))))
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ) * decay, np.float32)


def _hiss(random: np.random.Generator, ring_s: float, pole: float) -> Signal:
    """Noise that dies away; a negative pole leaves the highs."""
    length = round(min(2.0, ring_s * 6) * SAMPLE_RATE_HZ)
    noise = lfilter([1], [1, -pole], random.standard_normal(length))
    return np.asarray(noise * np.exp(-np.arange(length) / (ring_s * SAMPLE_RATE_HZ)), np.float32)
