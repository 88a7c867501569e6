"""A note: one identity with revisions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from music.tuning import Position


class NoteState(Enum):
    """TENTATIVE → COMMITTED → ENDED, or TENTATIVE → RETRACTED."""

    TENTATIVE = "tentative"
    COMMITTED = "committed"
    ENDED = "ended"
    RETRACTED = "retracted"


SETTLED = frozenset({NoteState.COMMITTED, NoteState.ENDED})
"""States in which onset, pitch, string and fret never change again."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another place for a note; `cost` is what it would cost the hand above the chosen place (unitless, ≥ 0)."""

    position: Position
    cost: float


@dataclass(frozen=True, slots=True)
class PitchBend:
    """Deviation from the note's pitch at one moment: sample index, semitones."""

    at: int
    semitones: float


@dataclass(frozen=True, slots=True)
class Technique:
    """How a note is played or joined: `kind` (slide, hammer_on, pull_off, bend, vibrato, let_ring), id of the note it
    leads to or "", confidence 0..1, and for a bend how far it goes in semitones.
    """

    kind: str
    to: str
    confidence: float
    semitones: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """One revision of a note.

    Attributes:
        id: opaque, unique within its session, a function of the samples alone.
        onset, offset: sample indices of the session's clock; offset is None while the note sounds.
        pitch: MIDI pitch.
        velocity: 0..1.
        confidence: probability that the note was played, 0..1.
        stability: probability that a TENTATIVE note is committed as it stands, 0..1; 1 from COMMITTED on.
        position: None when the instrument has no place for the pitch (flag "out_of_range").
        alternatives: the other places, cheapest first.
        string_evidence: probability that the note sounded on string 1, 2, …, as heard; empty when nothing was heard.
    """

    id: str
    state: NoteState
    onset: int
    pitch: int
    offset: int | None = None
    velocity: float = 0.0
    confidence: float = 0.0
    stability: float = 0.0
    position: Position | None = None
    alternatives: tuple[Alternative, ...] = ()
    string_evidence: tuple[float, ...] = ()
    bends: tuple[PitchBend, ...] = ()
    techniques: tuple[Technique, ...] = ()
    flags: tuple[str, ...] = ()

    def put(self, position: Position | None, alternatives: tuple[Alternative, ...], flags: tuple[str, ...]) -> Note:
        """The same note elsewhere. (`replace` takes three times as long, and every note is put at least once.)"""
        return Note(
            self.id,
            self.state,
            self.onset,
            self.pitch,
            self.offset,
            self.velocity,
            self.confidence,
            self.stability,
            position,
            alternatives,
            self.string_evidence,
            self.bends,
            self.techniques,
            flags,
        )
