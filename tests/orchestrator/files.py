"""Encoded files, good and bad, made on the spot."""

from __future__ import annotations

import io
import struct
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

_CONTAINERS = {
    "wav": ("wav", "pcm_s16le"),
    "flac": ("flac", "flac"),
    "opus": ("ogg", "libopus"),
    "mp3": ("mp3", "libmp3lame"),
    "m4a": ("mp4", "aac"),
}


def tone(seconds: float, rate_hz: int, pitch_hz: float = 440.0) -> NDArray[np.int16]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (12_000 * np.sin(2 * np.pi * pitch_hz * t)).astype(np.int16)


def encoded(kind: str, seconds: float = 2.0, rate_hz: int = 48_000, channels: int = 1) -> bytes:
    """A sine of 440 Hz as a wav, flac, ogg (opus), mp3 or m4a file."""
    container_name, codec = _CONTAINERS[kind]
    target = io.BytesIO()
    signal = np.repeat(tone(seconds, rate_hz)[None, :], channels, axis=0)
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[channels]
    with av.open(target, "w", format=container_name) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate_hz, layout=layout))
        interleaved = np.ascontiguousarray(signal.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        fifo = av.AudioFifo()
        fifo.write(frame)
        size = stream.codec_context.frame_size or 1024
        for piece in fifo.read_many(size, partial=True):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return target.getvalue()


def wav(
    data: bytes,
    *,
    rate_hz: int = 44_100,
    channels: int = 1,
    bits: int = 16,
    tag: int = 1,
    data_size: int | None = None,
    riff_size: int | None = None,
    before_data: bytes = b"",
    behind_data: bytes = b"",
) -> bytes:
    """A WAV whose header says what the test wants it to say."""
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    body = b"WAVE" + chunk(b"fmt ", fmt) + before_data
    body += b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data + behind_data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
