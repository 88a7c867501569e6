"""How a benchmark prints: a table for people, then one JSON line for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        numeric = [not isinstance(rows[number - 1][c], str) if number else False for c in range(len(row))]
        print("  ".join(t.rjust(w) if n else t.ljust(w) for t, w, n in zip(row, widths, numeric, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_json(benchmark: str, **facts: object) -> None:
    """The line a benchmark ends in; floats rounded to four places, null for what is not a number."""
    print(json.dumps({"benchmark": benchmark, **{key: _rounded(value) for key, value in facts.items()}}))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
