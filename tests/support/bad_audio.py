"""Files that are not what they say, by name: bytes and the reason every door answers with."""

from __future__ import annotations

import struct

import numpy as np

from music.errors import Reason

RATE_HZ = 44_100


def wav(
    samples: bytes,
    *,
    rate_hz: int = RATE_HZ,
    channels: int = 1,
    bits: int = 16,
    kind: int = 1,
    says_bytes: int | None = None,
) -> bytes:
    """A WAV file whose header may lie. `kind` 1 is integers, 3 floats; `says_bytes` is the length the header claims."""
    frame = max(1, channels * bits // 8)
    size = len(samples) if says_bytes is None else says_bytes
    header = struct.pack("<HHIIHH", kind, channels, rate_hz, (rate_hz * frame) & 0xFFFFFFFF, frame & 0xFFFF, bits)
    data = b"fmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", size) + samples
    return b"RIFF" + struct.pack("<I", (4 + len(data) - len(samples) + size) & 0xFFFFFFFF) + b"WAVE" + data


def _tone(seconds: float = 1.0) -> bytes:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.5 * 32767 * np.sin(2 * np.pi * 220 * times)).astype("<i2").tobytes()


def _with_nan() -> bytes:
    samples = np.frombuffer(_tone(), "<i2").astype("<f4") / 32768
    samples[10_000] = np.nan
    return wav(samples.tobytes(), bits=32, kind=3)


BAD_AUDIO: dict[str, tuple[bytes, Reason]] = {
    "empty": (b"", Reason.AUDIO_EMPTY),
    "no_samples": (wav(b""), Reason.AUDIO_EMPTY),
    "text_as_wav": (b"This is a letter, not a song.\n" * 50, Reason.AUDIO_UNREADABLE),
    "truncated": (wav(_tone(1.0), says_bytes=RATE_HZ * 2 * 10), Reason.AUDIO_TRUNCATED),
    "nan": (_with_nan(), Reason.AUDIO_NOT_FINITE),
    "zero_hz": (wav(_tone(), rate_hz=0), Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "200_channels": (wav(_tone(), channels=200), Reason.CHANNEL_COUNT_OUT_OF_RANGE),
}


def tone_wav(seconds: float = 1.0) -> bytes:
    """A good file: a sine at 220 Hz, mono s16 at 44.1 kHz."""
    return wav(_tone(seconds))
