"""Chunks of a file as a microphone would send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.pacing import CHUNK_S, as_fast_as_accepted, paced, rechunk
from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat

STEREO = AudioFormat(AudioEncoding.PCM_F32LE, 44_100, 2)
CHUNK_BYTES = 882 * 8


async def blocks_of(*blocks: bytes, fault: Exception | None = None) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
    if fault is not None:
        raise fault


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_rechunking_changes_no_byte(blocks: list[bytes]) -> None:
    async def collect() -> list[bytes]:
        audio = AudioFormat(AudioEncoding.PCM_F32LE, 100, 1)
        return [chunk async for chunk in rechunk(blocks_of(*blocks), audio, 0.02)]

    chunks = asyncio.run(collect())
    assert b"".join(chunks) == b"".join(blocks)
    assert all(len(chunk) == 8 for chunk in chunks[:-1])


@pytest.mark.anyio
async def test_what_was_good_is_sent_before_the_fault() -> None:
    fault = InvalidInput(Reason.AUDIO_TRUNCATED, "cut")
    chunks = rechunk(blocks_of(bytes(CHUNK_BYTES + 8), fault=fault), STEREO, CHUNK_S)
    assert [len(await anext(chunks)), len(await anext(chunks))] == [CHUNK_BYTES, 8]
    with pytest.raises(InvalidInput, match="cut"):
        await anext(chunks)


@pytest.mark.anyio
async def test_a_chunk_is_sent_when_its_last_sample_has_sounded() -> None:
    loop = asyncio.get_running_loop()
    starts: list[float] = []
    arrivals = []
    async for _ in paced(rechunk(blocks_of(bytes(3 * CHUNK_BYTES)), STEREO, CHUNK_S), STEREO, starts.append):
        arrivals.append(loop.time() - starts[0])  # noqa: PERF401 - times the generator
    for index, arrival in enumerate(arrivals, start=1):
        assert arrival >= index * CHUNK_S - 0.001


@pytest.mark.anyio
async def test_no_chunk_exceeds_what_a_server_takes() -> None:
    wide = AudioFormat(AudioEncoding.PCM_F32LE, 192_000, 8)
    sizes = [len(chunk) async for chunk in as_fast_as_accepted(blocks_of(bytes(3 << 20)), wide)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 3 << 20
