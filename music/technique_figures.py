"""What the judges of techniques see: the course of a note's pitch, and how it gives way to the next on its string."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from music.audio import seconds
from music.note import Note

Floats = NDArray[np.float64]

CURVE_FIGURES = (
    *("length_s", "first", "second", "settled", "highest", "highest_at", "held", "lowest", "last", "spread"),
    *("wave", "wave_share", "wave_hz", "turns", "unknown", "late", "late_sooner", "slope", "top"),
)
BEND_FIGURES = (*CURVE_FIGURES, "gap_s", "next")
"""A bent string leaves its pitch and is then heard as another note or not at all: so it counts what follows."""
JOINT_FIGURES = (
    *("gap_s", "semitones", "struck", "before", "sure", "company", "length_s", "late", "late_sooner", "slope"),
    *("arrives", "arrives_at"),
)
_ATTACK_S = 0.1
_WAVE_HZ = np.arange(3.5, 8.01, 0.5)
_LEAST_TURN = 0.03
_END_FRAMES = 8
_MOST_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Sounded:
    """A settled note and semitones from its pitch to what sounds, a value a frame after its onset (NaN: not known)."""

    note: Note
    curve: Sequence[float]


def curve_figures(curve: Sequence[float], hop_s: float) -> Floats:
    """What the judges of bends and vibrato see of one note alone: f64[len(CURVE_FIGURES)].

    Args:
        curve: semitones a frame, from the onset to the end of the note.
        hop_s: seconds a frame.
    """
    known = np.array(curve, np.float64)
    is_unknown = np.isnan(known)
    unknown = int(is_unknown.sum())
    if len(known) - unknown < 4:
        return np.array([len(known) * hop_s, *[0.0] * 13, 1.0, *[0.0] * 4])
    course = _filled(known, is_unknown) if unknown else known
    smooth = np.convolve(course, np.ones(5) / 5, "valid") if len(course) >= 5 else course
    settled = _median((course[6:12] if len(course) > 6 else course).tolist())
    highest_at = int(smooth.argmax())
    high = float(smooth[highest_at]) - settled
    rest = course[8:]
    return np.array(
        [
            len(course) * hop_s,
            _mean(course[:3].tolist()),
            _mean(course[3:6].tolist()) if len(course) > 3 else settled,
            settled,
            high,
            highest_at * hop_s,
            int((smooth > settled + 0.6 * high).sum()) * hop_s,
            float((smooth[4:] if len(smooth) > 4 else smooth).min()) - settled,
            _mean(course[-5:].tolist()) - settled,
            float(rest.std()) if len(rest) else 0.0,
            *_wave(course, hop_s),
            _turns(_extremes(smooth)) / (len(course) * hop_s),
            unknown / len(known),
            *_ending(course.tolist()),
            float(smooth[highest_at]),
        ]
    )


def bend_figures(figures: Floats, gap_s: float, semitones: int) -> Floats:
    """What the judge of bends sees: f64[len(BEND_FIGURES)].

    Args:
        figures: `curve_figures` of the note.
        gap_s: from its end to the next note on its string, where one follows at once; otherwise the longest there is.
        semitones: from its pitch to that note's; 0 where none follows.
    """
    return np.append(figures, (gap_s, semitones))


def joint_figures(before: Sounded, after: Sounded, others: Sequence[Note]) -> Floats:
    """What the judge of slides sees of two notes on one string: f64[len(JOINT_FIGURES)].

    Args:
        before: the first, which has ended.
        after: the one it gives way to.
        others: settled notes that begin with the second.
    """
    end = before.note.onset if before.note.offset is None else before.note.offset
    semitones = after.note.pitch - before.note.pitch
    way = 1 if semitones > 0 else -1
    known = np.array(before.curve, np.float64)
    is_unknown = np.isnan(known)
    is_heard = len(known) - int(is_unknown.sum()) >= 3
    late, late_sooner, slope = _ending(_filled(known, is_unknown).tolist()) if is_heard else (0.0, 0.0, 0.0)
    return np.array(
        [
            seconds(after.note.onset - end),
            abs(semitones),
            after.note.velocity,
            before.note.velocity,
            after.note.confidence,
            sum(other.id != after.note.id for other in others),
            seconds(end - before.note.onset),
            way * late,
            way * late_sooner,
            way * slope,
            way * _mean(list(after.curve[:3])),
            way * _mean(list(after.curve[3:6])),
        ]
    )


def _filled(known: Floats, is_unknown: NDArray[np.bool_]) -> Floats:
    """The course with what is not known drawn straight."""
    heard = np.flatnonzero(~is_unknown)
    return np.interp(np.arange(len(known)), heard, known[heard])


def _ending(course: list[float]) -> tuple[float, float, float]:
    """How far the last three frames, and the three before, lie above where the note was soon after its onset; and how
    steeply it ends, semitones a frame.
    """
    soon = _median(course[1 : max(2, min(len(course) // 3, 12)) + 1])
    end = course[-_END_FRAMES:]
    centre = (len(end) - 1) / 2
    slope = sum((at - centre) * value for at, value in enumerate(end))
    slope /= sum((at - centre) ** 2 for at in range(len(end)))
    return _mean(course[-3:]) - soon, (_mean(course[-6:-3]) - soon if len(course) > 3 else 0.0), slope


def _wave(course: Floats, hop_s: float) -> tuple[float, float, float]:
    """Amplitude (semitones), share of the energy, and frequency of the strongest wave a finger could make."""
    late = course[round(_ATTACK_S / hop_s) :]
    if len(late) * hop_s < 0.25:
        return 0.0, 0.0, 0.0
    bending, fading, phases = _waves(len(late), hop_s) if len(late) <= _MOST_AT_ONCE else _made_waves(len(late), hop_s)
    late = (late - bending @ (bending.T @ late)) * fading
    strength = np.abs(phases @ late)
    best = int(strength.argmax())
    energy = float(late @ late) + 1e-9
    return float(4 * strength[best] / len(late)), float(strength[best] ** 2 / energy / len(late)), float(_WAVE_HZ[best])


def _made_waves(count: int, hop_s: float) -> tuple[Floats, Floats, NDArray[np.complex128]]:
    """For so many frames: parabolas to take off (f64[count, 3], orthonormal), a window, and waves of `_WAVE_HZ`."""
    at = np.arange(count)
    bending = np.linalg.qr(np.vander(at / count, 3))[0]
    return bending, np.hanning(count + 2)[1:-1], np.exp(-2j * np.pi * _WAVE_HZ[:, None] * at * hop_s)


_waves = lru_cache(maxsize=256)(_made_waves)


def _extremes(smooth: Floats) -> list[float]:
    """The values at which the course turns at all, with the first and the last."""
    rises = np.diff(smooth)
    turning = np.flatnonzero(rises[1:] * rises[:-1] <= 0) + 1
    return [float(smooth[0]), *smooth[turning].tolist(), float(smooth[-1])]


def _turns(smooth: list[float]) -> int:
    """How often the course turns by more than what a steady string seems to."""
    turns, way, extreme = 0, 0, smooth[0]
    for value in smooth[1:]:
        if way >= 0 and value < extreme - _LEAST_TURN:
            turns, way, extreme = turns + 1, -1, value
        elif way <= 0 and value > extreme + _LEAST_TURN:
            turns, way, extreme = turns + 1, 1, value
        elif way > 0:
            extreme = max(extreme, value)
        elif way < 0:
            extreme = min(extreme, value)
    return turns


def _median(values: list[float]) -> float:
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0
