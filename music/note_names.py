"""What notes are called: a name that can be foretold before a note is settled, and is the same however it was found.

A note is named after its pitch and the stretch of time its settled onset lies in, and counted within the two. So a
name depends on the settled notes of that pitch and that stretch alone; a provisional onset that is off by a frame
foretells the same name unless a border lies between, and an error elsewhere is no error here.
"""

from __future__ import annotations

CELL_FRAMES = 32
"""Frames of a stretch, 372 ms: long against the error of a provisional onset, short against a session."""


class NoteNames:
    """Gives every settled note its name, in the order of their confirmation within one pitch."""

    def __init__(self) -> None:
        self._given: dict[tuple[int, int], int] = {}

    def give(self, pitch: int, onset: int) -> str:
        """The name of a note that is settled.

        Args:
            pitch: MIDI pitch.
            onset: frame.
        """
        cell = (pitch, onset // CELL_FRAMES)
        count = self._given.get(cell, 0)
        self._given[cell] = count + 1
        return _name(*cell, count)

    def foretell(self, pitch: int, onset: int, before: int = 0) -> str:
        """The name a note would get if it were settled now, after `before` others of its pitch and stretch."""
        cell = (pitch, onset // CELL_FRAMES)
        return _name(*cell, self._given.get(cell, 0) + before)

    def close(self, frontier: int) -> None:
        """Forget the stretches before `frontier` (frame), in which nothing can be settled any more."""
        self._given = {cell: count for cell, count in self._given.items() if cell[1] >= frontier // CELL_FRAMES}


def stretch_end(onset: int) -> int:
    """The first frame after the stretch in which `onset` lies."""
    return (onset // CELL_FRAMES + 1) * CELL_FRAMES


def _name(pitch: int, cell: int, count: int) -> str:
    return f"{pitch}-{cell}" + (f"-{count}" if count else "")
