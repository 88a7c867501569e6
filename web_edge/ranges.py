"""The Range header (RFC 9110, 14): which bytes of a file are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from music.errors import InvalidInput, Reason

MOST_RANGES: Final = 16
"""More are refused: so many small pieces of one file are nobody's player."""

_RANGE = re.compile(r"[ \t]*(\d{0,18})-(\d{0,18})[ \t]*")
_UNIT = "bytes="


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `start` to `stop`, without `stop`."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def of(self, size: int) -> str:
        """As Content-Range says it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_ranges(header: str, size: int) -> list[ByteRange] | None:
    """The ranges of a file of `size` bytes, in order, those that touch put together; None for a header that is none.

    Raises InvalidInput: RANGE_NOT_SATISFIABLE, none of them is in the file, or there are more than MOST_RANGES.
    """
    if not header.lower().startswith(_UNIT):
        return None
    asked = header[len(_UNIT) :].split(",")
    if len(asked) > MOST_RANGES:
        raise InvalidInput(
            Reason.RANGE_NOT_SATISFIABLE,
            f"At most {MOST_RANGES} ranges at once. Ask for fewer, or for the whole.",
            size=size,
        )
    found: list[ByteRange] = []
    for one in asked:
        match = _RANGE.fullmatch(one)
        if match is None or not any(match.groups()):
            return None
        first, last = match.groups()
        if first and last and int(last) < int(first):
            return None
        start = int(first) if first else max(0, size - int(last))
        stop = min(size, int(last) + 1) if first and last else size
        if start < stop:
            found.append(ByteRange(start, stop))
    if not found:
        raise InvalidInput(Reason.RANGE_NOT_SATISFIABLE, f"The file has {size} bytes; the range is outside.", size=size)
    return _joined(found)


def _joined(ranges: list[ByteRange]) -> list[ByteRange]:
    joined: list[ByteRange] = []
    for one in sorted(ranges, key=lambda one: one.start):
        if joined and one.start <= joined[-1].stop:
            joined[-1] = ByteRange(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return joined
