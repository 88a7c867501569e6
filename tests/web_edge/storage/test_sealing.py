"""What is sealed opens only whole, in order, under its name and with its key."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from music.errors import InvalidInput, Reason, Unavailable
from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import HEADER_BYTES, SEALED_BYTES, SEGMENT_BYTES, Opener, Seal, reseal, sealed_by


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


def sealed(keys: Keyring, data: bytes, name: str = "a") -> bytes:
    seal = Seal(keys, name)
    return b"".join([seal.header, *seal.push(data), seal.finish()])


def opened(keys: Keyring, stored: bytes, name: str = "a") -> bytes:
    return Opener.of(keys, name, stored[:HEADER_BYTES], len(stored)).open(0, stored[HEADER_BYTES:])


@given(
    size=st.sampled_from([0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES]),
    cuts=st.lists(st.integers(0, 3 * SEGMENT_BYTES), max_size=5).map(sorted),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
def test_whatever_is_sealed_opens_however_it_came(keys: Keyring, size: int, cuts: list[int]) -> None:
    data = random.Random(size).randbytes(size)
    seal = Seal(keys, "a")
    edges = [0, *(min(cut, size) for cut in cuts), size]
    stored = seal.header
    for start, stop in pairwise(edges):
        stored += b"".join(seal.push(data[start:stop]))
    stored += seal.finish()
    assert opened(keys, stored) == data
    assert data[:64] not in stored or size < 64


def test_what_was_changed_does_not_open(keys: Keyring) -> None:
    stored = sealed(keys, random.Random(1).randbytes(3 * SEGMENT_BYTES))
    body = stored[HEADER_BYTES:]
    first, second, third = (body[n * SEALED_BYTES : (n + 1) * SEALED_BYTES] for n in range(3))
    head = stored[:HEADER_BYTES]
    flipped = bytearray(stored)
    flipped[-1] ^= 1
    header = bytearray(stored)
    header[40] ^= 1
    for changed in (
        head + first + second,  # cut off between segments
        head + second + first + third,
        head + first + third,
        stored[:-1],
        stored + b"x",
        bytes(flipped),
        bytes(header),
        b"RIFF" + stored,
        b"",
    ):
        with pytest.raises(Unavailable) as caught:
            opened(keys, changed)
        assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
    with pytest.raises(Unavailable):
        opened(keys, stored, name="b")


def test_the_same_recording_is_sealed_differently_each_time(keys: Keyring) -> None:
    one, other = sealed(keys, b"x" * 1000), sealed(keys, b"x" * 1000)
    assert one[HEADER_BYTES:] != other[HEADER_BYTES:]


def test_a_new_key_seals_the_old_ones_open_and_what_is_forgotten_stays_shut(tmp_path: Path) -> None:
    keys = Keyring.open(tmp_path / "keys")
    elsewhere = Keyring.open(tmp_path / "keys")  # another process
    old = sealed(keys, b"music")
    before = keys.ids()[0]
    added = elsewhere.add()
    new = sealed(keys, b"music")
    assert [sealed_by(stored[:HEADER_BYTES]) for stored in (old, new)] == [before, added]
    assert opened(keys, old) == opened(keys, new) == b"music"
    moved = reseal(keys, "a", old[:HEADER_BYTES]) + old[HEADER_BYTES:]
    elsewhere.forget([before, added])  # never the newest
    assert keys.ids() == [added]
    assert opened(keys, moved) == b"music"
    with pytest.raises(Unavailable, match=before.hex()):
        opened(keys, old)


def test_nobody_else_reads_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    Keyring.open(path).add()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n", "AAAA\n", "é\n"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        Keyring.open(tmp_path / "keys")
    assert caught.value.reason is Reason.CONFIG_INVALID
