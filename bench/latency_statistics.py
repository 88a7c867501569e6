"""What a session's note events say about its latency, once it is over. Pure; no clock, no network.

Latency and "taken back" are counted as the design says: for every truth note matched by a committed note, arrival of
the first event of that id with the final pitch, minus the truth's onset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench._scoring import PlainNote, matches
from music.audio import SAMPLE_RATE_HZ, seconds
from music.note import SETTLED, Note, NoteState

_MOVED = SAMPLE_RATE_HZ // 20
_SHARES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Heard:
    """One revision of a note and when the client had it, in seconds since the session's first sample sounded."""

    note: Note
    at_s: float


@dataclass(slots=True)
class Figures:
    """Of one session, or of several added up.

    Attributes:
        tentative_ms: truth onset to the first event with the final pitch, for each matched note before the lead-out.
        committed_ms: truth onset to the first COMMITTED (or ENDED) event, for the same notes.
        untimed: matched notes that begin in the lead-out, where the end of the session hastens decisions.
        truth, committed, matched: counts of notes; what is missing to `truth` was not found.
        tentative, taken_back: notes that were ever TENTATIVE, and those of them that did not stay what they were.
        unannounced: committed notes that never were TENTATIVE.
    """

    tentative_ms: list[float] = field(default_factory=list)
    committed_ms: list[float] = field(default_factory=list)
    untimed: int = 0
    truth: int = 0
    committed: int = 0
    matched: int = 0
    tentative: int = 0
    taken_back: int = 0
    unannounced: int = 0

    @property
    def f1(self) -> float:
        total = self.truth + self.committed
        return 2 * self.matched / total if total else 0.0

    @property
    def taken_back_share(self) -> float:
        return self.taken_back / self.tentative if self.tentative else 0.0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def figures(truth: Sequence[PlainNote], heard: Iterable[Heard], timed_until_s: float) -> Figures:
    """Judge one session.

    Args:
        truth: every note of what was played.
        heard: every note event, in the order of arrival.
        timed_until_s: notes with a later onset count for the score, not for the latency.
    """
    histories: dict[str, list[Heard]] = {}
    for one in heard:
        histories.setdefault(one.note.id, []).append(one)
    committed = [history for history in histories.values() if history[-1].note.state in SETTLED]
    pairs = matches(truth, [_plain(history[-1].note) for history in committed])
    timed = [(truth[t].onset_s, committed[c]) for t, c in pairs if truth[t].onset_s <= timed_until_s]
    ever = [history for history in histories.values() if _first_tentative(history) is not None]
    return Figures(
        tentative_ms=[(_first_right_s(history) - onset_s) * 1000 for onset_s, history in timed],
        committed_ms=[(_settled_s(history) - onset_s) * 1000 for onset_s, history in timed],
        untimed=len(pairs) - len(timed),
        truth=len(truth),
        committed=len(committed),
        matched=len(pairs),
        tentative=len(ever),
        taken_back=sum(was_taken_back(history) for history in ever),
        unannounced=sum(_first_tentative(history) is None for history in committed),
    )


def was_taken_back(history: Sequence[Heard]) -> bool:
    """Whether a note that was TENTATIVE was retracted later, got another pitch, or moved by more than 50 ms."""
    first = _first_tentative(history)
    return first is not None and any(
        one.note.state is NoteState.RETRACTED
        or one.note.pitch != first.pitch
        or abs(one.note.onset - first.onset) > _MOVED
        for one in history
    )


def percentiles(values: Sequence[float]) -> Mapping[str, float]:
    """p50, p95 and p99, linear between neighbours; NaN of nothing."""
    if not values:
        return {f"p{share}": float("nan") for share in _SHARES}
    return {f"p{share}": float(value) for share, value in zip(_SHARES, np.percentile(values, _SHARES), strict=True)}


def _first_tentative(history: Sequence[Heard]) -> Note | None:
    return next((one.note for one in history if one.note.state is NoteState.TENTATIVE), None)


def _first_right_s(history: Sequence[Heard]) -> float:
    pitch = history[-1].note.pitch
    return next(one.at_s for one in history if one.note.pitch == pitch)


def _settled_s(history: Sequence[Heard]) -> float:
    return next(one.at_s for one in history if one.note.state in SETTLED)


def _plain(note: Note) -> PlainNote:
    return PlainNote(seconds(note.onset), seconds(note.onset if note.offset is None else note.offset), note.pitch)
