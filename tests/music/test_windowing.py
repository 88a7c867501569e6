from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from music.activations import Activations, FrameGrid, join
from music.windowing import Window, Windower, WindowGrid

BASIC_PITCH = WindowGrid(window_samples=43_844, window_frames=172, frame_hop=256, hop_frames=141, left_frames=15)

grids = st.builds(
    lambda hop, left, right, frame_hop, odd: WindowGrid(
        window_samples=(left + hop + right) * frame_hop - (min(odd, frame_hop - 1) if left + right else 0),
        window_frames=left + hop + right,
        frame_hop=frame_hop,
        hop_frames=hop,
        left_frames=left,
    ),
    hop=st.integers(1, 9),
    left=st.integers(0, 12),
    right=st.integers(0, 6),
    frame_hop=st.integers(1, 5),
    odd=st.integers(0, 4),
)


def cut(signal: NDArray[np.float32], sizes: list[int]) -> list[NDArray[np.float32]]:
    """`signal` in pieces of the given sizes, over and over."""
    pieces: list[NDArray[np.float32]] = []
    begin = 0
    while begin < len(signal):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(signal[begin : begin + size])
        begin += size
    return pieces


def windows_of(grid: WindowGrid, pieces: list[NDArray[np.float32]]) -> list[Window]:
    windower = Windower(grid)
    windows = [window for piece in pieces for window in windower.push(piece)]
    return windows + windower.finish()


def expected(grid: WindowGrid, signal: NDArray[np.float32], index: int) -> NDArray[np.float32]:
    """A window by its definition, sample by sample."""
    start = grid.start_of(index)
    return np.array(
        [signal[i] if 0 <= i < len(signal) else 0.0 for i in range(start, start + grid.window_samples)], np.float32
    )


@given(grid=grids, length=st.integers(0, 300), sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_windows_do_not_depend_on_the_chunks(grid: WindowGrid, length: int, sizes: list[int]) -> None:
    signal = np.arange(1, length + 1, dtype=np.float32)
    windows = windows_of(grid, cut(signal, sizes))
    assert [window.index for window in windows] == list(range(len(windows)))
    assert len(windows) >= grid.window_count(length)
    for window in windows:
        np.testing.assert_array_equal(window.samples, expected(grid, signal, window.index))


@given(grid=grids, length=st.integers(0, 300))
def test_frames_abut_and_count_once(grid: WindowGrid, length: int) -> None:
    """A network that answers with the signal itself must give every frame once, whatever window it came from."""
    signal = np.arange(1, length + 1, dtype=np.float32)
    pieces = []
    for window in windows_of(grid, [signal]):
        sampled = np.zeros((grid.window_frames, 1), np.float32)
        heard = window.samples[:: grid.frame_hop]
        sampled[: len(heard), 0] = heard
        begin, end = grid.settled_rows(window.index, length)
        rows = sampled[begin:end]
        pieces.append(Activations(window.index * grid.hop_frames, rows, rows, rows))
    if not pieces:
        assert length == 0
        return
    joined = join(pieces)
    assert len(joined) == grid.frame_count(length) == FrameGrid(grid.frame_hop).frame_count(length)
    np.testing.assert_array_equal(joined.onset[:, 0], signal[:: grid.frame_hop])


@given(grid=grids, length=st.integers(0, 300))
def test_a_window_is_complete_once_its_last_sample_is_there(grid: WindowGrid, length: int) -> None:
    count = grid.complete_count(length)
    assert count == 0 or grid.start_of(count - 1) + grid.window_samples <= length
    assert grid.start_of(count) + grid.window_samples > length


@given(
    grid=grids,
    length=st.integers(0, 300),
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    step=st.integers(1, 9),
)
def test_the_newest_window_is_the_signal_and_takes_nothing_from_the_others(
    grid: WindowGrid, length: int, sizes: list[int], step: int
) -> None:
    signal = np.arange(1, length + 1, dtype=np.float32)
    windower, windows = Windower(grid), []
    for piece in cut(signal, sizes):
        windows += windower.push(piece)
        newest = windower.newest(step)
        if newest is not None:
            assert newest.shift % step == 0
            assert newest.shift > 0
            start = grid.start_of(newest.index) + newest.shift * grid.frame_hop
            assert windower.duration - step * grid.frame_hop < start + grid.window_samples <= windower.duration
            heard = [signal[i] if i >= 0 else 0.0 for i in range(start, start + grid.window_samples)]
            np.testing.assert_array_equal(newest.samples, np.array(heard, np.float32))
    assert [w.index for w in [*windows, *windower.finish()]] == [w.index for w in windows_of(grid, [signal])]


def test_basic_pitch_begins_fifteen_frames_before_the_signal() -> None:
    assert BASIC_PITCH.start_of(0) == -3840
    assert BASIC_PITCH.start_of(1) - BASIC_PITCH.start_of(0) == 36_096
    assert BASIC_PITCH.complete_count(40_003) == 0
    assert BASIC_PITCH.complete_count(40_004) == 1


def test_one_sample_is_one_frame() -> None:
    windows = windows_of(BASIC_PITCH, [np.ones(1, np.float32)])
    assert len(windows) == 1
    assert windows[0].samples[3840] == 1
    assert np.count_nonzero(windows[0].samples) == 1


def test_nothing_is_nothing() -> None:
    assert windows_of(BASIC_PITCH, []) == []


def test_an_impossible_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot settle"):
        WindowGrid(window_samples=1024, window_frames=4, frame_hop=256, hop_frames=4, left_frames=1)
    with pytest.raises(ValueError, match="leave samples out"):
        WindowGrid(window_samples=1023, window_frames=4, frame_hop=256, hop_frames=4, left_frames=0)
    with pytest.raises(ValueError, match="positive"):
        WindowGrid(window_samples=1024, window_frames=4, frame_hop=0, hop_frames=4, left_frames=0)


def blank(first: int, count: int) -> Activations:
    maps = np.arange(first, first + count, dtype=np.float32)[:, None]
    return Activations(first, maps, maps, maps)


def test_join_refuses_a_hole() -> None:
    with pytest.raises(ValueError, match="abut"):
        join([blank(0, 3), blank(4, 1)])
    with pytest.raises(ValueError, match="nothing"):
        join([])


def test_rows_are_counted_from_the_session() -> None:
    piece = blank(10, 5)
    assert piece.rows(12, 14).onset[:, 0].tolist() == [12, 13]
    assert piece.rows(0, 11).first_frame == 10
    assert len(piece.rows(20, 30)) == 0


def test_an_onset_never_lies_before_the_signal() -> None:
    assert FrameGrid(256, onset_lag=300).sample_of(1) == 0
    assert FrameGrid(256, onset_lag=300).sample_of(2) == 212
