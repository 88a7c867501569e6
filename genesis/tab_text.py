"""Notes as a text tab in the order of time. Without bars: note times are never quantised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from music.audio import SAMPLE_RATE_HZ, seconds
from music.note import Note
from music.tuning import Instrument

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TOGETHER = SAMPLE_RATE_HZ * 30 // 1000
_DASHES_PER_SECOND = 10
_MOST_DASHES = 12
_WIDTH = 100


def to_tab_text(notes: Sequence[Note], instrument: Instrument) -> str:
    """One line a string, string 1 on top; every system headed by the time of its first note.

    Notes within 30 ms share a column; dashes between columns grow with the time between them. Notes without a
    position are left out and counted in the last line.
    """
    placed = sorted((note for note in notes if note.position is not None), key=lambda note: note.onset)
    lines: list[str] = []
    system = _System(instrument)
    for column in _columns(placed):
        if not system.takes(column):
            lines += [*system.lines(), ""]
            system = _System(instrument)
        system.add(column)
    lines += system.lines()
    missing = len(notes) - len(placed)
    if missing:
        lines += ["", f"{missing} notes lie outside this instrument's range."]
    return "\n".join(lines) + "\n"


class _System:
    """Lines that stand above each other."""

    def __init__(self, instrument: Instrument) -> None:
        labels = [_NAMES[pitch % 12] for pitch in instrument.tuning]
        margin = max(len(label) for label in labels)
        self._rows = [f"{label:<{margin}}|-" for label in labels]
        self._margin = margin
        self._first: int | None = None
        self._last = 0

    def takes(self, column: list[Note]) -> bool:
        return self._first is None or len(self._rows[0]) + self._gap(column) + _cell_width(column) <= _WIDTH

    def add(self, column: list[Note]) -> None:
        onset = column[0].onset
        width = _cell_width(column)
        gap = "" if self._first is None else "-" * self._gap(column)
        frets = {note.position.string: str(note.position.fret) for note in column if note.position is not None}
        self._rows = [
            row + gap + frets.get(string, "").ljust(width, "-") for string, row in enumerate(self._rows, start=1)
        ]
        self._first = onset if self._first is None else self._first
        self._last = onset

    def lines(self) -> list[str]:
        if self._first is None:
            return ["No notes."]
        minutes, rest_s = divmod(seconds(self._first), 60)
        return [f"{' ' * (self._margin + 2)}{int(minutes)}:{rest_s:04.1f}", *(row + "-" for row in self._rows)]

    def _gap(self, column: list[Note]) -> int:
        return max(1, min(_MOST_DASHES, round(seconds(column[0].onset - self._last) * _DASHES_PER_SECOND)))


def _cell_width(column: list[Note]) -> int:
    return max(len(str(note.position.fret)) for note in column if note.position is not None)


def _columns(placed: list[Note]) -> list[list[Note]]:
    starts: list[int] = []
    for note in placed:
        starts.append(starts[-1] if starts and note.onset - starts[-1] <= _TOGETHER else note.onset)
    return [[note for note, _ in group] for _, group in groupby(zip(placed, starts, strict=True), key=lambda p: p[1])]
