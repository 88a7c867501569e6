"""The Range header against plain slicing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput, Reason
from web_edge.ranges import MOST_RANGES, ByteRange, parse_ranges

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, SIZE)]),
        ("bytes=-1", [(999, SIZE)]),
        ("bytes=-5000", [(0, SIZE)]),
        ("bytes=990-5000", [(990, SIZE)]),
        ("Bytes= 5-9 , 20-29", [(5, 10), (20, 30)]),
        ("bytes=20-29,5-9,10-14", [(5, 15), (20, 30)]),
        ("bytes=5-9,2000-3000", [(5, 10)]),
    ],
)
def test_what_is_asked_for(header: str, ranges: list[tuple[int, int]]) -> None:
    assert parse_ranges(header, SIZE) == [ByteRange(*one) for one in ranges]


@pytest.mark.parametrize(
    "header", ["", "bytes", "items=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=1-2;3"]
)
def test_what_is_no_range_is_passed_over(header: str) -> None:
    assert parse_ranges(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=-0", "bytes=" + ",".join(["0-0"] * (MOST_RANGES + 1))])
def test_what_cannot_be_served_is_refused(header: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_ranges(header, SIZE)
    assert caught.value.reason is Reason.RANGE_NOT_SATISFIABLE


@given(
    asked=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1200)).map(sorted), min_size=1, max_size=MOST_RANGES)
)
def test_ranges_cover_what_was_asked_and_no_byte_twice(asked: list[list[int]]) -> None:
    wanted = {index for first, last in asked for index in range(first, last + 1) if index < SIZE}
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in asked)
    if not wanted:
        with pytest.raises(InvalidInput):
            parse_ranges(header, SIZE)
        return
    given_back = [index for one in parse_ranges(header, SIZE) or [] for index in range(one.start, one.stop)]
    assert given_back == sorted(wanted)
