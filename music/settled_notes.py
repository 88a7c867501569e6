"""The notes of a session that were settled last, by when they begin."""

from __future__ import annotations

from bisect import bisect_left, insort

from music.technique_figures import Sounded

MOST = 256
"""Minutes of the densest music, and a bound for a string that never stops."""


class SettledNotes:
    """Remembers the last `MOST` settled notes."""

    def __init__(self) -> None:
        self._by_id: dict[str, Sounded] = {}
        self._onsets: list[tuple[int, str]] = []

    def add(self, sounded: Sounded) -> None:
        """Take a note whose onset, pitch and place are settled."""
        self.forget(sounded.note.id)
        self._by_id[sounded.note.id] = sounded
        insort(self._onsets, (sounded.note.onset, sounded.note.id))
        if len(self._by_id) > MOST:
            self.forget(next(iter(self._by_id)))

    def replace(self, sounded: Sounded) -> None:
        """The same note as it is known now, if it is remembered."""
        if sounded.note.id in self._by_id:
            self._by_id[sounded.note.id] = sounded

    def forget(self, note_id: str) -> None:
        known = self._by_id.pop(note_id, None)
        if known is not None:
            del self._onsets[bisect_left(self._onsets, (known.note.onset, note_id))]

    def between(self, first: int, end: int) -> list[Sounded]:
        """Those that begin from sample `first` on and before `end`, by onset."""
        begin, stop = bisect_left(self._onsets, (first, "")), bisect_left(self._onsets, (end, ""))
        return [self._by_id[note_id] for _, note_id in self._onsets[begin:stop]]
