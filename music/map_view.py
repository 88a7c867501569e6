"""Maps of activations seen from some of their cells: by offsets in rows and columns, and joined over stretches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class MapView:
    """Cells of padded maps.

    Args:
        rows, columns: i[n], the cells', columns counted in the padded maps.
        before, ahead: rows that every cell has before and behind it.
    """

    def __init__(self, rows: NDArray[np.intp], columns: NDArray[np.intp], before: int, ahead: int) -> None:
        self.rows, self.columns = rows, columns
        self.ahead = ahead
        self.before = before

    def at(self, maps: Array, apart: int = 0, later: int = 0) -> Array:
        """The cells `apart` columns higher and `later` rows later: f32[n]."""
        return maps[self.rows + later, self.columns + apart]

    def mean(self, maps: Array, first: int, last: int) -> Array:
        """Mean over the rows first..last from every row, as `over`."""
        return self.over(maps, first, last, np.add) / np.float32(last - first + 1)

    def over(self, maps: Array, first: int, last: int, join: Callable[[Array, Array], Array]) -> Array:
        """Rows first..last from every row, joined one by one; rows whose span leaves the maps hold nothing of use."""
        out = np.zeros_like(maps)
        begin, end = self.before, len(maps) - self.ahead
        if end > begin:
            joined = maps[begin + first : end + first].copy()
            for offset in range(first + 1, last + 1):
                joined = join(joined, maps[begin + offset : end + offset])
            out[begin:end] = joined
        return out
