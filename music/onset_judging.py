"""What the tracker asks about onsets: which frames may begin a note, and how likely each does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from music.activations import Activations


@dataclass(frozen=True, slots=True)
class Onset:
    """A frame in which a note may begin.

    Attributes:
        frame: counted from the session's first frame.
        column: the pitch's, see `Activations`.
        strength: onset activation there, 0..1.
        probability: that a note begins, 0..1.
        shift: frames by which it begins after `frame` (negative: before it).
    """

    frame: int
    column: int
    strength: float
    probability: float
    shift: float = 0.0


class OnsetJudge(Protocol):
    """Finds onsets and says how likely they are.

    The first opinion about a frame needs `FIRST_AHEAD` rows behind it, the one that decides `decision_frames`. Neither
    looks at more, so they are the same however the activations were cut. A judge may remember what it was asked before;
    a copy of it (`copy.copy`) goes on by itself.

    Attributes:
        rows_before: rows before a frame that are looked at.
        decision_frames: frames behind a frame that decide about it.
        spread: frames by which an onset may lie before its frame.
    """

    rows_before: int
    decision_frames: int
    spread: float

    def first(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """What can be said of `count` rows from row `begin` on, row by row, by column; one row behind them is there."""
        ...

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """The same, `decision_frames` rows behind them known. Who appears in neither list is no onset."""
        ...


FIRST_AHEAD = 1
