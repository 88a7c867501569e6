"""How soon notes arrive, counted from their own onset (no truth needed), as the events come in."""

from __future__ import annotations

from dataclasses import dataclass

from music.audio import SAMPLE_RATE_HZ, seconds
from music.events import NoteRevised, SessionEvent
from music.note import SETTLED, Note, NoteState

_MOVED = SAMPLE_RATE_HZ // 20


@dataclass(slots=True)
class _Seen:
    first: Note
    pitch: int
    since_s: float


class LatencyMeter:
    """Takes every event with its arrival time, in seconds since the session's first sample sounded.

    `self_latency_ms` of a committed note: arrival of the first event of its id that had the final pitch, minus the
    note's own onset. A tentative note was taken back when it was retracted, changed pitch or moved by over 50 ms.
    """

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.tentative_count = 0
        self._taken_back: set[str] = set()
        self._seen: dict[str, _Seen] = {}
        self._settled: set[str] = set()

    @property
    def taken_back_count(self) -> int:
        return len(self._taken_back)

    def take(self, event: SessionEvent, arrival_s: float) -> float | None:
        """Milliseconds between the note's onset and its event's arrival; None for events that are no notes."""
        if not isinstance(event.payload, NoteRevised):
            return None
        note = event.payload.note
        seen = self._seen.get(note.id)
        if seen is None:
            seen = self._seen[note.id] = _Seen(note, note.pitch, arrival_s)
            self.tentative_count += note.state is NoteState.TENTATIVE
        if note.pitch != seen.pitch:
            seen.pitch, seen.since_s = note.pitch, arrival_s
        if seen.first.state is NoteState.TENTATIVE and _differs(seen.first, note):
            self._taken_back.add(note.id)
        if note.state in SETTLED and note.id not in self._settled:
            self._settled.add(note.id)
            self.latencies_ms.append((seen.since_s - seconds(note.onset)) * 1000)
        return (arrival_s - seconds(note.onset)) * 1000

    def summary(self) -> str:
        """One line for people."""
        if not self.latencies_ms:
            return "no notes"
        ordered = sorted(self.latencies_ms)
        p50, p95 = (ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] for share in (0.5, 0.95))
        return (
            f"{len(ordered)} notes, self_latency_ms p50 {p50:.0f} p95 {p95:.0f}, "
            f"taken back {self.taken_back_count} of {self.tentative_count} tentative"
        )


def _differs(first: Note, note: Note) -> bool:
    moved = abs(note.onset - first.onset) > _MOVED
    return note.state is NoteState.RETRACTED or note.pitch != first.pitch or moved
