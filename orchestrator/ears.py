"""What a session hears: the mix, or a stem of it from some sample on.

An ear takes the caller's bytes and gives the session's signal. Whatever it does to them depends on the samples alone
and on points that are fixed in sample index, so the same audio in other pieces is heard the same.
"""

from __future__ import annotations

from typing import Protocol

import anyio.to_thread
import numpy as np

from inference.ports import Separator, StemStream
from music.audio import SAMPLE_RATE_HZ
from music.events import AudioFormat
from music.window_schedule import WindowSchedule
from orchestrator.decoding import PcmDecoder, PcmReader, Resampler, Samples
from orchestrator.stems import StemSink

_INLINE_BYTES = 1 << 15
_STEREO = 2


class Ear(Protocol):
    """One session's hearing. Not shared between tasks."""

    @property
    def received_until(self) -> int:
        """Audio accepted so far, as a sample index of the session's clock."""
        ...

    @property
    def heard_until(self) -> int:
        """How much of it need not be waited for any more: what was given, and what a resampler holds."""
        ...

    @property
    def wanted_bytes(self) -> int:
        """Bytes of audio until `push` has something to give, as far as that is known; 0 or fewer for any."""
        ...

    def gather(self, grain: int) -> None:
        """From now on give signal when it completes another `grain` samples, if this ear can wait; 0: at once."""
        ...

    async def push(self, data: bytes) -> Samples:
        """The signal that became known, f32[n], mono, at the session's rate.

        Raises:
            InvalidInput: CHUNK_MISALIGNED, AUDIO_NOT_FINITE; nothing of such a chunk is accepted.
        """
        ...

    async def finish(self) -> Samples:
        """The rest: all pieces together hold `received_until` samples."""
        ...


class PlainEar:
    """Hears the mix."""

    def __init__(self, audio: AudioFormat) -> None:
        self._decoder = PcmDecoder(audio)

    @property
    def received_until(self) -> int:
        """See `Ear.received_until`."""
        return self._decoder.received_until

    @property
    def heard_until(self) -> int:
        """See `Ear.heard_until`."""
        return self._decoder.received_until

    @property
    def wanted_bytes(self) -> int:
        """See `Ear.wanted_bytes`."""
        return self._decoder.wanted_bytes

    def gather(self, grain: int) -> None:
        """See `Ear.gather`."""
        self._decoder.grain = grain

    async def push(self, data: bytes) -> Samples:
        """See `Ear.push`."""
        if len(data) <= _INLINE_BYTES:
            return self._decoder.push(data)
        return await anyio.to_thread.run_sync(self._decoder.push, data)

    async def finish(self) -> Samples:
        """See `Ear.finish`."""
        return self._decoder.finish()


class StemEar:
    """Hears a stem."""

    def __init__(
        self, separator: Separator, schedule: WindowSchedule, audio: AudioFormat, sink: StemSink | None = None
    ) -> None:
        self._wide = WideDecoder(audio, separator.sample_rate_hz)
        self._stem = MonoStem(separator, schedule, sink)
        self._given = 0

    @property
    def received_until(self) -> int:
        """See `Ear.received_until`."""
        return self._wide.received_until

    @property
    def heard_until(self) -> int:
        """See `Ear.heard_until`."""
        return self._given

    @property
    def wanted_bytes(self) -> int:
        """See `Ear.wanted_bytes`."""
        return 0

    def gather(self, grain: int) -> None:
        """See `Ear.gather`; a separator takes its own time."""

    async def push(self, data: bytes) -> Samples:
        """See `Ear.push`."""
        wide = await anyio.to_thread.run_sync(self._wide.push, data)
        return self._counted(await self._stem.push(wide))

    async def finish(self) -> Samples:
        """See `Ear.finish`."""
        await self._stem.push(self._wide.finish())
        return self._counted(fitted(await self._stem.finish(), self.received_until - self._given))

    def _counted(self, samples: Samples) -> Samples:
        self._given += len(samples)
        return samples


class WideDecoder:
    """PCM bytes of one format → stereo at a separator's rate; mono on both sides, more channels mixed first."""

    def __init__(self, audio: AudioFormat, rate_hz: int) -> None:
        self._reader = PcmReader(audio)
        self._is_stereo = audio.channel_count == _STEREO
        self._rate_hz = audio.sample_rate_hz
        self._received = 0
        self._sides = [Resampler(audio.sample_rate_hz, rate_hz) for _ in range(_STEREO if self._is_stereo else 1)]

    @property
    def received_until(self) -> int:
        """Audio accepted so far, as a sample index of the session's clock."""
        return round(self._received * SAMPLE_RATE_HZ / self._rate_hz)

    def push(self, data: bytes) -> Samples:
        """f32[2, n]; raises as `PcmReader.read_channels` does."""
        values = self._reader.read_channels(data)
        self._received += len(values)
        sides = values.T if self._is_stereo else self._reader.mix(values)[np.newaxis]
        pieces = zip(self._sides, sides, strict=True)
        return self._both([resampler.push(np.ascontiguousarray(side)) for resampler, side in pieces])

    def finish(self) -> Samples:
        """What the resamplers still hold."""
        return self._both([resampler.finish() for resampler in self._sides])

    def _both(self, sides: list[Samples]) -> Samples:
        return np.stack(sides if self._is_stereo else sides * _STEREO)


class MonoStem:
    """Stereo at a separator's rate → its stem, mono, at the session's rate.

    Args:
        sink: gets the stem as it is.
        to_skip: of its beginning, samples that `sink` does not get.
    """

    def __init__(
        self, separator: Separator, schedule: WindowSchedule, sink: StemSink | None = None, to_skip: int = 0
    ) -> None:
        self._stream: StemStream = separator.open_stream(schedule)
        self._resampler = Resampler(separator.sample_rate_hz)
        self._sink = sink
        self._to_skip = to_skip

    async def push(self, wide: Samples) -> Samples:
        """f32[n] of f32[2, m]."""
        return await self._narrowed(await self._stream.push(wide))

    async def finish(self) -> Samples:
        """The rest."""
        last = await self._narrowed(await self._stream.finish())
        return np.concatenate([last, self._resampler.finish()])

    async def _narrowed(self, stem: Samples) -> Samples:
        if not stem.shape[1]:
            return np.zeros(0, np.float32)
        return await anyio.to_thread.run_sync(self._narrow, stem)

    def _narrow(self, stem: Samples) -> Samples:
        if self._sink is not None:
            skipped = min(self._to_skip, stem.shape[1])
            self._to_skip -= skipped
            self._sink.write(stem[:, skipped:])
        return self._resampler.push((stem[0] + stem[1]) * np.float32(0.5))


def fitted(samples: Samples, length: int) -> Samples:
    """Cut or filled with zeros: rates that do not divide round a sample up or down."""
    length = max(0, length)
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
