"""An encoded file → PCM blocks: spooled to disk, decoded by a child process that is limited and can be killed."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import anyio
import anyio.to_thread
from anyio.abc import Process

from music.errors import InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat

_log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parent.parent
_BLOCK_BYTES = 1 << 18
_READ_BYTES = 1 << 16
_MAX_COMPLAINT_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one file may cost.

    Attributes:
        max_bytes: of the encoded file.
        max_duration_s: of the decoded audio.
        cpu_s, memory_bytes: of the decoding child.
        stall_s: wall-clock time for which the child may say nothing while it is waited for.
    """

    max_bytes: int = 512 << 20
    max_duration_s: float = 4 * 3600
    cpu_s: int = 300
    memory_bytes: int = 1 << 30
    stall_s: float = 30.0


class Spool:
    """The file as it arrives; a context manager that leaves nothing behind."""

    def __init__(self, max_bytes: int) -> None:
        self.size = 0
        self._max_bytes = max_bytes
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile(prefix="genesis-audio-")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.file.close()

    @property
    def file(self) -> IO[bytes]:
        if self._file is None:
            raise RuntimeError("the spool is used outside its context")
        return self._file

    async def write(self, data: bytes) -> None:
        """Raises InvalidInput: AUDIO_TOO_LARGE."""
        self.size += len(data)
        if self.size > self._max_bytes:
            raise InvalidInput(
                Reason.AUDIO_TOO_LARGE,
                f"The file is larger than {self._max_bytes} bytes; send a shorter or a compressed one.",
                limit=self._max_bytes,
            )
        await anyio.to_thread.run_sync(self.file.write, data)


class DecodedFile:
    """What the child says of the file, and then its PCM.

    Attributes:
        audio: the PCM that `blocks` yields: f32le at the file's own rate and channel count.
        duration_s: what the file says of its length; None when it says nothing.
    """

    def __init__(self, process: Process, limits: DecodeLimits, header: bytes, rest: bytes) -> None:
        facts = json.loads(header)
        self.audio = AudioFormat(AudioEncoding.PCM_F32LE, facts["sample_rate_hz"], facts["channel_count"])
        self.duration_s: float | None = facts["duration_s"]
        self._process = process
        self._limits = limits
        self._rest = rest

    async def blocks(self) -> AsyncIterator[bytes]:
        """PCM in whole frames, some 256 KiB at a time.

        Raises:
            InvalidInput: after everything that could be read: AUDIO_TRUNCATED, AUDIO_UNREADABLE, AUDIO_TOO_LONG,
                AUDIO_EMPTY.
        """
        frame_bytes = 4 * self.audio.channel_count
        waiting = bytearray(self._rest)
        while piece := await _receive(self._process, self._limits):
            waiting += piece
            if len(waiting) >= _BLOCK_BYTES:
                whole = len(waiting) // frame_bytes * frame_bytes
                yield bytes(waiting[:whole])
                del waiting[:whole]
        if whole := len(waiting) // frame_bytes * frame_bytes:
            yield bytes(waiting[:whole])
        await _raise_complaint(self._process)


@asynccontextmanager
async def decode(file: IO[bytes], limits: DecodeLimits) -> AsyncIterator[DecodedFile]:
    """Decode a file from its beginning; the child is gone when the context ends.

    Raises:
        InvalidInput: AUDIO_EMPTY, AUDIO_UNREADABLE, AUDIO_TRUNCATED, AUDIO_TOO_LONG, ENCODING_UNSUPPORTED,
            SAMPLE_RATE_OUT_OF_RANGE, CHANNEL_COUNT_OUT_OF_RANGE.
    """
    file.flush()
    arguments = [str(limits.max_duration_s), str(limits.cpu_s), str(limits.memory_bytes)]
    process = await anyio.open_process(
        [sys.executable, "-m", "orchestrator.decode_child", *arguments],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        beginning = b""
        while b"\n" not in beginning:
            piece = await _receive(process, limits)
            if not piece:
                await _raise_complaint(process)
                raise InvalidInput(Reason.AUDIO_UNREADABLE, "The file could not be decoded.")
            beginning += piece
        header, _, rest = beginning.partition(b"\n")
        yield DecodedFile(process, limits, header, rest)
    finally:
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError):
                process.kill()
            await process.aclose()


def samples_in(duration_s: float, rate_hz: int) -> int:
    """Length in samples of what a header says in seconds; 0 for a duration no file can have."""
    return round(duration_s * rate_hz) if math.isfinite(duration_s) and duration_s > 0 else 0


async def _receive(process: Process, limits: DecodeLimits) -> bytes:
    """The next bytes of standard output; b"" at its end."""
    if process.stdout is None:
        raise RuntimeError("the decoding child was started without pipes")
    try:
        with anyio.fail_after(limits.stall_s):
            return await process.stdout.receive(_READ_BYTES)
    except anyio.EndOfStream:
        return b""
    except TimeoutError:
        raise InvalidInput(
            Reason.AUDIO_UNREADABLE, f"Decoding the file stalled for {limits.stall_s:.0f} s and was given up."
        ) from None


async def _raise_complaint(process: Process) -> None:
    """Raise what the child said on standard error, or what its exit status means; return if it is content."""
    if process.stderr is None:
        raise RuntimeError("the decoding child was started without pipes")
    said = b""
    with suppress(anyio.EndOfStream):
        while len(said) < _MAX_COMPLAINT_BYTES:
            said += await process.stderr.receive()
    status = await process.wait()
    if status == 0:
        return
    for line in reversed(said.splitlines()):
        with suppress(ValueError, KeyError, TypeError):
            complaint = json.loads(line)
            raise InvalidInput(Reason(complaint["reason"]), complaint["message"])
    if status < 0:
        _log.warning("The decoding child died of signal %d; it said: %s", -status, said[-500:])
        raise InvalidInput(Reason.AUDIO_UNREADABLE, "Decoding the file takes more time or memory than it may.")
    raise InvalidInput(Reason.AUDIO_UNREADABLE, "The file could not be decoded; export it again.")
