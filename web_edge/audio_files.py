"""Recordings in the store, named by the transcription's id and nothing a caller says."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from obstore import delete_async, get_range_async, head_async, open_writer_async
from obstore.store import LocalStore, ObjectStore

from music.errors import InvalidInput, Reason
from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import (
    HEADER_BYTES,
    SEALED_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    Opener,
    Seal,
    reseal,
    sealed_by,
)
from web_edge.storage.stores import is_ours, remove_parts, store_errors, sync
from web_edge.transcriptions import StoredAudio

if TYPE_CHECKING:
    # There is no such name at run time.
    from obstore import ObjectMeta

_SEGMENTS_AT_ONCE = 16
_PART_BYTES = 8 << 20
"""What is sent to the store at once; a bucket takes no less than 5 MiB."""
TITLE_CHARACTERS = 200
STEM_SUFFIX = ".stem"


def stem_of(transcription_id: str) -> str:
    """Where the stem of a transcription is stored; its recording is under the id alone."""
    return transcription_id + STEM_SUFFIX


class AudioFiles:
    """A store of sealed recordings and stems; one appears under its name only when it is whole."""

    def __init__(self, store: ObjectStore, keys: Keyring, max_bytes: int) -> None:
        self._store = store
        self._keys = keys
        self._max_bytes = max_bytes

    @asynccontextmanager
    async def receive(self, name: str) -> AsyncIterator[IncomingFile]:
        """A file to write to, named by an id or `stem_of` one; what is not finished by the end of the block never was.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE when the store refuses.
        """
        incoming = IncomingFile(self._store, Seal(self._keys, name), name, self._max_bytes)
        try:
            yield incoming
        finally:
            with anyio.CancelScope(shield=True):
                await incoming.abandon()

    async def size(self, name: str) -> int | None:
        """Bytes of what is stored under a name; None for nothing. Raises as `pieces`."""
        with store_errors(may_be_gone=True):
            stored_bytes = (await head_async(self._store, name))["size"]
            header = bytes(await get_range_async(self._store, name, start=0, length=HEADER_BYTES))
            return (
                int(stored_bytes)
                - HEADER_BYTES
                - Opener.of(self._keys, name, header, stored_bytes).segment_count * TAG_BYTES
            )
        return None

    async def pieces(self, name: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The stored bytes, or those from `start` to before `stop`, in pieces of a megabyte at most.

        Raises Unavailable: STORAGE_UNAVAILABLE when they are gone, damaged or sealed with a key that is not here.
        """
        with store_errors():
            stored_bytes = (await head_async(self._store, name))["size"]
            header = bytes(await get_range_async(self._store, name, start=0, length=HEADER_BYTES))
        opener = Opener.of(self._keys, name, header, stored_bytes)
        size = stored_bytes - HEADER_BYTES - opener.segment_count * TAG_BYTES
        stop = size if stop is None else min(stop, size)
        while start < stop:
            first = start // SEGMENT_BYTES
            end = min(first + _SEGMENTS_AT_ONCE, -(-stop // SEGMENT_BYTES))
            place, length = HEADER_BYTES + first * SEALED_BYTES, (end - first) * SEALED_BYTES
            with store_errors():
                stored = await get_range_async(self._store, name, start=place, length=length)
            opened = opener.open(first, bytes(stored))
            piece = opened[start - first * SEGMENT_BYTES : stop - first * SEGMENT_BYTES]
            start += len(piece)
            yield piece

    async def remove(self, transcription_id: str) -> None:
        """Remove a transcription's recording and stem; what is not there is removed already."""
        for name in (transcription_id, stem_of(transcription_id)):
            with store_errors(may_be_gone=True):
                await delete_async(self._store, name)

    async def tidy(self, known_ids: set[str]) -> None:
        """At the start of the one process that has the folder: remove what a crash left.

        A bucket may have other users, who store a recording moments before its row is written; only a sweep tidies it.
        """
        if isinstance(self._store, LocalStore):
            await anyio.to_thread.run_sync(remove_parts, self._store)
            await self.sweep(known_ids)

    async def sweep(self, known_ids: set[str], *, older_than_s: float = 0.0) -> int:
        """Remove what no transcription refers to and was stored longer ago than that; returns how many."""
        count, before = 0, time.time() - older_than_s
        async for entry in self._entries():
            name = entry["path"]
            known = name.removesuffix(STEM_SUFFIX) in known_ids or not is_ours(self._store, name)
            if not known and entry["last_modified"].timestamp() <= before:
                with store_errors(may_be_gone=True):
                    await delete_async(self._store, name)
                count += 1
        return count

    async def reseal(self) -> int:
        """Seal every recording with the newest key; returns how many were not. Raises Unavailable as `pieces`."""
        newest, count = self._keys.ids()[0], 0
        async for name in self._names():
            header = await self._header(name)
            # What was deleted since it was listed has none.
            if header and sealed_by(header) != newest:
                await self._replace_header(name, reseal(self._keys, name, header))
                count += 1
        return count

    async def key_ids(self) -> set[bytes]:
        """Ids of the keys that something is sealed with."""
        headers = [await self._header(name) async for name in self._names()]
        return {sealed_by(header) for header in headers if header}

    async def _header(self, name: str) -> bytes:
        with store_errors(may_be_gone=True):
            return bytes(await get_range_async(self._store, name, start=0, length=HEADER_BYTES))
        return b""

    async def _replace_header(self, name: str, header: bytes) -> None:
        with store_errors():
            async with open_writer_async(self._store, name, buffer_size=_PART_BYTES, max_concurrency=1) as writer:
                await writer.write(header)
                size, place = (await head_async(self._store, name))["size"], HEADER_BYTES
                while place < size:
                    piece = await get_range_async(self._store, name, start=place, length=_PART_BYTES)
                    await writer.write(bytes(piece))
                    place += len(piece)
            await anyio.to_thread.run_sync(sync, self._store, name)

    async def _names(self) -> AsyncIterator[str]:
        async for entry in self._entries():
            yield entry["path"]

    async def _entries(self) -> AsyncIterator[ObjectMeta]:
        with store_errors():
            async for batch in self._store.list():
                for entry in batch:
                    yield entry


class IncomingFile:
    """One upload on its way into the store."""

    def __init__(self, store: ObjectStore, seal: Seal, name: str, max_bytes: int) -> None:
        self._store = store
        self._seal = seal
        self._name = name
        self._max_bytes = max_bytes
        self._writer = open_writer_async(store, name, buffer_size=_PART_BYTES, max_concurrency=2)
        self._sha256 = hashlib.sha256()
        self._is_finished = False
        self.byte_count = 0

    async def write(self, data: bytes) -> None:
        """Raises InvalidInput: AUDIO_TOO_LARGE. Unavailable: STORAGE_UNAVAILABLE when the store refuses."""
        if self.byte_count == 0:
            await self._put(self._seal.header)
        self.byte_count += len(data)
        if self.byte_count > self._max_bytes:
            raise too_large(self._max_bytes)
        self._sha256.update(data)
        for segment in self._seal.push(data):
            await self._put(segment)

    async def finish(self, name: str) -> StoredAudio:
        """Put the file where jobs find it. Raises InvalidInput: AUDIO_EMPTY."""
        if self.byte_count == 0:
            raise InvalidInput(Reason.AUDIO_EMPTY, "The file is empty. Choose one that holds audio.")
        await self._put(self._seal.finish())
        with store_errors():
            await self._writer.close()
            self._is_finished = True
            await anyio.to_thread.run_sync(sync, self._store, self._name)
        return StoredAudio(title_of(name), self.byte_count, self._sha256.hexdigest())

    async def abandon(self) -> None:
        """Have the store forget what came, unless it is whole."""
        if not self._is_finished:
            self._is_finished = True
            with store_errors():
                # The store's writer takes back what it has where its block ends with an exception.
                await self._writer.__aexit__(_Abandoned, _Abandoned(), None)

    async def _put(self, data: bytes) -> None:
        with store_errors():
            await self._writer.write(data)


class _Abandoned(Exception):
    """Tells a writer to take back what it has written."""


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
