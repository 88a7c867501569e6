"""Uploads on their way: whatever is cut off, swapped or read by others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from music.errors import NotFound, Unavailable
from web_edge.resumable.parts import Parts, Plan
from web_edge.resumable.sealed import RECORD_BYTES, Cipher, RecordWriter, extent_of
from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import HEADER_BYTES

pytestmark = pytest.mark.anyio
ID = "a" * 32


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


@pytest.fixture
async def parts(tmp_path: Path, keys: Keyring) -> Parts:
    return Parts(tmp_path / "uploads", keys)


def plan(length: int, name: str = ID, owner: str = "alice") -> Plan:
    return Plan(name, owner, length, "a.wav", {}, 4e9)


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def content(parts: Parts, name: str = ID) -> bytes:
    return b"".join([piece async for piece in parts.pieces(name)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 3 * RECORD_BYTES), min_size=1, max_size=4),
    lost=st.integers(0, 2 * RECORD_BYTES),
)
def test_whatever_a_crash_cuts_off_the_rest_is_what_was_sent(
    tmp_path: Path, keys: Keyring, sizes: list[int], lost: int
) -> None:
    sound = bytes(range(251)) * (sum(sizes) // 251 + 1)
    path = tmp_path / "part"
    path.unlink(missing_ok=True)
    Cipher.make(path, keys, ID)
    cipher = Cipher.of(path, keys, ID)
    place = 0
    for size in sizes:
        writer = RecordWriter(cipher, place)
        with path.open("ab") as file:
            file.write(writer.push(sound[place : place + size]) + writer.flush())
        place += size
    whole = path.read_bytes()
    path.write_bytes(whole[: max(HEADER_BYTES, len(whole) - lost)])
    extent = extent_of(path)
    assert place - extent.plain <= lost + RECORD_BYTES
    with path.open("rb") as file:
        assert b"".join(cipher.records(file)) == sound[: extent.plain]


async def test_nothing_of_the_sound_lies_open_and_nothing_opens_elsewhere(parts: Parts, tmp_path: Path) -> None:
    sound = b"sounds like a secret " * 10_000
    other = "b" * 32
    for name in (ID, other):
        await parts.create(plan(len(sound), name))
        assert await parts.append(plan(len(sound), name), 0, chunks(sound[:7], sound[7:]), None) == len(sound)
    paths = [tmp_path / "uploads" / f"{name}.part" for name in (ID, other)]
    assert not any(b"secret" in path.read_bytes() for path in paths)
    assert await content(parts) == sound
    # Another upload's bytes, and a byte that was changed.
    swapped = paths[0].read_bytes()
    paths[1].write_bytes(swapped)
    with pytest.raises(Unavailable):
        await content(parts, other)
    paths[0].write_bytes(swapped[:-1] + bytes([swapped[-1] ^ 1]))
    with pytest.raises(Unavailable):
        await content(parts)


async def test_an_upload_goes_on_after_half_a_record(parts: Parts, tmp_path: Path) -> None:
    sound = bytes(range(256)) * 1_000
    await parts.create(plan(len(sound)))
    await parts.append(plan(len(sound)), 0, chunks(sound[:100_000]), None)
    path = tmp_path / "uploads" / f"{ID}.part"
    path.write_bytes(path.read_bytes()[:-50])
    _, offset = await parts.get(ID)
    assert offset == RECORD_BYTES
    assert await parts.append(plan(len(sound)), offset, chunks(sound[offset:]), None) == len(sound)
    assert await content(parts) == sound


async def test_what_an_account_has_on_its_way_goes_with_it(parts: Parts, tmp_path: Path) -> None:
    sound = bytes(100_000)
    await parts.create(plan(len(sound)))
    await parts.create(plan(len(sound), "b" * 32, "bob"))

    async def meanwhile() -> AsyncIterator[bytes]:
        yield sound[:70_000]
        await parts.remove_owned("alice")
        yield sound[70_000:]

    await parts.append(plan(len(sound)), 0, meanwhile(), None)
    with pytest.raises(NotFound):
        await content(parts)
    with pytest.raises(NotFound):
        await parts.append(plan(len(sound)), 0, chunks(sound), None)
    assert {path.stem for path in (tmp_path / "uploads").iterdir()} == {"b" * 32}
