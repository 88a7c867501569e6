"""Bars of whole pieces: `track_bars` listens to all the notes at once. `music.beats_live` does it as they come.

    notes → onsets → network (evidence), lattices (hypotheses about beats) → joint choice → bars

What a person has locked takes precedence: where beats are said, only the metre is looked for.

A pure function of the notes, the duration and the lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, Bar, BarState, RhythmLock, TimeSignature
from music.beats_bar_figures import COUNTS
from music.beats_confidence import believed, figures
from music.beats_decoding import decoded
from music.beats_evidence import Evidence, likeliest, listen
from music.beats_figures import strokes_of
from music.beats_hypotheses import Beats, hypotheses
from music.beats_joint import Allowed, Judged, judge
from music.beats_metre import Metre, find_metre, hear
from music.beats_onsets import Marker, Onset, lasting, onsets_of
from music.beats_weights import CONFIDENCE, JOINT_CONFIDENCE, LATTICE, METRE
from music.note import Note

_LAST_TAPS = 8
"""Gaps between taps that say how fast beats are before the first tap or after the last."""
FEWEST = 4
"""Onsets below which nothing is said."""
_ROWS = 12

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Beats with their places in bars; the last beat's end is one more of its length.

    Attributes:
        beats: sample indices, rising.
        metre: their places in bars.
        confidence: 0..1 of each beat.
    """

    beats: tuple[int, ...]
    metre: Metre
    confidence: tuple[float, ...]


def track_bars(notes: Iterable[Note], duration: int, lock: RhythmLock = NO_LOCK) -> tuple[Bar, ...]:
    """The bars of a piece, from the one of its first note to the one of its last.

    Args:
        notes: in any order.
        duration: of the recording, in samples.
        lock: what a person has decided.

    Returns:
        Committed bars; none where there are too few onsets and nothing is locked.
    """
    heard = list(notes)
    onsets = onsets_of(heard)
    if len(onsets) < FEWEST and lock.tempo_bpm is None and len(lock.taps) < 2:
        return ()
    marker = Marker()
    marks = [marker.mark(onset) for onset in onsets]
    end = max([duration, *(onset.time + 1 for onset in onsets)])
    if is_timed(lock):
        beats = locked_beats(onsets, end, lock)
        return bars_of(grid_of(beats, onsets, marks, lock), onsets, lock) if len(beats) > 1 else ()
    found = find_grid(onsets, marks, lasting(heard, onsets), end, lock)
    return bars_of(found, onsets, lock) if found is not None else ()


def is_timed(lock: RhythmLock) -> bool:
    """Whether a person has said where beats are."""
    return lock.tempo_bpm is not None or len(lock.taps) >= 2


def mark_weight(mark: Array) -> float:
    """What an onset's marks say for its being a beat."""
    return float(np.dot(LATTICE.marks[:-1], mark) + LATTICE.marks[-1])


def find_grid(
    onsets: Sequence[Onset], marks: Sequence[Array], held: Sequence[int], end: int, lock: RhythmLock = NO_LOCK
) -> Grid | None:
    """Beats, metre and downbeats that the onsets suggest together, from about the first onset to past the last.

    Args:
        onsets: in time, one at least.
        marks: of each.
        held: samples that each sounds.
        end: of the recording.
        lock: what a person has decided; no beats.
    """
    evidence = listen(onsets, marks, end)
    rows = considered(evidence, onsets, marks, end)
    if not rows:
        return None
    judged = judge(strokes_of(onsets, marks, held), evidence, rows, left_by(lock))
    if len(judged.beats) < 2:
        return None
    if lock.signature is not None and lock.signature.beats not in COUNTS:
        return grid_of(judged.beats.tolist(), onsets, marks, lock)
    return _believed(judged, onsets)


def considered(evidence: Evidence, onsets: Sequence[Onset], marks: Sequence[Array], end: int) -> list[Beats]:
    """Rows of beats to choose from: of those that the lattice and the network suggest, the likeliest."""
    rows = hypotheses(onsets, [mark_weight(mark) for mark in marks], end, decoded(evidence))
    return likeliest(evidence, rows, _ROWS)


def left_by(lock: RhythmLock) -> Allowed | None:
    """Which readings a lock of metre or bar one leaves."""
    only = lock.signature.beats if lock.signature and lock.signature.beats in COUNTS else None
    if only is None and lock.bar_one is None:
        return None

    def allowed(beats: Beats, count: int, first: int) -> bool:
        if only is not None and count != only:
            return False
        if lock.bar_one is None:
            return True
        return (place_of(beats, lock.bar_one) - first) % count == 0

    return allowed


def _believed(judged: Judged, onsets: Sequence[Onset]) -> Grid:
    """What was decided, and how sure each beat is: as the reading is, where the music around bears it out."""
    chance = np.clip(judged.chance, 1e-4, 1 - 1e-4)
    odds = np.log(chance / (1 - chance))
    beats = judged.beats.tolist()
    sure = believed(figures(beats, [onset.time for onset in onsets], odds), JOINT_CONFIDENCE)
    metre = Metre(judged.places, judged.counts, 0.0, float(odds.min()))
    return Grid(tuple(beats), metre, tuple(float(share) for share in sure))


def locked_beats(onsets: Sequence[Onset], end: int, lock: RhythmLock, begin: int | None = None) -> list[int]:
    """Beats a person has set, none past `end`: the taps as tapped, and even ones before, after and between them.

    They reach back to the first onset, and to `begin` where that is given.
    """
    if lock.tempo_bpm is not None:
        early = late = 60.0 * SAMPLE_RATE_HZ / lock.tempo_bpm
    else:
        apart = np.diff(lock.taps)
        early, late = float(np.median(apart[:_LAST_TAPS])), float(np.median(apart[-_LAST_TAPS:]))
    anchor = lock.taps[0] if lock.taps else lock.bar_one
    if anchor is None:
        anchor = best_phase(onsets, early)
    taps = _with_beats_between(lock.taps or (anchor,), early, end)
    begin = min([onset.time for onset in onsets] or [0]) if begin is None else begin
    # Somebody may have said that bar 1 comes in a week.
    nearest = max(1, int((taps[0] - end) / early))
    before = [round(taps[0] - early * n) for n in range(int((taps[0] - begin) / early + 1), nearest - 1, -1)]
    after = [round(taps[-1] + late * n) for n in range(1, max(1, int((end - taps[-1]) / late) + 1))]
    return [beat for beat in (*before, *taps, *after) if beat <= end]


def _with_beats_between(taps: Sequence[int], period: float, end: int) -> list[int]:
    """Taps, and even beats where somebody left off tapping for a while; of those that lie past `end`, one at most."""
    beats = [taps[0]]
    for before, after in pairwise(taps):
        count = max(1, round((after - before) / period))
        apart = (after - before) / count
        within = min(count, int((end - before) / apart) + 1)
        beats += [after if n == count else round(before + apart * n) for n in range(1, within + 1)]
        if within < count:
            break
    return beats


def place_of(beats: Sequence[int] | NDArray[np.int64], time: int) -> int:
    """Which of two beats or more a time is next to; outside their row they go on as they begin and end."""
    row = np.asarray(beats, np.int64)
    if time < row[0]:
        return -round(float((row[0] - time) / (row[1] - row[0])))
    if time > row[-1]:
        return len(row) - 1 + round(float((time - row[-1]) / (row[-1] - row[-2])))
    return int(np.abs(row - time).argmin())


def best_phase(onsets: Sequence[Onset], period: float) -> int:
    """Where even beats of a period agree with most of the strokes."""
    if not onsets:
        return 0
    times = np.asarray([onset.time for onset in onsets], np.float64)
    weight = np.asarray([onset.strength for onset in onsets])
    phases = np.linspace(0, period, 64, endpoint=False)
    off = np.abs((times[None] - phases[:, None] + period / 2) % period - period / 2)
    fit = (weight * np.exp(-0.5 * (off / (0.03 * SAMPLE_RATE_HZ)) ** 2)).sum(axis=1)
    return round(float(phases[int(fit.argmax())]))


def grid_of(beats: Sequence[int], onsets: Sequence[Onset], marks: Sequence[Array], lock: RhythmLock) -> Grid:
    """Places of beats in bars, and how sure they are."""
    heard = hear(beats, onsets, marks)
    only = lock.signature.beats if lock.signature else None
    first = None
    if lock.bar_one is not None:
        first = place_of(beats, lock.bar_one)
    metre = find_metre(heard, METRE, only, first)
    sure = believed(figures(beats, [onset.time for onset in onsets], metre.clarity), CONFIDENCE)
    if is_timed(lock):
        sure = np.ones(len(beats)) if lock.bar_one is not None else np.maximum(sure, 0.5)
    return Grid(tuple(beats), metre, tuple(float(share) for share in sure))


def bars_of(grid: Grid, onsets: Sequence[Onset], lock: RhythmLock = NO_LOCK) -> tuple[Bar, ...]:
    """Bars of a grid, numbered from 1 (or from bar one, where it is locked), a pickup 0."""
    edges = [*grid.beats, 2 * grid.beats[-1] - grid.beats[-2]]
    begins = [index for index, place in enumerate(grid.metre.positions) if place == 0 or index == 0]
    swing = swing_of(grid.beats, onsets)
    bars: list[Bar] = []
    number = 0 if grid.metre.positions[0] else 1
    for begin, end in zip(begins, [*begins[1:], len(grid.beats)], strict=True):
        signature = lock.signature or signature_of(int(grid.metre.counts[begin]))
        sure = float(np.mean(grid.confidence[begin:end]))
        bars.append(
            Bar(number, tuple(edges[begin:end]), edges[end], signature, round(sure, 3), swing, BarState.COMMITTED)
        )
        number += 1
    return tuple(bars)


def signature_of(count: int) -> TimeSignature:
    """How a metre of so many beats is written: seven in eighths, the others in quarters."""
    return TimeSignature(count, 8 if count == 7 else 4)


def swing_of(beats: Sequence[int], onsets: Sequence[Onset]) -> float:
    """Where the middle of a beat is played: 0.5 for straight, about 0.67 for triplet swing."""
    edges = np.asarray(beats, np.float64)
    if len(edges) < 2:
        return 0.5
    phases = []
    for onset in onsets:
        at = int(np.searchsorted(edges, onset.time, side="right")) - 1
        if 0 <= at < len(edges) - 1:
            phases.append((onset.time - edges[at]) / (edges[at + 1] - edges[at]))
    found = np.asarray(phases)
    middle = found[(found > 0.42) & (found < 0.75)]
    thirds, quarters = ((found > 0.28) & (found < 0.39)).sum(), ((found > 0.2) & (found < 0.28)).sum()
    # With all three thirds or with sixteenths sounding, the middle is no swung eighth.
    if len(middle) < 4 or thirds > len(middle) / 3 or quarters > len(middle) / 3:
        return 0.5
    return round(float(np.median(middle)), 3)
