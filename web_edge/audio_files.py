"""Uploads on disk, named by the transcription's id and nothing a caller says."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from music.errors import InvalidInput, Reason, Unavailable
from web_edge.transcriptions import StoredAudio

_PART = ".part"
_READ_BYTES = 64 << 10
_BUFFER_BYTES = 1 << 20
TITLE_CHARACTERS = 200


class AudioFiles:
    """A folder of uploads; a file appears under its id only when it is whole."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def path(self, transcription_id: str) -> Path:
        return self._folder / transcription_id

    @asynccontextmanager
    async def receive(self, transcription_id: str) -> AsyncIterator[IncomingFile]:
        """A file to write to; what is not finished by the end of the block is removed.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE when the disk refuses.
        """
        part = self.path(transcription_id + _PART)
        try:
            await anyio.to_thread.run_sync(lambda: self._folder.mkdir(parents=True, exist_ok=True))
            async with await anyio.open_file(part, "wb", buffering=_BUFFER_BYTES) as file:
                incoming = IncomingFile(file, part, self.path(transcription_id), self._max_bytes)
                yield incoming
        except OSError as error:
            raise Unavailable(
                Reason.STORAGE_UNAVAILABLE,
                f"The file cannot be stored: {error.strerror}. Tell whoever runs this server.",
            ) from error
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(lambda: part.unlink(missing_ok=True))

    async def pieces(
        self, transcription_id: str, start: int = 0, stop: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The stored bytes, or those from `start` to before `stop`, in pieces of 64 KiB.

        Raises Unavailable: STORAGE_UNAVAILABLE when they are gone.
        """
        left = sys.maxsize if stop is None else stop - start
        try:
            async with await anyio.open_file(self.path(transcription_id), "rb") as file:
                await file.seek(start)
                while piece := await file.read(min(_READ_BYTES, left)):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise Unavailable(
                Reason.STORAGE_UNAVAILABLE, "The uploaded file is not on the disk any more. Upload it again."
            ) from error

    async def remove(self, transcription_id: str) -> None:
        await anyio.to_thread.run_sync(lambda: self.path(transcription_id).unlink(missing_ok=True))

    async def sweep(self, known_ids: set[str]) -> None:
        """Remove what no transcription refers to: uploads that a crash cut off."""

        def unlink_unknown() -> None:
            if self._folder.is_dir():
                for path in self._folder.iterdir():
                    if path.name not in known_ids:
                        path.unlink(missing_ok=True)

        await anyio.to_thread.run_sync(unlink_unknown)


class IncomingFile:
    """One upload on its way to the disk."""

    def __init__(self, file: anyio.AsyncFile[bytes], part: Path, target: Path, max_bytes: int) -> None:
        self._file = file
        self._part = part
        self._target = target
        self._max_bytes = max_bytes
        self._sha256 = hashlib.sha256()
        self.byte_count = 0

    async def write(self, data: bytes) -> None:
        """Raises InvalidInput: AUDIO_TOO_LARGE. OSError when the disk refuses."""
        self.byte_count += len(data)
        if self.byte_count > self._max_bytes:
            raise too_large(self._max_bytes)
        self._sha256.update(data)
        await self._file.write(data)

    async def finish(self, name: str) -> StoredAudio:
        """Put the file where jobs find it. Raises InvalidInput: AUDIO_EMPTY."""
        if self.byte_count == 0:
            raise InvalidInput(Reason.AUDIO_EMPTY, "The file is empty. Choose one that holds audio.")
        await self._file.flush()
        await anyio.to_thread.run_sync(lambda: os.fsync(self._file.wrapped.fileno()))
        await anyio.to_thread.run_sync(lambda: self._part.replace(self._target))
        return StoredAudio(title_of(name), self._target, self.byte_count, self._sha256.hexdigest())


def too_large(limit: int) -> InvalidInput:
    return InvalidInput(
        Reason.AUDIO_TOO_LARGE,
        f"The upload is larger than {limit / 1e6:g} MB. Send a shorter or compressed recording.",
        limit_bytes=limit,
    )


def title_of(name: str) -> str:
    """A caller's file name as a title for people: no folders, nothing unprintable, not too long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # isprintable is false for control characters and for the marks that turn the writing direction around.
    return "".join(character for character in last if character.isprintable())[:TITLE_CHARACTERS].strip() or "Upload"
