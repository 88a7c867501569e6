"""What speaks for a note that begins: a few figures about every peak of the onset activation, and their weight.

A peak alone says little. Strings that ring on stir when another one is struck, partials of a low note look like notes
of their own, drums light up whole regions. What tells them apart lies around the peak: how the frame activation rises,
what the pitches an octave or a twelfth away do, how much begins at once. The figures look a fixed number of frames
back and ahead and know nothing of the piece, so they are the same however the activations were cut.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from music.activations import LOWEST_PITCH, PITCH_COUNT, beside_silence

Array = NDArray[np.float32]

FRAMES_BEFORE = 14
"""Frames before a peak that its figures look at."""
LEAST_PEAK = 0.25
"""Peaks below this are no candidates: one in a hundred rendered notes has none above it."""

_PARTIALS = (12, 19, 24, 28)
_FAR_PARTIALS = (31, 34, 36)
_BELOW, _ABOVE = 36, 28
_TOGETHER = 3


def peaks(onset: Array) -> NDArray[np.bool_]:
    """Where rows 1..t-2 of f32[t, n] have a candidate: bool[t - 2, n]."""
    here = onset[1:-1]
    return (here >= LEAST_PEAK) & (here > onset[:-2]) & (here >= onset[2:])


def evidence(
    onset: Array, frame: Array, centre: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], ahead: int
) -> tuple[list[str], Array]:
    """Figures about candidates.

    Args:
        onset: f32[t, 88], onset activation.
        frame: f32[t, 88], frame activation.
        centre: f32[t, 88], the contour at the pitches' centres.
        rows: i[n], the candidates' rows; each has `FRAMES_BEFORE` rows before it and `ahead` behind it.
        columns: i[n], their columns.
        ahead: frames after the peak that may be looked at, at least 1.

    Returns:
        The figures' names and f32[n, names].
    """
    view = _View(onset, frame, centre, rows, columns, ahead)
    figures = {**view.own_onset(), **view.own_sound(), **view.other_pitches(), **view.everything()}
    return list(figures), np.stack(list(figures.values()), axis=1).astype(np.float32)


class _View:
    """The activations around the candidates; offsets are in frames from the peak, or in semitones from its pitch."""

    def __init__(
        self, onset: Array, frame: Array, centre: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], ahead: int
    ) -> None:
        self._onset, self._frame, self._centre = (
            beside_silence(maps, _BELOW, _ABOVE) for maps in (onset, frame, centre)
        )
        self._rows, self._columns = rows, columns + _BELOW
        self._ahead = ahead
        last = min(6, ahead)
        self._near = self._over(self._onset, -_TOGETHER, min(_TOGETHER, ahead), np.maximum)
        self._before = self._mean(self._frame, -4, -1)
        self._after = self._mean(self._frame, 1, last)
        self._rise = self._after - self._before
        self._near_own, self._after_own = self._at(self._near), self._at(self._after)

    def own_onset(self) -> dict[str, Array]:
        """The onset activation at the pitch."""
        figures = {f"onset at {k:+}": self._onset[self._rows + k, self._columns] for k in (-2, -1, 0, 1)}
        figures["onset past"] = self._at(self._over(self._onset, -FRAMES_BEFORE, -3, np.maximum))
        figures["onset just past"] = self._at(self._over(self._onset, -6, -3, np.maximum))
        if self._ahead >= 3:
            figures["onset at +2"] = self._onset[self._rows + 2, self._columns]
            figures["onset to come"] = self._at(self._over(self._onset, 3, self._ahead, np.maximum))
        return figures

    def own_sound(self) -> dict[str, Array]:
        """Frame activation and contour at the pitch, and the pitch."""
        last = min(6, self._ahead)
        figures = {
            "pitch": (self._columns - _BELOW + LOWEST_PITCH).astype(np.float32),
            "frame at +0": self._frame[self._rows, self._columns],
            "frame at +1": self._frame[self._rows + 1, self._columns],
            "frame before": self._at(self._before),
            "frame long before": self._at(self._mean(self._frame, -FRAMES_BEFORE, -5)),
            "frame after": self._after_own,
            "frame rise": self._at(self._rise),
            "contour before": self._at(self._mean(self._centre, -4, -1)),
            "contour after": self._at(self._mean(self._centre, 1, last)),
        }
        if self._ahead >= 6:
            figures["frame soon after"] = self._at(self._mean(self._frame, 2, 3))
            figures["frame late after"] = self._at(self._mean(self._frame, 4, 6))
            figures["frame at the end"] = self._at(self._mean(self._frame, self._ahead - 1, self._ahead))
            figures["frame least"] = self._at(self._over(self._frame, 2, self._ahead, np.minimum))
        return figures

    def other_pitches(self) -> dict[str, Array]:
        """Neighbours on the keyboard, and the pitches that this one may be a partial of, or that may be its own."""
        figures = {}
        for apart in (-1, 1, *(-partial for partial in _PARTIALS), *_PARTIALS[:3]):
            figures[f"onset {apart:+} st"] = self._at(self._near, apart)
            figures[f"frame {apart:+} st"] = self._at(self._after, apart)
        for apart in (-12, -19):
            figures[f"frame rise {apart:+} st"] = self._at(self._rise, apart)
        figures["frame far below"] = np.maximum.reduce([self._at(self._after, -apart) for apart in _FAR_PARTIALS])
        return figures

    def everything(self) -> dict[str, Array]:
        """All pitches together: how much begins and sounds, and how this one stands among them."""
        pitches = slice(_BELOW, _BELOW + PITCH_COUNT)
        near, after = self._near[self._rows, pitches], self._after[self._rows, pitches]
        most = near.max(axis=1)
        return {
            "strongest onset": most,
            "share of strongest": self._near_own / most,
            "sum of onsets": np.where(near > 0.3, near, 0).sum(axis=1),
            "stronger onsets": (near > self._near_own[:, None]).sum(axis=1).astype(np.float32),
            "stronger frames": (after > self._after_own[:, None]).sum(axis=1).astype(np.float32),
            "sounding pitches": (after > 0.3).sum(axis=1).astype(np.float32),
            "sum of rises": np.maximum(self._rise[self._rows, pitches], 0).sum(axis=1),
            "strongest bass onset": near[:, :19].max(axis=1),
        }

    def _at(self, maps: Array, apart: int = 0) -> Array:
        return maps[self._rows, self._columns + apart]

    def _mean(self, maps: Array, first: int, last: int) -> Array:
        return self._over(maps, first, last, np.add) / np.float32(last - first + 1)

    def _over(self, maps: Array, first: int, last: int, join: Callable[[Array, Array], Array]) -> Array:
        """Rows first..last from every row, joined; rows whose span leaves the maps hold nothing of use."""
        out = np.zeros_like(maps)
        begin, end = FRAMES_BEFORE, len(maps) - self._ahead
        if end > begin:
            joined = maps[begin + first : end + first].copy()
            for offset in range(first + 1, last + 1):
                joined = join(joined, maps[begin + offset : end + offset])
            out[begin:end] = joined
        return out
