"""From written strokes to played notes: a human clock, strings that sound one note at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inference.training.score import DEAD, HAMMER_ON, PLUCK, PULL_OFF, GuitarNote
from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument, Position

_CLOSEST_S = 0.045
"""A string plucked twice within this is one pluck: no hand is faster, and no label could tell them apart."""
_SHORTEST_S = 0.035
_DEAD_S = 0.06
_BENT_S = 0.18
"""Shorter notes are over before a finger could move."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note as written: `beat` and `length` in beats; `late_s` is its place within a strum."""

    beat: float
    position: Position
    length: float
    velocity: float
    technique: str = PLUCK
    late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """When beats sound, in seconds: a tempo that drifts."""

    beat_s: tuple[float, ...]

    def at(self, beat: float) -> float:
        return float(np.interp(beat, np.arange(len(self.beat_s)), self.beat_s))


def draw_clock(random: np.random.Generator, tempo_bpm: float, beats: int, start_s: float) -> Clock:
    """Beats whose length wanders by a few per cent, as a player without a click does; one in three keeps time."""
    drift = 0.0 if random.random() < 0.35 else float(random.uniform(0.002, 0.015))
    wander = np.clip(np.cumsum(random.normal(0, drift, beats)), -0.08, 0.08)
    lengths = 60 / tempo_bpm * (1 + wander)
    return Clock(tuple(float(t) for t in start_s + np.concatenate([[0.0], np.cumsum(lengths)])))


def play(
    random: np.random.Generator, strokes: Iterable[Stroke], clock: Clock, instrument: Instrument, duration: int
) -> tuple[GuitarNote, ...]:
    """Notes of strokes: what begins together is late or early together, and a string stops when it is plucked again.

    Args:
        random: decides the unevenness of time and loudness.
        strokes: any order; those past the duration are left out.
        clock: tells when beats sound.
        instrument: tells pitches.
        duration: samples at 22 050 Hz.

    Returns:
        Notes by onset; no string sounds two at a time, every offset is past its onset and not past `duration`.
    """
    touch = _draw_touch(random)
    shared: dict[float, float] = {}
    by_string: dict[int, list[tuple[int, int, Stroke]]] = {}
    for stroke in sorted(strokes, key=lambda s: (s.beat, s.late_s, s.position)):
        together = shared.setdefault(stroke.beat, float(random.normal(0, touch.looseness_s)))
        own = float(random.normal(0, touch.looseness_s / 5))
        onset_s = max(0.01, clock.at(stroke.beat) + together + own + stroke.late_s)
        end_s = max(onset_s + _SHORTEST_S, clock.at(stroke.beat + stroke.length) + together)
        onset, end = round(onset_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
        if end <= duration:
            by_string.setdefault(stroke.position.string, []).append((onset, end, stroke))
    notes: list[GuitarNote] = []
    for plucked in by_string.values():
        notes += _one_at_a_time(sorted(plucked, key=lambda item: item[0]), instrument, random, touch)
    return tuple(sorted(notes))


def _one_at_a_time(
    plucked: list[tuple[int, int, Stroke]], instrument: Instrument, random: np.random.Generator, touch: _Touch
) -> list[GuitarNote]:
    closest = round(_CLOSEST_S * SAMPLE_RATE_HZ)
    kept: list[tuple[int, int, Stroke]] = []
    for item in plucked:
        if not kept or item[0] - kept[-1][0] >= closest:
            kept.append(item)
    notes: list[GuitarNote] = []
    for index, (onset, end, stroke) in enumerate(kept):
        if index + 1 < len(kept):
            next_onset, _, then = kept[index + 1]
            joined = then.technique in (HAMMER_ON, PULL_OFF) and next_onset - end < closest
            end = next_onset if joined else min(end, next_onset)
        technique = stroke.technique
        if technique in (HAMMER_ON, PULL_OFF):
            technique = _legato(notes[-1] if notes else None, onset, stroke.position.fret)
        level = stroke.velocity + random.normal(0, touch.loudness) - (0.3 if random.random() < touch.ghosts else 0.0)
        velocity = float(np.clip(level, 0.08, 1.0))
        if technique == PLUCK and random.random() < touch.dead:
            technique, end = DEAD, min(end, onset + round(_DEAD_S * SAMPLE_RATE_HZ))
        stopped = stroke.position.fret > 0 and technique != DEAD  # only what a finger stops can be bent
        bends = _draw_bends(random, end - onset, touch) if stopped else ()
        place = stroke.position
        notes.append(
            GuitarNote(
                onset, instrument.pitch_at(place), end, place.string, place.fret, round(velocity, 4), technique, bends
            )
        )
    return notes


@dataclass(frozen=True, slots=True)
class _Touch:
    """Habits of a player. `loudness`: spread of velocity; the others are shares of the notes."""

    looseness_s: float
    loudness: float
    ghosts: float
    dead: float
    vibrato: float
    slides: float


def _draw_touch(random: np.random.Generator) -> _Touch:
    return _Touch(
        looseness_s=float(random.uniform(0.002, 0.014)),
        loudness=float(random.uniform(0.03, 0.2)),
        ghosts=float(random.choice([0.0, random.uniform(0, 0.2)])),
        dead=float(random.choice([0.0, 0.0, random.uniform(0, 0.1)])),
        vibrato=float(random.choice([0.0, random.uniform(0, 0.5)])),
        slides=float(random.choice([0.0, random.uniform(0, 0.15)])),
    )


def _draw_bends(random: np.random.Generator, length: int, touch: _Touch) -> tuple[tuple[int, float], ...]:
    """A slide into the note, or a vibrato that sets in after it has begun, or nothing."""
    if length < _BENT_S * SAMPLE_RATE_HZ:
        return ()
    if random.random() < touch.slides:
        glide = round(float(random.uniform(0.03, 0.09)) * SAMPLE_RATE_HZ)
        return ((0, float(random.choice([-2.0, -1.0, -1.0, -0.5, 1.0]))), (glide, 0.0))
    if random.random() < touch.vibrato:
        depth, rate_hz = float(random.uniform(0.05, 0.4)), float(random.uniform(4, 7))
        quarter = SAMPLE_RATE_HZ / rate_hz / 4
        start = 0.12 * SAMPLE_RATE_HZ
        turns = range(int((length - start) / quarter))
        # A finger pulls a string sharp and lets it back; it does not go flat.
        return tuple((round(start + turn * quarter), round(depth * (0, 0.7, 1, 0.7)[turn % 4], 4)) for turn in turns)
    return ()


def _legato(before: GuitarNote | None, onset: int, fret: int) -> str:
    """What the fretting hand can do on a string that still rings; otherwise it has to be plucked."""
    if before is None or before.offset < onset or before.fret == fret:
        return PLUCK
    return HAMMER_ON if fret > before.fret else PULL_OFF
