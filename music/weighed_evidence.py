"""What speaks for or against an onset of a network whose onsets are calibrated: figures about its surroundings.

The network says of each pitch how likely it begins, and looks a tenth of a second ahead. It errs where what is played
is unlike what it learned from: through a driven amplifier peaks are lower and strings that meet sound like other
pitches, and a band begins notes of its own. That shows at other pitches, and in how sure the network was lately. Which
pitch it is, and what lies a second or a fifth beside it, is no figure: those would be the habits of whoever composed
the examples.

Every figure looks a fixed number of frames back, and of the long past only counts are read, which no order of adding
changes: they are the same however the activations were cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.activations import PITCH_COUNT
from music.map_view import Array, MapView

FRAMES_BEFORE = 14
"""Frames before an onset whose activations its figures look at."""
FRAMES_AHEAD = 2
"""And behind it."""
LATELY = 172
"""Frames of the past that are counted, two seconds: until three frames before the onset."""
HISTORY = LATELY + 4
"""Frames before an onset that `lately` looks at."""

_REACH = 2
_PARTIALS = (-12, 12, -19, 19, -24, 24, -28, 28, -31, -36)
_RISES = (-12, 12, -19)
_FUNDAMENTALS = (12, 19, 24, 28, 31, 34, 36)
_BELOW, _ABOVE = 36, 28
_BASS = 26
_SOUNDS, _SURELY, _HARDLY = 0.3, 0.8, 0.07


def evidence(
    onset: Array, frame: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], past: dict[str, Array]
) -> tuple[list[str], Array]:
    """Figures about onsets.

    Args:
        onset: f32[t, 88], probability that a note begins.
        frame: f32[t, 88], probability that the pitch sounds.
        rows: i[n], the onsets' rows; each has `FRAMES_BEFORE` rows before it and `FRAMES_AHEAD` behind it.
        columns: i[n], their columns.
        past: what `lately` says about those rows, f32[n] each.

    Returns:
        The figures' names and f32[n, names].
    """
    view = _View(onset, frame, rows, columns)
    figures = {**view.own(), **view.other_pitches(), **view.everything(), **past}
    return list(figures), np.stack(list(figures.values()), axis=1).astype(np.float32)


def lately(onset: Array, frame: Array) -> dict[str, Array]:
    """How sure the network was in the two seconds before a row, and how much sounded: means a frame.

    Args:
        onset: f32[t, 88]; the first `HISTORY` rows are only looked back at.
        frame: f32[t, 88].

    Returns:
        By name f32[t - `HISTORY`], one for each row behind those.
    """
    likely, here = _spread(onset[:-1]), frame[_REACH:-3]
    counted = {
        "half onsets": (likely > 0.15) & (likely < 0.5),
        "sure onsets": likely >= 0.5,
        "sounding": here > _SOUNDS,
        "half sounding": (here > _HARDLY) & (here < 0.5),
        "surely sounding": here > _SURELY,
        "flicker": np.abs(here - frame[_REACH - 1 : -4]) > 0.1,
    }
    figures = {}
    for name, cells in counted.items():
        until = np.concatenate([[0], np.cumsum(cells.sum(axis=1))])
        figures[f"{name} lately"] = ((until[LATELY:] - until[:-LATELY]) / LATELY).astype(np.float32)
    half, sure = figures["half onsets lately"], figures["sure onsets lately"]
    figures["share of half onsets lately"] = half / (half + sure + np.float32(4 / LATELY))
    return figures


def _spread(onset: Array) -> Array:
    """Sums over `_REACH` rows to either side: f32[t - 4, n]. They grow term by term, so no bit depends on t."""
    count = len(onset) - 2 * _REACH
    total = onset[:count].copy()
    for offset in range(1, 2 * _REACH + 1):
        total += onset[offset : offset + count]
    return total


class _View(MapView):
    """The activations around the onsets; offsets are in frames from the onset, or in semitones from its pitch."""

    def __init__(self, onset: Array, frame: Array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        super().__init__(rows, columns + _BELOW, FRAMES_BEFORE, FRAMES_AHEAD)
        margin = ((0, 0), (_BELOW, _ABOVE))
        self._onset, self._frame = np.pad(onset, margin), np.pad(frame, margin)
        self._likely = np.pad(_spread(self._onset), ((_REACH, _REACH), (0, 0)))
        self._long_before = self.mean(self._frame, -FRAMES_BEFORE, -5)
        self._before = self.mean(self._frame, -4, -1)
        self._after = self.mean(self._frame, 1, FRAMES_AHEAD)
        self._rise = self._after - self._before

    def own(self) -> dict[str, Array]:
        """The onset's pitch."""
        figures = {f"onset at {k:+}": self.at(self._onset, later=k) for k in range(-3, FRAMES_AHEAD + 1)}
        return figures | {
            "likely": self.at(self._likely),
            "onset past": self.at(self.over(self._onset, -FRAMES_BEFORE, -4, np.maximum)),
            "frame at +0": self.at(self._frame),
            "frame at +2": self.at(self._frame, later=FRAMES_AHEAD),
            "frame long before": self.at(self._long_before),
            "frame before": self.at(self._before),
            "frame after": self.at(self._after),
            "frame rise": self.at(self._rise),
        }

    def other_pitches(self) -> dict[str, Array]:
        """The pitches that this one may be a partial of, or that may be its own."""
        figures = {}
        for apart in _PARTIALS:
            figures[f"likely {apart:+} st"] = self.at(self._likely, apart)
            figures[f"frame {apart:+} st"] = self.at(self._after, apart)
        for apart in _RISES:
            figures[f"frame rise {apart:+} st"] = self.at(self._rise, apart)
        figures["frame of a fundamental"] = np.maximum.reduce([self.at(self._after, -a) for a in _FUNDAMENTALS])
        return figures

    def everything(self) -> dict[str, Array]:
        """All pitches together: how much begins and sounds, and how this one stands among them."""
        pitches = slice(_BELOW, _BELOW + PITCH_COUNT)
        likely, after, before = (m[self.rows, pitches] for m in (self._likely, self._after, self._before))
        own_likely, own_after = self.at(self._likely), self.at(self._after)
        most = likely.max(axis=1)
        return {
            "likeliest": most,
            "share of likeliest": own_likely / most,
            "expected onsets": likely.sum(axis=1),
            "onsets": _count(likely > _SOUNDS),
            "likelier onsets": _count(likely > own_likely[:, None]),
            "sounding pitches": _count(after > _SOUNDS),
            "sounding before": _count(before > _SOUNDS),
            "half sounding pitches": _count((after > _HARDLY) & (after < 0.5)),
            "stronger frames": _count(after > own_after[:, None]),
            "sum of rises": np.maximum(after - before, 0).sum(axis=1),
            "strongest bass": after[:, :_BASS].max(axis=1),
        }


def _count(cells: NDArray[np.bool_]) -> Array:
    return np.asarray(cells.sum(axis=1), np.float32)
