"""What a rendered piece is made of: the notes as played, and the music around them that a band needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from music.tuning import Instrument

PLUCK, HAMMER_ON, PULL_OFF, PALM_MUTE, DEAD = "pluck", "hammer_on", "pull_off", "palm_mute", "dead"
TECHNIQUES = (PLUCK, HAMMER_ON, PULL_OFF, PALM_MUTE, DEAD)
"""A dead stroke hits a string that the hand keeps from ringing: heard, but no note."""


@dataclass(frozen=True, slots=True, order=True)
class GuitarNote:
    """One note as played.

    Attributes:
        onset, offset: sample indices at `music.audio.SAMPLE_RATE_HZ` (22 050 Hz); the string is set going at `onset`
            and stopped, or no longer heard, at `offset`.
        pitch: MIDI pitch, `Instrument.pitch_at` of string and fret.
        string: 1 is the first of the tuning's list.
        fret: counted from the capo.
        velocity: 0..1.
        technique: one of `TECHNIQUES`.
        bends: course of the pitch as (samples after the onset, semitones), straight in between; empty for none.
    """

    onset: int
    pitch: int
    offset: int
    string: int
    fret: int
    velocity: float
    technique: str = PLUCK
    bends: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Chord:
    """Harmony of a stretch of time: pitch class of the root 0..11, intervals above it in semitones (0 first)."""

    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        return tuple((self.root + interval) % 12 for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class Performance:
    """A piece as played.

    Attributes:
        strokes: everything that is played, by onset; on one string none begins before the one before it has ended.
        beats: sample index of every beat, a bar's first at multiples of `beats_per_bar`.
        chords: harmony of each bar.
        duration: samples.
    """

    instrument: Instrument
    style: str
    strokes: tuple[GuitarNote, ...]
    beats: tuple[int, ...]
    beats_per_bar: int
    chords: tuple[Chord, ...]
    duration: int

    @property
    def notes(self) -> tuple[GuitarNote, ...]:
        """The strokes that sound a pitch."""
        return tuple(stroke for stroke in self.strokes if stroke.technique != DEAD)
