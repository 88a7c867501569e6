"""What the beat tracker knows of music. `bench/fit_rhythm.py` looks for the numbers on composed pieces."""

from __future__ import annotations

from dataclasses import dataclass

Kind = tuple[float, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, slots=True)
class LatticeWeights:
    """Of `music.beats_lattice`.

    Attributes:
        kinds: kinds of subdivision: share of the beats, and for places in the beat (0..1) the onsets expected there.
        spread_s: how far onsets stray from their place, a standard deviation.
        stray_per_s: onsets a second that belong nowhere.
        marks: weights of `beats_onsets.MARKS` and a constant: log likelihood ratio of an onset on a beat to any other.
        accent: how far that is trusted; on_beat_share: of all onsets.
        begins_on_beat: how often a piece's first onset is a beat.
        drift: mean of |log ratio| between two beats' lengths; jump: how likely any other tempo is.
        tempo_bpm, tempo_spread: centre and spread (log) of tempi.
        tempo_each: how much of that counts again at every beat.
    """

    kinds: tuple[Kind, ...] = (
        (0.12, ((0.0, 0.23), (0.25, 0.04), (0.5, 0.09))),
        (0.305, ((0.0, 0.95), (0.5, 0.09), (0.75, 0.06))),
        (0.323, ((0.0, 0.94), (0.5, 0.84), (0.75, 0.04))),
        (0.096, ((0.0, 0.87), (0.25, 0.95), (0.5, 0.9), (0.75, 0.75))),
        (0.046, ((0.0, 0.87), (1 / 3, 0.79), (2 / 3, 0.95))),
        (0.109, ((0.0, 0.23), (0.25, 0.07), (0.5, 0.82), (0.75, 0.04))),
    )
    spread_s: float = 0.016
    stray_per_s: float = 0.08
    marks: tuple[float, ...] = (0.919, -0.655, 0.719, 0.661, -0.324, 0.673, 0.0, -0.028)
    accent: float = 1.4
    on_beat_share: float = 0.477
    begins_on_beat: float = 0.9
    drift: float = 0.02
    jump: float = 0.0001
    tempo_bpm: float = 110.0
    tempo_spread: float = 0.3
    tempo_each: float = 1.0


@dataclass(frozen=True, slots=True)
class MetreWeights:
    """Of `music.beats_metre`.

    Attributes:
        figures: of `beats_metre.FIGURES` and a constant: log odds of a beat to begin a bar.
        downbeat_share: of all beats; trust: how far the odds are believed.
        middle: how often a bar's middle beat passes for a first one.
        recurrence: what likeness to the beat a bar ago counts.
        metres: how often bars have so many beats; pickup: how often a piece does not begin with a bar.
        change: how likely a bar is not as long as the ones before.
    """

    figures: tuple[float, ...] = (0.373, -0.572, 0.271, 0.278, 0.419, 0.268, 1.5, 0.244, 0.2, 1.146, 0.481, -2.077)
    downbeat_share: float = 0.268
    trust: float = 0.5
    middle: float = 0.65
    recurrence: float = 0.25
    metres: tuple[tuple[int, float], ...] = ((2, 0.03), (3, 0.12), (4, 0.83), (5, 0.01), (7, 0.01))
    pickup: float = 0.06
    change: float = 0.0005


LATTICE = LatticeWeights()
METRE = MetreWeights()


@dataclass(frozen=True, slots=True)
class ConfidenceWeights:
    """Of `music.beats_confidence`: of its six figures and a constant, log odds that a beat is right."""

    figures: tuple[float, ...] = (-2.307, -2.322, 0.872, 4.261, -2.532, 4.588, -3.116)


CONFIDENCE = ConfidenceWeights()
JOINT_CONFIDENCE = ConfidenceWeights((0.345, -1.296, -0.213, 0.75, -1.198, 4.526, 0.992))
"""The same where the last figure is the log odds of a reading of `music.beats_joint`."""
LIVE_CONFIDENCE = ConfidenceWeights((-1.328, -0.052, 0.695, -0.752, -1.797, 6.23, 0.607))
"""And where it is those of a reading of `music.beats_live_choice`."""
