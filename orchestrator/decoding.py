"""The caller's PCM → the session's signal: checked, mixed to mono, resampled to the session's clock.

Every step is a function of the samples alone: the same bytes in other pieces yield the same floats, bit for bit.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat
from orchestrator.audio_limits import check_rate_and_channels

LOUDEST = 16.0
"""Samples are clipped to ± this (24 dB above full scale): louder is a mistake, and 1e38 would overflow in a sum."""

_BLOCKS_PER_SECOND = 100
_DTYPES: dict[AudioEncoding, np.dtype[np.int16] | np.dtype[np.float32]] = {
    AudioEncoding.PCM_S16LE: np.dtype("<i2"),
    AudioEncoding.PCM_F32LE: np.dtype("<f4"),
}

Samples = NDArray[np.float32]
_NOTHING: Samples = np.zeros(0, np.float32)
_GUESS = 32
"""Samples by which a resampler's next delivery may differ from what the last one promised."""


def check_pcm_format(audio: AudioFormat) -> None:
    """Raises InvalidInput: ENCODING_UNSUPPORTED, SAMPLE_RATE_OUT_OF_RANGE, CHANNEL_COUNT_OUT_OF_RANGE."""
    if audio.encoding not in _DTYPES:
        raise InvalidInput(Reason.ENCODING_UNSUPPORTED, f"{audio.encoding.value} is not PCM.")
    check_rate_and_channels(audio.sample_rate_hz, audio.channel_count)


class PcmReader:
    """Interleaved PCM bytes → mono float32 at the caller's rate, nominally -1..1, always within ±`LOUDEST`.

    Attributes:
        frame_bytes: of one sample of all channels.
    """

    def __init__(self, audio: AudioFormat) -> None:
        check_pcm_format(audio)
        self._dtype = _DTYPES[audio.encoding]
        self._channels = audio.channel_count
        self.frame_bytes = self._dtype.itemsize * audio.channel_count

    def read(self, data: bytes) -> Samples:
        """f32[n], one value for every frame of `data`.

        Raises:
            InvalidInput: CHUNK_MISALIGNED, AUDIO_NOT_FINITE.
        """
        return self.mix(self.read_channels(data))

    def read_channels(self, data: bytes) -> Samples:
        """f32[n, channels], the frames of `data` as they are.

        Raises:
            InvalidInput: CHUNK_MISALIGNED, AUDIO_NOT_FINITE.
        """
        if len(data) % self.frame_bytes:
            raise InvalidInput(
                Reason.CHUNK_MISALIGNED,
                f"A chunk of {len(data)} bytes does not hold whole frames of {self.frame_bytes} bytes "
                f"({self._channels} x {self._dtype.itemsize}).",
                frame_bytes=self.frame_bytes,
            )
        values = np.frombuffer(data, self._dtype).reshape(-1, self._channels)
        if self._dtype.kind == "i":
            return np.asarray(values.astype(np.float32) / np.float32(32_768))
        if not np.isfinite(values).all():
            raise InvalidInput(
                Reason.AUDIO_NOT_FINITE,
                "The audio holds samples that are not numbers (NaN or infinity); export it again.",
            )
        clipped: Samples = np.clip(values, -LOUDEST, LOUDEST).astype(np.float32)
        return clipped

    def mix(self, values: Samples) -> Samples:
        """f32[n, channels] → f32[n], the channels' mean."""
        # Added channel by channel: numpy's own reduction may order its sums by the array's shape, that is by chunking.
        mono = values[:, 0].copy()
        for channel in range(1, self._channels):
            mono += values[:, channel]
        if self._channels > 1:
            mono *= np.float32(1 / self._channels)
        return mono


class Resampler:
    """Mono at any rate → mono at `to_hz`, the session's rate if nothing else is said; sample n of the output lies at
    n / `to_hz` of the input, to half a sample.

    soxr's stream for variable rates is used at a fixed one, because it answers sample by sample: 5 ms late at 44.1 kHz,
    13 at 48. The ordinary one delivers in blocks of its own, up to 41 and 38 ms late, 23 in the mean, and tentative
    notes would wait for that. Both are flat to 10 kHz and let nothing above -120 dB fold. It is fed in blocks of 10 ms
    whatever arrives.

    Args:
        rate_hz: of what comes.
        grain: samples that whoever listens takes at a time: what completes no further one waits; 0 for none.

    Attributes:
        grain: may change at any time; it changes no sample.
    """

    def __init__(self, rate_hz: int, to_hz: int = SAMPLE_RATE_HZ, grain: int = 0) -> None:
        self._rate_hz, self._to_hz = rate_hz, to_hz
        self.grain = grain
        self._block = rate_hz // _BLOCKS_PER_SECOND
        self._waiting: Samples = np.zeros(0, np.float32)
        self._pieces: list[Samples] = []
        self._received = 0
        self._lag = 0.0
        self._delivered = 0
        self._to_skip = 0
        self._stream: soxr.ResampleStream | None = None
        if rate_hz != to_hz:
            self._stream = _stream(rate_hz, to_hz)
            self._to_skip = _late_by(rate_hz, to_hz)

    @property
    def received_until(self) -> int:
        """How much came in, as a sample index at the rate it goes out."""
        return round(self._received * self._to_hz / self._rate_hz)

    def push(self, samples: Samples) -> Samples:
        """What became known, f32[m]; m is about n times the rates' ratio, later by the filter's delay.

        Nothing, while it would complete no grain.
        """
        self._received += len(samples)
        self._pieces.append(samples)
        if self.wanted > 0:
            return _NOTHING
        samples = self._pieces[0] if len(self._pieces) == 1 else np.concatenate(self._pieces)
        self._pieces.clear()
        known = self._known(samples)
        self._lag = (self._received - len(self._waiting)) * self._to_hz / self._rate_hz - self._delivered
        return known

    @property
    def wanted(self) -> int:
        """Samples, at the rate they come, until the next grain is complete; 0 or fewer when it is.

        A few less than it takes: better once too often than late.
        """
        if not self.grain:
            return 0
        complete = (self._delivered // self.grain + 1) * self.grain - _GUESS
        fed = math.ceil((complete + self._lag) * self._rate_hz / self._to_hz)
        # The filter is fed whole blocks only.
        return (fed if self._stream is None else -(-fed // self._block) * self._block) - self._received

    def _known(self, samples: Samples) -> Samples:
        if self._stream is None:
            return self._deliver(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        pieces = [
            self._stream.resample_chunk(self._waiting[at : at + self._block]) for at in self._blocks(self._waiting)
        ]
        self._waiting = self._waiting[len(pieces) * self._block :]
        return self._deliver(self._on_time(np.concatenate(pieces)) if pieces else _NOTHING)

    def finish(self) -> Samples:
        """The rest; all deliveries together then hold exactly `received_until` samples."""
        held = np.concatenate([self._waiting, *self._pieces])
        self._pieces.clear()
        if self._stream is None or not self._received:
            return self._deliver(held)
        rest = [self._stream.resample_chunk(held[start : start + self._block]) for start in self._blocks(held)]
        tail = self._on_time(
            np.concatenate([*rest, self._stream.resample_chunk(held[len(rest) * self._block :], last=True)])
        )
        self._waiting = self._waiting[:0]
        owed = self.received_until - self._delivered
        return self._deliver(np.pad(tail[:owed], (0, max(0, owed - len(tail)))))

    def _blocks(self, samples: Samples) -> range:
        """Where the whole blocks of `samples` begin."""
        return range(0, len(samples) - self._block + 1, self._block)

    def _on_time(self, samples: Samples) -> Samples:
        """All but the first samples of the stream, by which it is late."""
        skipped = min(self._to_skip, len(samples))
        self._to_skip -= skipped
        return samples[skipped:]

    def _deliver(self, samples: Samples) -> Samples:
        self._delivered += len(samples)
        return np.asarray(samples, np.float32)


def _stream(rate_hz: int, to_hz: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(rate_hz, to_hz, 1, dtype="float32", quality="HQ", vr=True)


@cache
def _late_by(rate_hz: int, to_hz: int) -> int:
    """Samples by which an impulse comes out later than it should: none, one or two, depending on the ratio."""
    signal = np.zeros(rate_hz // 5, np.float32)
    at = len(signal) // 2
    signal[at] = 1.0
    heard = _stream(rate_hz, to_hz).resample_chunk(signal, last=True).astype(np.float64)
    centre = float(heard @ np.arange(len(heard)) / heard.sum())
    return max(0, round(centre - at * to_hz / rate_hz))


class PcmDecoder:
    """Both in a row: PCM bytes of one format → the session's signal. `grain`: see `Resampler`."""

    def __init__(self, audio: AudioFormat, grain: int = 0) -> None:
        self._reader = PcmReader(audio)
        self._resampler = Resampler(audio.sample_rate_hz, grain=grain)

    @property
    def grain(self) -> int:
        """See `Resampler`."""
        return self._resampler.grain

    @grain.setter
    def grain(self, samples: int) -> None:
        self._resampler.grain = samples

    @property
    def wanted_bytes(self) -> int:
        """Bytes until there is something to give."""
        return self._resampler.wanted * self._reader.frame_bytes

    @property
    def received_until(self) -> int:
        """Audio accepted so far, as a sample index of the session's clock."""
        return self._resampler.received_until

    def push(self, data: bytes) -> Samples:
        """Raises InvalidInput: CHUNK_MISALIGNED, AUDIO_NOT_FINITE; nothing of such a chunk is accepted."""
        return self._resampler.push(self._reader.read(data))

    def finish(self) -> Samples:
        """What the resampler still holds."""
        return self._resampler.finish()
