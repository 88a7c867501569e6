"""How notes are played, read from the course of their pitch and from how one note on a string gives way to the next.

Bends, vibrato, hammer-ons and pull-offs are judged by trees fitted on rendered guitars whose composer knows how
everything was played (`bench/fit_techniques.py`). Their probability is the technique's confidence; what is less likely
than not is left out. Two need no trees: a note whose pitch begins well below its own was slid into, and a note that
sounds on through later ones rings.

A technique is told with the note's ENDED revision, which waits until the notes that may follow on its string are
settled: everything here is a function of the settled activations, as the notes are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ, seconds
from music.boosted_trees import load_trees
from music.note import Note, Technique

Floats = NDArray[np.float64]

LEAST_CONFIDENCE = 0.5
JOINT_SAMPLES = SAMPLE_RATE_HZ * 60 // 1000
"""A string's next note begins at most this long after the one before has ended, or they are not joined."""
_OVERLAP_SAMPLES = SAMPLE_RATE_HZ * 150 // 1000
"""The one before may be heard for so long into the next."""
_LONGEST_REACH = 7
"""Frets a hand hammers or pulls over."""
_TOGETHER_SAMPLES = SAMPLE_RATE_HZ * 50 // 1000
_REMEMBERED = 256
"""Settled notes that are looked back at: minutes of the densest music, and a bound for a string that never stops."""

_RINGS_SAMPLES = SAMPLE_RATE_HZ * 350 // 1000
_RINGS_THROUGH = 2
_RING_CONFIDENCE = 0.75
"""How often a note that is heard to ring through two later strokes truly does, on rendered pieces, rounded."""

_SLID_FROM = -0.3
"""Semitones below a note at which the first 35 ms of one that was slid into lie."""
_SLIDE_CONFIDENCE = 0.7
"""How often such a note was truly slid into, on rendered pieces (`bench techniques`), rounded."""
_LEAST_SLIDE_S = 0.17
_ARRIVED = 0.2

CURVE_FIGURES = (
    *("length_s", "first", "second", "settled", "highest", "highest_at", "held", "lowest", "last", "spread"),
    *("wave", "wave_share", "wave_hz", "turns", "unknown"),
)
JOINT_FIGURES = (
    *("gap_s", "semitones", "struck", "before", "softer", "sure", "company", "length_s", "leaves", "arrives"),
    *("arrives_at", "leaves_sooner"),
)
_ATTACK_S = 0.1
_WAVE_HZ = np.arange(3.5, 8.01, 0.5)
_LEAST_TURN = 0.03


@dataclass(frozen=True, slots=True)
class Sounded:
    """A settled note and semitones from its pitch to what sounds, a value a frame after its onset (NaN: not known)."""

    note: Note
    curve: Sequence[float]


def curve_figures(curve: Sequence[float], hop_s: float) -> Floats:
    """What the judges of bends and vibrato see: f64[len(CURVE_FIGURES)].

    Args:
        curve: semitones a frame, from the onset to the end of the note.
        hop_s: seconds a frame.
    """
    known = np.array(curve, np.float64)
    heard = np.flatnonzero(~np.isnan(known))
    if len(heard) < 4:
        return np.array([len(known) * hop_s, *[0.0] * (len(CURVE_FIGURES) - 2), 1.0])
    course = np.interp(np.arange(len(known)), heard, known[heard])
    smooth = np.convolve(course, np.ones(5) / 5, "valid") if len(course) >= 5 else course
    settled = float(np.median(course[6:12])) if len(course) > 6 else float(np.median(course))
    high = float(smooth.max()) - settled
    wave = _wave(course, hop_s)
    return np.array(
        [
            len(course) * hop_s,
            float(course[:3].mean()),
            float(course[3:6].mean()) if len(course) > 3 else settled,
            settled,
            high,
            float(smooth.argmax()) * hop_s,
            float((smooth > settled + 0.6 * high).sum()) * hop_s,
            float(smooth[4:].min() if len(smooth) > 4 else smooth.min()) - settled,
            float(course[-5:].mean()) - settled,
            float(course[8:].std() if len(course) > 8 else 0.0),
            *wave,
            _turns(smooth) / (len(course) * hop_s),
            1 - len(heard) / len(known),
        ]
    )


def _wave(course: Floats, hop_s: float) -> tuple[float, float, float]:
    """Amplitude (semitones), share of the energy, and frequency of the strongest wave a finger could make."""
    late = course[round(_ATTACK_S / hop_s) :]
    if len(late) * hop_s < 0.25:
        return 0.0, 0.0, 0.0
    at = np.arange(len(late))
    late = (late - np.polyval(np.polyfit(at, late, 2), at)) * np.hanning(len(late) + 2)[1:-1]
    phases = np.exp(-2j * np.pi * _WAVE_HZ[:, None] * at * hop_s)
    strength = np.abs(phases @ late)
    best = int(strength.argmax())
    energy = float((late**2).sum()) + 1e-9
    return float(4 * strength[best] / len(late)), float(strength[best] ** 2 / energy / len(late)), float(_WAVE_HZ[best])


def _turns(smooth: Floats) -> int:
    """How often the course turns by more than what a steady string seems to."""
    turns, way, extreme = 0, 0, float(smooth[0])
    for value in smooth[1:]:
        if way >= 0 and value < extreme - _LEAST_TURN:
            turns, way, extreme = turns + 1, -1, float(value)
        elif way <= 0 and value > extreme + _LEAST_TURN:
            turns, way, extreme = turns + 1, 1, float(value)
        else:
            extreme = max(extreme, float(value)) if way > 0 else min(extreme, float(value)) if way < 0 else extreme
    return turns


def joint_figures(before: Sounded, after: Sounded, others: Sequence[Note], hop_s: float) -> Floats:
    """What the judge of hammer-ons and pull-offs sees of two notes on one string: f64[len(JOINT_FIGURES)].

    Args:
        before: the first, which has ended.
        after: the one it gives way to.
        others: settled notes around them.
        hop_s: seconds a frame.
    """
    end = before.note.onset if before.note.offset is None else before.note.offset
    near = [
        other.velocity
        for other in others
        if other.id != after.note.id and abs(other.onset - after.note.onset) < 2 * SAMPLE_RATE_HZ
    ]
    company = sum(
        other.id != after.note.id and abs(other.onset - after.note.onset) <= _TOGETHER_SAMPLES for other in others
    )
    leaves, arrives = list(before.curve[-5:]), list(after.curve[:3])
    return np.array(
        [
            seconds(after.note.onset - end),
            after.note.pitch - before.note.pitch,
            after.note.velocity,
            before.note.velocity,
            after.note.velocity - (sum(near) / len(near) if near else after.note.velocity),
            after.note.confidence,
            company,
            len(before.curve) * hop_s,
            _mean(leaves),
            _mean(arrives),
            _mean(list(after.curve[3:6])),
            _mean(list(before.curve[-10:-5])),
        ]
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0


def slid_into(figures: Floats) -> float:
    """How sure it is that a finger slid up into a note, from its `curve_figures`; 0 where nothing says so."""
    told = dict(zip(CURVE_FIGURES, figures, strict=True))
    if told["length_s"] < _LEAST_SLIDE_S or abs(told["settled"]) > _ARRIVED:
        return 0.0
    return _SLIDE_CONFIDENCE if told["first"] < _SLID_FROM else 0.0


def amount_of_bend(curve: Sequence[float], hop_s: float) -> float:
    """How far a bend goes, to the quarter tone.

    What the network says of a bent string falls short of it: on rendered bends of half a semitone it says half of that.
    """
    figures = dict(zip(CURVE_FIGURES, curve_figures(curve, hop_s), strict=True))
    return max(0.5, round(2 * _SHORTFALL * float(figures["highest"])) / 2)


_SHORTFALL = 2.0


class TechniqueReader:
    """Holds back the ENDED revisions of a session's notes until what they lead to is settled, and says how they were
    played.

    Args:
        hop_s: seconds between two values of a curve.
        is_judged: whether the curves are of the kind that the judges were fitted on; otherwise only ringing is told.
    """

    def __init__(self, hop_s: float, *, is_judged: bool = True) -> None:
        self._hop_s = hop_s
        self._is_judged = is_judged
        self._settled: list[Sounded] = []
        self._ended: list[Sounded] = []

    @property
    def waiting(self) -> int:
        """How many ended notes are held back."""
        return len(self._ended)

    @property
    def around(self) -> list[Note]:
        """The settled notes that are looked back at."""
        return [known.note for known in self._settled]

    def settle(self, sounded: Sounded) -> None:
        """Take a note whose onset, pitch and place are settled; its curve may still grow."""
        self._settled.append(sounded)
        del self._settled[:-_REMEMBERED]

    def end(self, sounded: Sounded) -> None:
        """Take a settled note's last revision, without techniques."""
        self._ended.append(sounded)
        self._settled = [sounded if known.note.id == sounded.note.id else known for known in self._settled]

    def release(self, known_until: int | None) -> list[Note]:
        """The ended notes to which nothing can be added, in the order in which they ended.

        Args:
            known_until: sample index before which all notes are settled; None when there will be no more.
        """
        ready = [
            sounded
            for sounded in self._ended
            if known_until is None or (sounded.note.offset or 0) + JOINT_SAMPLES < known_until
        ]
        if ready:
            gone = {sounded.note.id for sounded in ready}
            self._ended = [sounded for sounded in self._ended if sounded.note.id not in gone]
        return [replace(sounded.note, techniques=tuple(self.techniques_of(sounded))) for sounded in ready]

    def techniques_of(self, sounded: Sounded) -> list[Technique]:
        """What is heard of how an ended note was played, the surest first."""
        found: list[Technique] = []
        if self._is_judged:
            found += self._within(sounded, curve_figures(sounded.curve, self._hop_s))
            follower = self.follower_of(sounded.note)
            if follower is not None:
                figures = joint_figures(sounded, follower, self.around, self._hop_s)
                found += self._joined(sounded.note, follower.note, figures)
        if self._rings(sounded.note):
            found.append(Technique("let_ring", "", _RING_CONFIDENCE))
        return sorted(found, key=lambda technique: (-technique.confidence, technique.kind))

    def follower_of(self, note: Note) -> Sounded | None:
        """The next note on the string, where it begins as this one ends and a hand could lead from one to the other."""
        if note.position is None or note.offset is None:
            return None
        string = note.position.string
        later = [
            known
            for known in self._settled
            if known.note.position is not None
            and known.note.position.string == string
            and known.note.onset > note.onset
        ]
        follower = min(later, key=lambda known: known.note.onset, default=None)
        if follower is None or not -_OVERLAP_SAMPLES <= follower.note.onset - note.offset <= JOINT_SAMPLES:
            return None
        return follower if 0 < abs(follower.note.pitch - note.pitch) <= _LONGEST_REACH else None

    def _within(self, sounded: Sounded, figures: Floats) -> list[Technique]:
        """Of one note alone. An open string is neither bent nor slid into, and no finger shakes it."""
        note = sounded.note
        if note.position is None or note.position.fret == 0:
            return []
        found = []
        for kind in ("vibrato", "bend"):
            likely = _judged(kind, figures)
            if likely >= LEAST_CONFIDENCE:
                semitones = amount_of_bend(sounded.curve, self._hop_s) if kind == "bend" else None
                found.append(Technique(kind, "", likely, semitones))
        slid = slid_into(figures)
        return [*found, Technique("slide", "", slid)] if slid else found

    def _joined(self, before: Note, after: Note, figures: Floats) -> list[Technique]:
        """Whether the next note was struck by the fretting hand alone."""
        legato = _judged("legato", figures)
        kind = "hammer_on" if after.pitch > before.pitch else "pull_off"
        return [Technique(kind, after.id, legato)] if legato >= LEAST_CONFIDENCE else []

    def _rings(self, note: Note) -> bool:
        """Whether a note sounds on through later strokes on other strings."""
        if note.position is None or note.offset is None:
            return False
        onsets = sorted(
            known.note.onset
            for known in self._settled
            if known.note.position is not None
            and known.note.position.string != note.position.string
            and note.onset + _TOGETHER_SAMPLES < known.note.onset < note.offset
        )
        strokes = [at for i, at in enumerate(onsets) if i == 0 or at - onsets[i - 1] > _TOGETHER_SAMPLES]
        return len(strokes) >= _RINGS_THROUGH and note.offset - strokes[0] >= _RINGS_SAMPLES


def _judged(table: str, figures: Floats) -> float:
    return round(float(load_trees(f"technique_{table}").probability(figures[None].astype(np.float32))[0]), 3)
