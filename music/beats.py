"""Beats and bars as values, and what a person may decide about them. Nothing here touches a note.

A time is a sample index of the session's clock (`music.audio`). A *beat* is what a foot taps: the unit of the time
signature, or three of it in compound metre (6/8 has two beats). A *bar* lists its beats from its first to its last and
ends where the next one begins. Bars follow each other without a hole and are numbered from 1; number 0 is a pickup:
its beats are the last ones of a bar whose beginning nobody played.

Every bar says how sure it is. `confidence` is the probability that its beats and its first beat are right; a tracker
that hears no metre writes bars of low confidence, or none. Below `UNSURE` a page or an export should say "free time".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise

from music.audio import SAMPLE_RATE_HZ
from music.errors import InvalidInput, Reason

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0
"""What a person may set; the tracker looks within `beats_lattice.TEMPI_BPM`."""
UNSURE = 0.5
_UNITS = (1, 2, 4, 8, 16)
_MOST_BEATS = 32


class BarState(Enum):
    """TENTATIVE → COMMITTED; a committed bar never changes again in a session's log, unless a person decides about bars
    while it runs (`music.events.RhythmLocked`). Later corrections are documents.
    """

    TENTATIVE = "tentative"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class TimeSignature:
    """Written metre, 4/4 or 6/8.

    Raises:
        InvalidInput: REQUEST_INVALID, no metre of 1 to 32 whole, half, quarter, eighth or sixteenth notes.
    """

    count: int = 4
    unit: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_BEATS or self.unit not in _UNITS:
            raise InvalidInput(
                Reason.REQUEST_INVALID,
                f"A time signature has 1 to {_MOST_BEATS} notes of 1/1, 1/2, 1/4, 1/8 or 1/16, "
                f"not {self.count}/{self.unit}.",
            )

    @classmethod
    def parse(cls, text: str) -> TimeSignature:
        """Read "6/8"."""
        count, slash, unit = text.partition("/")
        if not slash or not count.isdecimal() or not unit.isdecimal() or len(text) > 8:
            raise InvalidInput(Reason.REQUEST_INVALID, f"A time signature looks like 4/4 or 6/8, not {text[:20]!r}.")
        return cls(int(count), int(unit))

    @property
    def is_compound(self) -> bool:
        """6/8, 9/8, 12/8: three units are one beat."""
        return self.unit >= 8 and self.count > 3 and self.count % 3 == 0

    @property
    def beats(self) -> int:
        """Beats of a full bar."""
        return self.count // 3 if self.is_compound else self.count

    @property
    def beat(self) -> Fraction:
        """Length of a beat in whole notes."""
        return Fraction(3 if self.is_compound else 1, self.unit)

    @property
    def length(self) -> Fraction:
        """Length of a full bar in whole notes."""
        return Fraction(self.count, self.unit)

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"


COMMON_TIME = TimeSignature()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        number: from 1; 0 for a pickup.
        beats: sample index of each beat, at least one, strictly increasing; negative where a bar begins before the
            recording does.
        end: sample index, that of the next bar's first beat; past the last beat.
        signature: of a full bar; a pickup has fewer beats than it says.
        confidence: 0..1, that beats and downbeat are right.
        swing: where the middle of a beat is played, 0.5 for straight, 0.667 for triplet swing.
    """

    number: int
    beats: tuple[int, ...]
    end: int
    signature: TimeSignature = COMMON_TIME
    confidence: float = 0.0
    swing: float = 0.5
    state: BarState = BarState.TENTATIVE

    def __post_init__(self) -> None:
        edges = (*self.beats, self.end)
        if not self.beats or any(a >= b for a, b in pairwise(edges)):
            raise InvalidInput(Reason.REQUEST_INVALID, f"Bar {self.number} has no beats in rising order.")

    @property
    def start(self) -> int:
        return self.beats[0]

    @property
    def is_pickup(self) -> bool:
        return self.number == 0

    @property
    def length(self) -> Fraction:
        """Of what is written in it, in whole notes."""
        return self.signature.beat * len(self.beats)

    @property
    def tempo_bpm(self) -> float:
        """Beats a minute, over the whole bar."""
        return 60.0 * SAMPLE_RATE_HZ * len(self.beats) / (self.end - self.start)

    def position_of(self, time: int) -> float:
        """Where a time within the bar lies, in beats from its start, unquantised."""
        edges = (*self.beats, self.end)
        index = max(0, min(sum(edge <= time for edge in edges) - 1, len(self.beats) - 1))
        return index + (time - edges[index]) / (edges[index + 1] - edges[index])

    def time_of(self, position: float) -> float:
        """The sample (with its fraction) of a place given in beats from the bar's start."""
        edges = (*self.beats, self.end)
        index = max(0, min(int(position), len(self.beats) - 1))
        return edges[index] + (position - index) * (edges[index + 1] - edges[index])


@dataclass(frozen=True, slots=True)
class RhythmLock:
    """What a person has decided; None is left to the tracker.

    Attributes:
        tempo_bpm: beats a minute.
        signature: the metre.
        bar_one: sample index of bar 1's first beat.
        taps: sample indices of beats that were tapped, in order; they hold where they were tapped, and the first and
            last ones set the tempo before and after them. Where somebody left off for a while, even beats lie between.

    Raises:
        InvalidInput: REQUEST_INVALID, a tempo outside 20 to 400 or taps that do not rise.
    """

    tempo_bpm: float | None = None
    signature: TimeSignature | None = None
    bar_one: int | None = None
    taps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.tempo_bpm is not None and not SLOWEST_BPM <= self.tempo_bpm <= FASTEST_BPM:
            raise InvalidInput(
                Reason.REQUEST_INVALID,
                f"A tempo is {SLOWEST_BPM:g} to {FASTEST_BPM:g} beats a minute, not {self.tempo_bpm:g}.",
            )
        if any(a >= b for a, b in pairwise(self.taps)):
            raise InvalidInput(Reason.REQUEST_INVALID, "Taps must be in the order in which they were tapped.")


NO_LOCK = RhythmLock()
