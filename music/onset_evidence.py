"""What speaks for a note that begins: a few figures about every peak of the onset activation, and their weight.

A peak alone says little. Strings that ring on stir when another one is struck, partials of a low note look like notes
of their own, drums light up whole regions. What tells them apart lies around the peak: how the frame activation rises,
what the pitches an octave or a twelfth away do, how much begins at once. The figures look a fixed number of frames
back and ahead and know nothing of the piece, so they are the same however the activations were cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.activations import LOWEST_PITCH, PITCH_COUNT
from music.map_view import Array, MapView

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


class _View(MapView):
    """The activations around the candidates; offsets are in frames from the peak, or in semitones from its pitch."""

    def __init__(
        self, onset: Array, frame: Array, centre: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], ahead: int
    ) -> None:
        margin = ((0, 0), (_BELOW, _ABOVE))
        self._onset, self._frame, self._centre = (np.pad(maps, margin) for maps in (onset, frame, centre))
        super().__init__(rows, columns + _BELOW, FRAMES_BEFORE, ahead)
        last = min(6, ahead)
        self._near = self.over(self._onset, -_TOGETHER, min(_TOGETHER, ahead), np.maximum)
        self._before = self.mean(self._frame, -4, -1)
        self._after = self.mean(self._frame, 1, last)
        self._rise = self._after - self._before
        self._near_own, self._after_own = self.at(self._near), self.at(self._after)

    def own_onset(self) -> dict[str, Array]:
        """The onset activation at the pitch."""
        figures = {f"onset at {k:+}": self._onset[self.rows + k, self.columns] for k in (-2, -1, 0, 1)}
        figures["onset past"] = self.at(self.over(self._onset, -FRAMES_BEFORE, -3, np.maximum))
        figures["onset just past"] = self.at(self.over(self._onset, -6, -3, np.maximum))
        if self.ahead >= 3:
            figures["onset at +2"] = self._onset[self.rows + 2, self.columns]
            figures["onset to come"] = self.at(self.over(self._onset, 3, self.ahead, np.maximum))
        return figures

    def own_sound(self) -> dict[str, Array]:
        """Frame activation and contour at the pitch, and the pitch."""
        last = min(6, self.ahead)
        figures = {
            "pitch": (self.columns - _BELOW + LOWEST_PITCH).astype(np.float32),
            "frame at +0": self._frame[self.rows, self.columns],
            "frame at +1": self._frame[self.rows + 1, self.columns],
            "frame before": self.at(self._before),
            "frame long before": self.at(self.mean(self._frame, -FRAMES_BEFORE, -5)),
            "frame after": self._after_own,
            "frame rise": self.at(self._rise),
            "contour before": self.at(self.mean(self._centre, -4, -1)),
            "contour after": self.at(self.mean(self._centre, 1, last)),
        }
        if self.ahead >= 6:
            figures["frame soon after"] = self.at(self.mean(self._frame, 2, 3))
            figures["frame late after"] = self.at(self.mean(self._frame, 4, 6))
            figures["frame at the end"] = self.at(self.mean(self._frame, self.ahead - 1, self.ahead))
            figures["frame least"] = self.at(self.over(self._frame, 2, self.ahead, np.minimum))
        return figures

    def other_pitches(self) -> dict[str, Array]:
        """Neighbours on the keyboard, and the pitches that this one may be a partial of, or that may be its own."""
        figures = {}
        for apart in (-1, 1, *(-partial for partial in _PARTIALS), *_PARTIALS[:3]):
            figures[f"onset {apart:+} st"] = self.at(self._near, apart)
            figures[f"frame {apart:+} st"] = self.at(self._after, apart)
        for apart in (-12, -19):
            figures[f"frame rise {apart:+} st"] = self.at(self._rise, apart)
        figures["frame far below"] = np.maximum.reduce([self.at(self._after, -apart) for apart in _FAR_PARTIALS])
        return figures

    def everything(self) -> dict[str, Array]:
        """All pitches together: how much begins and sounds, and how this one stands among them."""
        pitches = slice(_BELOW, _BELOW + PITCH_COUNT)
        near, after = self._near[self.rows, pitches], self._after[self.rows, pitches]
        most = near.max(axis=1)
        return {
            "strongest onset": most,
            "share of strongest": self._near_own / most,
            "sum of onsets": np.where(near > 0.3, near, 0).sum(axis=1),
            "stronger onsets": (near > self._near_own[:, None]).sum(axis=1).astype(np.float32),
            "stronger frames": (after > self._after_own[:, None]).sum(axis=1).astype(np.float32),
            "sounding pitches": (after > 0.3).sum(axis=1).astype(np.float32),
            "sum of rises": np.maximum(self._rise[self.rows, pitches], 0).sum(axis=1),
            "strongest bass onset": near[:, :19].max(axis=1),
        }
