"""A file as a microphone would send it: PCM in 20 ms chunks, each when its last sample has sounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable

from music.events import AudioFormat

CHUNK_S = 0.02
_BYTES_PER_SAMPLE = 4
_FAST_CHUNK_S = 1.0


async def rechunk(blocks: AsyncIterable[bytes], audio: AudioFormat, chunk_s: float) -> AsyncIterator[bytes]:
    """The same f32le PCM in chunks of `chunk_s`, the last one shorter; what `blocks` raises comes after."""
    size = max(1, round(audio.sample_rate_hz * chunk_s)) * audio.channel_count * _BYTES_PER_SAMPLE
    waiting = bytearray()
    fault: Exception | None = None
    try:
        async for block in blocks:
            waiting += block
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    except Exception as error:  # raised below, once what was good has been passed on
        fault = error
    if waiting:
        yield bytes(waiting)
    if fault is not None:
        raise fault


async def paced(
    chunks: AsyncIterable[bytes], audio: AudioFormat, started: Callable[[float], None]
) -> AsyncIterator[bytes]:
    """Hold every chunk back until a microphone would have recorded all of it.

    `started` is told the loop's time of the first sample, when the first chunk is asked for.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    started(start)
    bytes_per_second = audio.sample_rate_hz * audio.channel_count * _BYTES_PER_SAMPLE
    sent = 0
    async for chunk in chunks:
        sent += len(chunk)
        delay_s = start + sent / bytes_per_second - loop.time()
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        yield chunk


def as_fast_as_accepted(blocks: AsyncIterable[bytes], audio: AudioFormat) -> AsyncIterator[bytes]:
    """Chunks of a second, well below the largest message a server takes (1 MiB) at any rate and channel count."""
    most = 1 << 19
    per_second = audio.sample_rate_hz * audio.channel_count * _BYTES_PER_SAMPLE
    return rechunk(blocks, audio, min(_FAST_CHUNK_S, most / per_second))
