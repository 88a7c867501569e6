"""Stems as files: what is in them, how long they stay, and that a session does without where they cannot be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.errors import NotFound, Reason
from orchestrator.auto_ear import LOOKS
from orchestrator.ears import StemEar
from orchestrator.stems import StemShelf
from tests.orchestrator.fake_separator import SCHEDULE, FakeSeparator
from tests.orchestrator.test_ears import auto_ear, heard, pcm, tone

pytestmark = pytest.mark.anyio
RATE_HZ = 44_100


class Kept(list[NDArray[np.float32]]):
    """A sink that keeps what it gets."""

    def write(self, stem: NDArray[np.float32]) -> None:
        self.append(stem.copy())

    @property
    def whole(self) -> NDArray[np.float32]:
        return np.concatenate(self, axis=1)


def decoded(path: Path) -> NDArray[np.int16]:
    """i16[2, n]."""
    with av.open(str(path)) as file:
        assert file.streams.audio[0].rate == RATE_HZ
        return np.concatenate([frame.to_ndarray().reshape(-1, 2).T for frame in file.decode(audio=0)], axis=1)


async def file_of(shelf: StemShelf, session_id: str) -> bytes:
    return b"".join([piece async for piece in shelf.pieces(session_id)])


async def test_a_stem_comes_back_as_it_was(tmp_path: Path) -> None:
    shelf = StemShelf(tmp_path / "stems", kept_s=60)
    assert (tmp_path / "stems").stat().st_mode & 0o777 == 0o700
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 100_000)).astype(np.float32)
    stem = shelf.open("s", RATE_HZ)
    for begin in range(0, 100_000, 7_001):
        stem.write(samples[:, begin : begin + 7_001])
    with pytest.raises(NotFound) as early:
        await file_of(shelf, "s")
    assert early.value.reason is Reason.STEM_NOT_FOUND, "half a stem is none"
    stem.finish()
    (path,) = (tmp_path / "stems").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert await file_of(shelf, "s") == path.read_bytes()
    np.testing.assert_array_equal(decoded(path), np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16))


async def test_what_is_old_goes_and_what_a_crash_left_too(tmp_path: Path) -> None:
    shelf = StemShelf(tmp_path, kept_s=60)
    for name in ("old", "new", "cut"):
        stem = shelf.open(name, RATE_HZ)
        stem.write(np.zeros((2, 9_000), np.float32))
        if name != "cut":
            stem.finish()
    os.utime(tmp_path / "old.flac", (0, 0))
    shelf.sweep()
    assert await file_of(shelf, "new")
    with pytest.raises(NotFound):
        await file_of(shelf, "old")
    StemShelf(tmp_path, kept_s=60)
    with pytest.raises(NotFound):
        await file_of(shelf, "cut")
    assert not (tmp_path / "cut.flac.part").exists()


async def test_a_stem_that_cannot_be_written_is_lost_and_nothing_else(tmp_path: Path) -> None:
    shelf = StemShelf(tmp_path / "stems", kept_s=60)
    shutil.rmtree(tmp_path / "stems")
    stem = shelf.open("s", RATE_HZ)
    for _ in range(3):
        stem.write(np.zeros((2, 9_000), np.float32))
    stem.finish()
    with pytest.raises(NotFound):
        await file_of(shelf, "s")


def test_the_sink_gets_the_whole_stem() -> None:
    kept, signal = Kept(), tone(1.5, RATE_HZ, 2)
    heard(StemEar(FakeSeparator(), SCHEDULE, pcm(RATE_HZ, 2), kept), signal, [1_000, 30_000])
    np.testing.assert_allclose(kept.whole, signal.T / 2, atol=1e-6)


@pytest.mark.parametrize("is_file", [False, True])
def test_the_sink_is_silent_up_to_where_the_stem_is_heard(is_file: bool) -> None:
    kept, signal = Kept(), tone(14.0, RATE_HZ, 2, 5.0)
    ear, _ = auto_ear(FakeSeparator(), pcm(RATE_HZ, 2), is_file=is_file, sink=kept)
    heard(ear, signal, list(range(0, len(signal), 9_000)))
    begin = (
        0 if is_file else next(look.at for look in LOOKS if look.at > 5 * SAMPLE_RATE_HZ) * RATE_HZ // SAMPLE_RATE_HZ
    )
    assert not kept.whole[:, :begin].any()
    np.testing.assert_allclose(kept.whole[:, begin:], signal.T[:, begin:] / 2, atol=1e-5)
    kept.clear()
    quiet, _ = auto_ear(FakeSeparator(), pcm(RATE_HZ, 2), is_file=is_file, sink=kept)
    heard(quiet, tone(14.0, RATE_HZ, 2), [])
    assert not kept
