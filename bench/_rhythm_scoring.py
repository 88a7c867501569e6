"""How right beats, bars, chords and keys are: mir_eval, and places of notes in bars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

import mir_eval
import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import Composed
from music.audio import SAMPLE_RATE_HZ, seconds
from music.beats import Bar
from music.harmony import SHARPS, ChordSpan
from music.harmony_tracking import QUALITIES
from music.notation import notate
from music.note import Note
from music.rhythm_document import Music

Array = NDArray[np.float64]
WARM_UP_S = 8.0
_NEAR_S = 0.07
_MATCH = 0.05 * SAMPLE_RATE_HZ
_PLACES = sorted({Fraction(n, 4) for n in range(4)} | {Fraction(n, 3) for n in range(3)} | {Fraction(1)})


def beat_f1(truth_s: Array, found_s: Array, from_s: float = 0.0) -> float:
    """F-measure at ±70 ms of the beats after a moment, between the first and the last true one."""
    truth = truth_s[truth_s >= from_s]
    if not len(truth):
        return float("nan")
    kept = found_s[(found_s >= truth[0] - 0.1) & (found_s <= truth[-1] + 0.1)]
    return float(mir_eval.beat.f_measure(truth, kept))


def beats_s(bars: Sequence[Bar]) -> Array:
    return np.asarray([seconds(beat) for bar in bars for beat in bar.beats])


def downbeats_s(bars: Sequence[Bar]) -> Array:
    return np.asarray([seconds(bar.start) for bar in bars if not bar.is_pickup])


def downbeats_of(piece: Composed) -> Array:
    """The true ones, in seconds."""
    beats, downs = (np.asarray(part) for part in piece.truth)
    return np.asarray(beats[downs] / SAMPLE_RATE_HZ)


def metre_of(music: Music) -> int:
    """Beats that most bars have; 0 where there are none."""
    counts = [bar.signature.beats for bar in music.bars]
    return max(set(counts), key=counts.count) if counts else 0


def bars_right(downbeats_s: Array, bars: Sequence[Bar]) -> list[tuple[float, bool]]:
    """Of each bar that lies within the truth, how sure it is, and whether it goes from one true downbeat to the next.

    Where there are no true downbeats every bar is wrong. Pickups and the truth's last bar are not asked for.
    """
    found = []
    for bar in bars:
        start, end = seconds(bar.start), seconds(bar.end)
        if len(downbeats_s) and (bar.is_pickup or not downbeats_s[0] - 0.1 <= start <= downbeats_s[-1] - 0.1):
            continue
        near = np.flatnonzero(np.abs(downbeats_s - start) < _NEAR_S)
        right = len(near) > 0 and near[0] + 1 < len(downbeats_s) and abs(downbeats_s[near[0] + 1] - end) < _NEAR_S
        found.append((bar.confidence, bool(right)))
    return found


def chord_overlap(truth: Sequence[tuple[float, float, str]], found: Sequence[ChordSpan]) -> float:
    """Weighted overlap of major and minor triads (mir_eval's majmin)."""
    intervals = np.asarray([[start, end] for start, end, _ in truth])
    heard = np.asarray([[seconds(span.start), seconds(span.end)] for span in found]).reshape(-1, 2)
    labels = [span.symbol for span in found]
    if not labels:
        heard, labels = np.asarray([[intervals.min(), intervals.max()]]), ["N"]
    heard, labels = mir_eval.util.adjust_intervals(heard, labels, intervals.min(), intervals.max(), "N", "N")
    merged, reference, estimate = mir_eval.util.merge_labeled_intervals(
        intervals, [label for *_, label in truth], heard, labels
    )
    compared = mir_eval.chord.majmin(reference, estimate)
    if not (compared >= 0).any():
        return float("nan")
    return float(mir_eval.chord.weighted_accuracy(compared, mir_eval.util.intervals_to_durations(merged)))


def chords_of(piece: Composed) -> list[tuple[float, float, str]]:
    """The composer's chords, a bar each; empty where it wrote none."""
    performance, count = piece.performance, piece.performance.beats_per_bar
    beats = performance.beats
    found = []
    for number, chord in enumerate(performance.chords):
        begin, end = number * count, min((number + 1) * count, len(beats) - 1)
        if piece.first_downbeat or begin >= end or beats[end] > performance.duration:
            continue
        name = next((name for name, intervals in QUALITIES if intervals == chord.intervals), "maj")
        found.append((seconds(beats[begin]), seconds(beats[end]), f"{SHARPS[chord.root]}:{name}"))
    return found


def key_of(piece: Composed) -> str:
    """The composer's key, told by its first chord, which is the tonic's; "" where that has no third."""
    if not piece.performance.chords:
        return ""
    first = piece.performance.chords[0]
    mode = "major" if 4 in first.intervals else "minor" if 3 in first.intervals else ""
    return f"{SHARPS[first.root]} {mode}" if mode else ""


def key_score(truth: str, found: str) -> float:
    """mir_eval's weighted score: 1 right, 0.5 a fifth off, 0.3 relative, 0.2 parallel."""
    return float(mir_eval.key.weighted_score(truth, found.replace(":", " ") or "X"))


def template_chords(notes: Sequence[Note], duration: int) -> list[ChordSpan]:
    """The baseline: every half second by itself, the triad whose notes sound most in it."""
    step = SAMPLE_RATE_HZ // 2
    spans = []
    for begin in range(0, duration, step):
        weights = np.zeros(12)
        for note in notes:
            end = note.offset if note.offset is not None else note.onset + step
            weights[note.pitch % 12] += max(0, min(end, begin + step) - max(note.onset, begin))
        if not weights.any():
            spans.append(ChordSpan(begin, begin + step, "N"))
            continue
        scores = {
            f"{SHARPS[root]}:{name}": sum(weights[(root + i) % 12] for i in intervals)
            for root in range(12)
            for name, intervals in QUALITIES[:2]
        }
        spans.append(ChordSpan(begin, begin + step, max(scores, key=lambda symbol: scores[symbol])))
    return spans


def template_key(notes: Sequence[Note]) -> str:
    """The baseline: the scale that most notes are in, and of those with as many the tonic that sounds most."""
    counts = np.bincount([note.pitch % 12 for note in notes], minlength=12).astype(float)
    major, minor = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
    best = max(
        ((sum(counts[(t + s) % 12] for s in scale), counts[t], f"{SHARPS[t]}:{mode}"))
        for t in range(12)
        for scale, mode in ((major, "major"), (minor, "minor"))
    )
    return str(best[2])


def places_right(piece: Composed, notes: Sequence[Note], bars: Sequence[Bar]) -> tuple[float, float]:
    """Shares of the found notes that are true whose bar is right, and whose written onset is right too.

    The truth is the composer's beats; where between them a note was written is the nearest quarter or third of a beat.
    """
    written = {
        name: (bar.bar.number, symbol.start / bar.bar.signature.beat)
        for bar in notate(notes, bars).bars
        for voice in bar.voices
        for symbol in voice
        for name in symbol.starts
    }
    right_bar, right_onset, total = 0, 0, 0
    for note, (bar, place) in _true_places(piece, notes):
        total += 1
        found = written.get(note.id)
        if found is not None and found[0] == bar:
            right_bar += 1
            right_onset += found[1] == place
    return (right_bar / total, right_onset / total) if total else (float("nan"), float("nan"))


def true_bars(piece: Composed) -> list[Bar]:
    """The composer's bars, for judging note values by themselves."""
    beats, downs = piece.truth
    begins = [0, *(index for index in range(1, len(beats)) if downs[index])]
    edges = [*beats, 2 * beats[-1] - beats[-2]]
    first = 1 if downs[0] else 0
    return [
        Bar(first + number, tuple(edges[begin:end]), edges[end])
        for number, (begin, end) in enumerate(zip(begins, [*begins[1:], len(beats)], strict=True))
    ]


def _true_places(piece: Composed, notes: Sequence[Note]) -> list[tuple[Note, tuple[int, Fraction]]]:
    """Found notes that are true (50 ms, pitch), with the bar's number and the place in it in beats."""
    beats, downs = piece.truth
    played = sorted(piece.performance.notes, key=lambda n: n.onset)
    onsets = [note.onset for note in played]
    first = 1 if downs[0] else 0
    places = []
    for note in notes:
        near = played[bisect_right(onsets, note.onset - _MATCH) : bisect_right(onsets, note.onset + _MATCH)]
        same = [other for other in near if other.pitch == note.pitch]
        at = bisect_right(beats, same[0].onset) - 1 if same else -1
        if not same or not 0 <= at < len(beats) - 1:
            continue
        phase = (same[0].onset - beats[at]) / (beats[at + 1] - beats[at])
        place = min(_PLACES, key=lambda p: abs(float(p) - phase))
        at, place = (at + 1, Fraction(0)) if place == 1 else (at, place)
        begun = max((index for index in range(at + 1) if downs[index] or index == 0), default=0)
        number = first + sum(downs[1 : at + 1])
        places.append((note, (number, at - begun + place)))
    return places
