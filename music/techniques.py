"""How notes are played, read from the course of their pitch and from how one note on a string gives way to the next.

Bends, vibrato and slides from note to note are judged by trees fitted on rendered guitars whose composer knows how
everything was played (`bench/fit_techniques.py`). Their probability is the technique's confidence; what is less likely
than not is left out. Two need no trees: a note whose pitch begins well below its own was slid into, and a note that
sounds on through later ones rings. Hammer-ons and pull-offs are not told: nothing that is heard here tells them from
plucked notes (bench/NOTES.md).

A technique is told with the note's ENDED revision, which waits until the notes that may follow on its string are
settled: everything here is a function of the settled activations, as the notes are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from music.audio import SAMPLE_RATE_HZ, seconds
from music.boosted_trees import load_trees
from music.note import Note, Technique
from music.settled_notes import SettledNotes
from music.technique_figures import CURVE_FIGURES, Floats, Sounded, bend_figures, curve_figures, joint_figures

__all__ = [
    "JOINT_SAMPLES",
    "LEAST_CONFIDENCE",
    "RINGS_SAMPLES",
    "Sounded",
    "TechniqueReader",
    "amount_of_bend",
    "slid_into",
]

LEAST_CONFIDENCE = {"vibrato": 0.6, "bend": 0.5, "slide": 0.5}
"""What is told: about two of three are right on rendered pieces at least. Vibrato is heard where strings beat, too."""
JOINT_SAMPLES = SAMPLE_RATE_HZ * 120 // 1000
"""A string's next note begins at most this long after the one before has ended, or they are not joined. While a finger
slides, the first note is not heard any more and the second not yet.
"""
_OVERLAP_SAMPLES = SAMPLE_RATE_HZ * 150 // 1000
"""The one before may be heard for so long into the next."""
_LONGEST_REACH = 7
"""Frets a hand slides over."""
_TOGETHER_SAMPLES = SAMPLE_RATE_HZ * 50 // 1000

RINGS_SAMPLES = SAMPLE_RATE_HZ * 800 // 1000
"""A note is said to ring when it is heard for so long past a later stroke: most such notes truly do for .6 s."""
_RINGS_THROUGH = 2
_RING_CONFIDENCE = 0.75
"""How often a note that is told to ring truly does, on rendered pieces (105 of 138 in two runs), rounded."""

_SLID_FROM = -0.3
"""Semitones below a note at which the first 35 ms of one that was slid into lie."""
_SLIDE_CONFIDENCE = 0.8
"""How often such a note was truly slid into, on rendered pieces (`bench techniques`: 53 of 67 in two runs), rounded."""
_LEAST_SLIDE_S = 0.17
_ARRIVED = 0.2
_LENGTH, _FIRST, _SETTLED, _SLOPE = (CURVE_FIGURES.index(name) for name in ("length_s", "first", "settled", "slope"))
_STILL_RISING = 0.01
"""Semitones a frame, over a note's last eight frames."""
_HEARD_BENDS = (1, 2)


def slid_into(figures: Floats) -> float:
    """How sure it is that a finger slid up into a note, from its `curve_figures`; 0 where nothing says so."""
    if figures[_LENGTH] < _LEAST_SLIDE_S or abs(figures[_SETTLED]) > _ARRIVED:
        return 0.0
    return _SLIDE_CONFIDENCE if figures[_FIRST] < _SLID_FROM else 0.0


def amount_of_bend(figures: Floats, semitones: int) -> float:
    """How far a bend goes, in semitones, from the note's `curve_figures` and the semitones to the note that follows at
    once on its string (0 for none).

    The network follows a bent string for a quarter tone at most. Then it hears another note, or none: a note that is
    cut off while it rises goes on to the next semitone. Right for six of ten rendered bends that are told.
    """
    if semitones in _HEARD_BENDS:
        return float(semitones)
    return 1.0 if figures[_SLOPE] >= _STILL_RISING else 0.5


class TechniqueReader:
    """Holds back the ENDED revisions of a session's notes until what they lead to is settled, and says how they were
    played.

    Args:
        hop_s: seconds between two values of a curve.
        is_judged: whether the curves are of the kind that the judges were fitted on; otherwise only ringing is told.
        rings_samples: for how long a note has to be heard past a later stroke.
    """

    def __init__(self, hop_s: float, *, is_judged: bool = True, rings_samples: int = RINGS_SAMPLES) -> None:
        self._hop_s = hop_s
        self._is_judged = is_judged
        self._rings_samples = rings_samples
        self._settled = SettledNotes()
        self._ended: list[Sounded] = []

    @property
    def waiting(self) -> int:
        """How many ended notes are held back."""
        return len(self._ended)

    def settle(self, sounded: Sounded) -> None:
        """Take a note whose onset, pitch and place are settled; its curve may still grow."""
        self._settled.add(sounded)

    def end(self, sounded: Sounded) -> None:
        """Take a settled note's last revision, without techniques."""
        self._ended.append(sounded)
        self._settled.replace(sounded)

    def release(self, known_until: int | None) -> list[Note]:
        """The ended notes to which nothing can be added, in the order in which they ended.

        Args:
            known_until: sample index before which all notes are settled; None when there will be no more.
        """
        ready, waiting = list[Sounded](), list[Sounded]()
        for sounded in self._ended:
            is_known = known_until is None or (sounded.note.offset or 0) + JOINT_SAMPLES < known_until
            (ready if is_known else waiting).append(sounded)
        self._ended = waiting
        return [replace(sounded.note, techniques=tuple(self.techniques_of(sounded))) for sounded in ready]

    def techniques_of(self, sounded: Sounded) -> list[Technique]:
        """What is heard of how an ended note was played, the surest first."""
        found: list[Technique] = []
        note = sounded.note
        # An open string is neither bent nor slid on, and no finger shakes it.
        if self._is_judged and note.position is not None and note.position.fret > 0:
            follower = self.follower_of(note)
            found += self._within(self.curve_of(sounded), *self.next_of(note, follower))
            if follower is not None and follower.note.position and follower.note.position.fret > 0:
                found += self._joined(follower, self.joint_of(sounded, follower))
            found = _only_one_way_up(found)
        if self._rings(note):
            found.append(Technique("let_ring", "", _RING_CONFIDENCE))
        return sorted(found, key=lambda technique: (-technique.confidence, technique.kind))

    def follower_of(self, note: Note) -> Sounded | None:
        """The next note on the string, where it begins as this one ends and a hand could lead from one to the other."""
        if note.position is None or note.offset is None:
            return None
        later = self._settled.between(note.onset + 1, note.offset + JOINT_SAMPLES + 1)
        for known in later:
            if known.note.position is not None and known.note.position.string == note.position.string:
                is_joined = known.note.onset >= note.offset - _OVERLAP_SAMPLES
                return known if is_joined and 0 < abs(known.note.pitch - note.pitch) <= _LONGEST_REACH else None
        return None

    def curve_of(self, sounded: Sounded) -> Floats:
        """`curve_figures` of a note."""
        return curve_figures(sounded.curve, self._hop_s)

    def next_of(self, note: Note, follower: Sounded | None) -> tuple[float, int]:
        """Of what follows: the seconds to it and the semitones, as `bend_figures` wants them."""
        if follower is None or note.offset is None:
            return seconds(JOINT_SAMPLES), 0
        return seconds(follower.note.onset - note.offset), follower.note.pitch - note.pitch

    def joint_of(self, before: Sounded, after: Sounded) -> Floats:
        """`joint_figures` of two notes on one string."""
        at = after.note.onset
        others = self._settled.between(at - _TOGETHER_SAMPLES, at + _TOGETHER_SAMPLES + 1)
        return joint_figures(before, after, [other.note for other in others])

    def _within(self, figures: Floats, gap_s: float, semitones: int) -> list[Technique]:
        """Of one note alone."""
        bend = _judged("bend", bend_figures(figures, gap_s, semitones))
        found = _told("vibrato", _judged("vibrato", figures))
        found += _told("bend", bend, semitones=amount_of_bend(figures, semitones))
        slid = slid_into(figures)
        return [*found, Technique("slide", "", slid)] if slid else found

    def _joined(self, after: Sounded, figures: Floats) -> list[Technique]:
        """Whether a finger slid on to the next note."""
        return _told("slide", _judged("slide", figures), to=after.note.id)

    def _rings(self, note: Note) -> bool:
        """Whether a note sounds on through later strokes on other strings."""
        if note.position is None or note.offset is None or note.offset - note.onset < self._rings_samples:
            return False
        onsets = [
            known.note.onset
            for known in self._settled.between(note.onset + _TOGETHER_SAMPLES + 1, note.offset)
            if known.note.position is not None and known.note.position.string != note.position.string
        ]
        strokes = [at for i, at in enumerate(onsets) if i == 0 or at - onsets[i - 1] > _TOGETHER_SAMPLES]
        return len(strokes) >= _RINGS_THROUGH and note.offset - strokes[0] >= self._rings_samples


def _told(kind: str, confidence: float, to: str = "", semitones: float | None = None) -> list[Technique]:
    return [Technique(kind, to, confidence, semitones)] if confidence >= LEAST_CONFIDENCE[kind] else []


def _only_one_way_up(found: list[Technique]) -> list[Technique]:
    """A string that is bent and one on which a finger slides to the next note sound alike: the surer is told."""
    ways = [each for each in found if each.kind == "bend" or each.to]
    gone = min(ways, key=lambda each: each.confidence) if len(ways) > 1 else None
    return [each for each in found if each is not gone]


def _judged(table: str, figures: Floats) -> float:
    return round(float(load_trees(f"technique_{table}").probability(figures[None].astype(np.float32))[0]), 3)
