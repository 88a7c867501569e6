"""Where strokes are written: a grid for every beat, chosen by what was played in it, and how long notes are held."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar
from music.beats_onsets import TOGETHER
from music.note import Note

_GRIDS: tuple[tuple[int, float], ...] = ((1, 0.0), (2, 1.0), (4, 2.6), (3, 3.2), (6, 6.5), (8, 7.5))
"""Divisions of a beat and what choosing one costs, in log units: simpler ones are likelier."""
_SPREAD_S = 0.022
_COLLIDE = 4.0
_SHORTEST_REST = Fraction(1, 2)
_LOW_PITCH = 55


@dataclass(frozen=True, slots=True)
class Stroke:
    """Notes that are written together.

    Attributes:
        start, end: whole notes from the first bar's start.
        notes: ids, low to high.
        lowest: MIDI pitch of the first.
        sounds_until: where the longest of them is heard to end, whole notes, unquantised.
        lowest_until: the same of the lowest alone.
    """

    start: Fraction
    end: Fraction
    notes: tuple[str, ...]
    lowest: int
    sounds_until: float
    lowest_until: float


@dataclass(frozen=True, slots=True)
class _Beat:
    """A beat: its edges in samples, where it is written, and its length in whole notes."""

    begin: int
    end: int
    at: Fraction
    length: Fraction


def place_strokes(notes: Iterable[Note], bars: Sequence[Bar]) -> tuple[list[Stroke], list[str]]:
    """Written places of all notes within bars, and the ids of those outside."""
    beats = _beats(bars)
    groups = _groups(notes)
    begins = np.asarray([beat.begin for beat in beats])
    inside: dict[int, list[tuple[float, list[Note]]]] = {}
    left_out: list[str] = []
    for group in groups:
        at = int(np.searchsorted(begins, group[0].onset, side="right")) - 1
        early = at < 0 and begins[0] - group[0].onset <= (beats[0].end - beats[0].begin) / 4
        if (at < 0 and not early) or group[0].onset >= beats[-1].end:
            left_out += [note.id for note in group]
            continue
        beat = beats[max(at, 0)]
        phase = max(0.0, (group[0].onset - beat.begin) / (beat.end - beat.begin))
        inside.setdefault(max(at, 0), []).append((phase, group))
    placed: dict[Fraction, list[Note]] = {}
    for at, played in inside.items():
        beat = beats[at]
        grid = choose_grid([phase for phase, _ in played], (beat.end - beat.begin) / SAMPLE_RATE_HZ)
        for phase, group in played:
            start = beat.at + beat.length * Fraction(round(phase * grid), grid)
            last = beats[-1]
            start = start if start < last.at + last.length else last.at + last.length * Fraction(grid - 1, grid)
            placed.setdefault(start, []).extend(group)
    return _held(placed, beats), left_out


def choose_grid(phases: Sequence[float], length_s: float) -> int:
    """Into how many parts a beat is divided, by the places (0..1) of the strokes in it."""
    spread = _SPREAD_S / max(length_s, 0.05)
    costs = []
    for grid, price in _GRIDS:
        steps = [round(phase * grid) for phase in phases]
        off = sum(0.5 * ((phase - step / grid) / spread) ** 2 for phase, step in zip(phases, steps, strict=True))
        costs.append(off + price + _COLLIDE * (len(steps) - len(set(steps))))
    return _GRIDS[int(np.argmin(costs))][0]


def split_voices(strokes: Sequence[Stroke], bars: Sequence[Bar]) -> tuple[list[Stroke], list[Stroke]]:
    """Melody and bass: a low note that rings on under later strokes is the bass's own, bar by bar."""
    edges = [Fraction(0)]
    for bar in bars:
        edges.append(edges[-1] + bar.length)
    upper: list[Stroke] = []
    lower: list[Stroke] = []
    for begin, end in itertools.pairwise(edges):
        within = [stroke for stroke in strokes if begin <= stroke.start < end]
        bass = [stroke for stroke in within if _is_bass(stroke, within)]
        if not bass or len(bass) == len(within) or max(len(stroke.notes) for stroke in within) > 3:
            upper += within
            continue
        for stroke in within:
            if stroke not in bass:
                upper.append(stroke)
                continue
            lower.append(replace(stroke, notes=stroke.notes[:1], sounds_until=stroke.lowest_until))
            if len(stroke.notes) > 1:
                upper.append(replace(stroke, notes=stroke.notes[1:]))
    return _until_next(upper), _until_next(lower)


def _is_bass(stroke: Stroke, within: Sequence[Stroke]) -> bool:
    later = [other for other in within if stroke.start < other.start and other.lowest > stroke.lowest]
    rings = bool(later) and stroke.lowest_until > float(later[0].start) + 0.02
    return stroke.lowest < _LOW_PITCH and rings


def _beats(bars: Sequence[Bar]) -> list[_Beat]:
    found, at = [], Fraction(0)
    for bar in bars:
        edges = (*bar.beats, bar.end)
        for begin, end in itertools.pairwise(edges):
            found.append(_Beat(begin, end, at, bar.signature.beat))
            at += bar.signature.beat
    return found


def _groups(notes: Iterable[Note]) -> list[list[Note]]:
    groups: list[list[Note]] = []
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch, n.id)):
        if groups and note.onset - groups[-1][0].onset <= TOGETHER:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _held(placed: dict[Fraction, list[Note]], beats: Sequence[_Beat]) -> list[Stroke]:
    """Strokes with their lengths: until the next one, or until they stop if that is clearly earlier."""
    edges = np.asarray([*(beat.begin for beat in beats), beats[-1].end], np.float64)
    wholes = np.asarray([*(float(beat.at) for beat in beats), float(beats[-1].at + beats[-1].length)])

    def heard_until(note: Note, start: Fraction) -> float:
        return float(start) if note.offset is None else float(np.interp(note.offset, edges, wholes))

    end = beats[-1].at + beats[-1].length
    strokes = []
    for start in sorted(placed):
        group = sorted(placed[start], key=lambda n: (n.pitch, n.id))
        ends = [heard_until(note, start) if note.offset is not None else float(end) for note in group]
        ids = tuple(note.id for note in group)
        strokes.append(Stroke(start, end, ids, group[0].pitch, max(ends), ends[0]))
    return strokes


def _until_next(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The same, each ending where the voice's next one begins or, if it stops well before, on the grid after that."""
    held = []
    for index, stroke in enumerate(strokes):
        end = strokes[index + 1].start if index + 1 < len(strokes) else stroke.end
        step = Fraction(1, 8)
        stops = Fraction(round(stroke.sounds_until / float(step))) * step
        stops = max(stops, min(end, stroke.start + Fraction(1, 16)))
        is_gap = end - stops >= Fraction(1, 8) and (end - stops) > (end - stroke.start) * _SHORTEST_REST
        held.append(replace(stroke, end=stops if is_gap else end))
    return held
