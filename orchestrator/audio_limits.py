"""Which audio is taken. Without numpy, because the decoding child starts for every file."""

from __future__ import annotations

from music.errors import InvalidInput, Reason

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_CHANNELS = 8
MAX_CHUNK_BYTES = 1 << 20


def check_rate_and_channels(sample_rate_hz: int, channel_count: int) -> None:
    """Raises InvalidInput: SAMPLE_RATE_OUT_OF_RANGE, CHANNEL_COUNT_OUT_OF_RANGE."""
    if not MIN_RATE_HZ <= sample_rate_hz <= MAX_RATE_HZ:
        raise InvalidInput(
            Reason.SAMPLE_RATE_OUT_OF_RANGE,
            f"The sample rate is {sample_rate_hz} Hz; send {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz.",
            found=sample_rate_hz,
        )
    if not 1 <= channel_count <= MAX_CHANNELS:
        raise InvalidInput(
            Reason.CHANNEL_COUNT_OUT_OF_RANGE,
            f"The audio has {channel_count} channels; send 1 to {MAX_CHANNELS}.",
            found=channel_count,
        )


def check_chunk_size(data: bytes) -> None:
    """Raises InvalidInput: CHUNK_TOO_LARGE."""
    if len(data) > MAX_CHUNK_BYTES:
        raise InvalidInput(
            Reason.CHUNK_TOO_LARGE,
            f"A chunk holds {len(data)} bytes; send at most {MAX_CHUNK_BYTES} at once.",
            limit=MAX_CHUNK_BYTES,
        )
