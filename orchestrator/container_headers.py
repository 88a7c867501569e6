"""What the first bytes of a file say, read before any decoder sees it.

A decoder that guesses is an attack surface, and its errors are vague; so the kind of file is decided here by its
signature, the one demuxer is then named, and a WAV's `fmt ` chunk is checked for reasons a person can act on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from music.errors import InvalidInput, Reason
from orchestrator.audio_limits import check_rate_and_channels

MAX_RIFF_CHUNKS = 10_000
_STREAMING_SIZES = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000})
"""Data sizes that writers put down when they cannot go back and fill in the real one."""

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
_READABLE_ELSEWHERE = (
    *(b"#EXTM3U", b"ffconcat", b"FORM", b"\x1aE\xdf\xa3", b"0&\xb2u"),
    *(b"caff", b".snd", b"wvpk", b"MAC ", b"#!AMR"),
)
"""Signatures of audio (or playlists) that a decoder could open but that are not taken."""


@dataclass(frozen=True, slots=True)
class Container:
    """How to open a file: the demuxer's name, and whether the file is known to end before it should."""

    demuxer: str
    truncated: bool = False
    empty: bool = False


def identify(file: BinaryIO, size: int) -> Container:
    """The kind of a file of `size` bytes; leaves the position undefined.

    Raises:
        InvalidInput: AUDIO_EMPTY, AUDIO_UNREADABLE, ENCODING_UNSUPPORTED, and for a WAV SAMPLE_RATE_OUT_OF_RANGE and
            CHANNEL_COUNT_OUT_OF_RANGE.
    """
    if size == 0:
        raise InvalidInput(Reason.AUDIO_EMPTY, "The file is empty (0 bytes).")
    head = _head_after_id3(file)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _inspect_wav(file, size)
    if head[:4] == b"fLaC":
        return Container("flac")
    if head[:4] == b"OggS":
        return Container("ogg")
    if head[4:8] in _MP4_BOXES:
        return Container("mov", truncated=_boxes_reach_beyond(file, size))
    if _is_mpeg_layer_3(head):
        return Container("mp3")
    if head.startswith(_READABLE_ELSEWHERE) or head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        raise InvalidInput(
            Reason.ENCODING_UNSUPPORTED, "This kind of file is not taken; send wav, flac, ogg, mp3 or m4a."
        )
    raise InvalidInput(
        Reason.AUDIO_UNREADABLE,
        "The file is not audio, whatever its name says: its first bytes are not those of wav, flac, ogg, mp3 or m4a.",
    )


def _head_after_id3(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(16)
    if head[:3] != b"ID3" or len(head) < 10:
        return head
    length = 0
    for digit in head[6:10]:
        length = length << 7 | digit & 0x7F
    file.seek(10 + length)
    # Some writers pad behind the tag.
    return file.read(4096).lstrip(b"\0")[:16]


def _is_mpeg_layer_3(head: bytes) -> bool:
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 != 0xF0


def _boxes_reach_beyond(file: BinaryIO, size: int) -> bool:
    """Whether a top-level box of an ISO base media file (ISO/IEC 14496-12, 4.2) ends behind the file's end."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        length, _kind = struct.unpack(">I4s", file.read(8))
        if length == 0:
            return False
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8:
            return False
        start += length
    return start > size


def _inspect_wav(file: BinaryIO, size: int) -> Container:
    """Walk the chunks up to `data` (Multimedia Programming Interface 1.0; EBU Tech 3306 for RF64)."""
    file.seek(4)
    riff_size = int.from_bytes(file.read(4), "little")
    long_size: int | None = None
    format_seen = False
    start = 12
    for _ in range(MAX_RIFF_CHUNKS):
        if start + 8 > size:
            break
        file.seek(start)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind == b"ds64":
            file.seek(start + 16)
            long_size = int.from_bytes(file.read(8), "little")
        elif kind == b"fmt ":
            _check_format(file.read(16))
            format_seen = True
        elif kind == b"data":
            if not format_seen:
                break
            return _inspect_data(start + 8, length, long_size, riff_size, size)
        start += 8 + length + length % 2
    if format_seen and start > size:
        return Container("wav", truncated=True)
    raise InvalidInput(Reason.AUDIO_UNREADABLE, "The WAV header is broken: its `fmt ` or `data` chunk is missing.")


def _inspect_data(start: int, length: int, long_size: int | None, riff_size: int, size: int) -> Container:
    if length == 0xFFFFFFFF and long_size is not None:
        length = long_size
    if length == 0 and (start == size or start + length <= riff_size + 8 <= size):
        return Container("wav", empty=True)
    return Container("wav", truncated=length not in _STREAMING_SIZES and start + length > size)


def _check_format(chunk: bytes) -> None:
    if len(chunk) < 16:
        raise InvalidInput(Reason.AUDIO_UNREADABLE, "The WAV header is broken: its `fmt ` chunk is too short.")
    tag, channels, rate_hz, _bytes_per_second, _block, bits = struct.unpack("<HHIIHH", chunk)
    check_rate_and_channels(rate_hz, channels)
    if tag in (1, 3) and bits not in (8, 16, 24, 32, 64):
        raise InvalidInput(Reason.AUDIO_UNREADABLE, f"The WAV header is broken: {bits} bits a sample.")
