"""Uploads on their way, in a folder: what has come so far, sealed, and what it is to become.

What has come is what whole records a file has (`sealed`), so no crash can make the two differ. Bytes with a checksum
are kept apart until they are known to be right. An upload that nobody goes on with is removed after a day.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import anyio
import anyio.to_thread

from music.errors import InvalidInput, NotFound, Reason, Unavailable
from web_edge.resumable.protocol import Checksum
from web_edge.resumable.sealed import Cipher, RecordWriter, extent_of, key_id_of
from web_edge.storage.keys import Keyring

T = TypeVar("T")
KEPT_S = 24 * 3600.0
_PIECE_BYTES = 1 << 20
_RECORDS_AT_ONCE = 16
_NEW_S = 3_600.0


class ChecksumWrong(InvalidInput):
    """The bytes are not those that were sent; none of them is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an upload is to become; `transcription_id` is its id too.

    Attributes:
        owner: the account whose it is.
        options: of the transcription, as the client gave them.
        is_done: whether the job is made, so that the bytes are no longer here.
    """

    upload_id: str
    owner: str
    length: int
    name: str
    options: dict[str, str]
    expires_s: float
    is_done: bool = False


class Parts:
    """The folder. Methods raise Unavailable: STORAGE_UNAVAILABLE when the disk refuses."""

    def __init__(self, folder: Path, keys: Keyring) -> None:
        self._folder = folder
        self._keys = keys

    async def create(self, plan: Plan) -> None:
        await self._run(lambda: self._create(plan))

    async def get(self, upload_id: str) -> tuple[Plan, int]:
        """What it is to become, and how many bytes are here. Raises NotFound: NOT_FOUND."""
        return await self._run(lambda: self._get(upload_id))

    async def append(self, plan: Plan, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None) -> int:
        """Add what comes, and keep what has come when it breaks off; returns the new offset.

        Raises ChecksumWrong, InvalidInput: AUDIO_TOO_LARGE for more than was announced. NotFound: it was removed.
        """
        try:
            return await self._append(plan, offset, chunks, checksum)
        except FileNotFoundError:
            # Its account was deleted, say, while it went on.
            raise not_found(plan.upload_id) from None

    async def _append(self, plan: Plan, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None) -> int:
        hasher = None if checksum is None else checksum.hasher()
        file, writer = await self._run(lambda: self._open(plan.upload_id, offset, apart=checksum is not None))
        try:
            async for chunk in chunks:
                offset += len(chunk)
                if offset > plan.length:
                    raise InvalidInput(Reason.AUDIO_TOO_LARGE, "There are more bytes than Upload-Length says.")
                if hasher is not None:
                    hasher.update(chunk)
                if records := writer.push(chunk):
                    await self._run(partial(file.write, records))
        finally:
            with anyio.CancelScope(shield=True):
                await self._run(lambda: _close(file, writer.flush()))
        if checksum is not None and hasher is not None:
            if not checksum.is_of(hasher):
                raise ChecksumWrong(Reason.REQUEST_INVALID, "The bytes do not have this checksum. Send them again.")
            await self._run(lambda: self._join(plan.upload_id))
        return offset

    async def pieces(self, upload_id: str) -> AsyncIterator[bytes]:
        """What has come. Raises NotFound: NOT_FOUND, it was removed. Unavailable: also for what is damaged."""
        try:
            path = self._data(upload_id)
            cipher = await self._run(lambda: Cipher.of(path, self._keys, upload_id))
            with await self._run(lambda: path.open("rb")) as file:
                records = cipher.records(file)
                while piece := await self._run(lambda: b"".join(islice(records, _RECORDS_AT_ONCE))):
                    yield piece
        except FileNotFoundError:
            raise not_found(upload_id) from None

    async def finish(self, plan: Plan) -> None:
        """Remember that it has become what it was to; its bytes go."""
        await self._run(lambda: self._finish(plan))

    async def remove(self, upload_id: str) -> None:
        await self._run(lambda: self._remove(upload_id))

    async def sweep(self) -> None:
        """Remove what has expired."""
        await self._run(self._sweep)

    async def remove_owned(self, owner: str) -> None:
        """Remove what an account has on its way; a request that goes on with it at this moment makes nothing of it."""
        await self._run(lambda: self._remove_owned(owner))

    async def key_ids(self) -> set[bytes]:
        """Ids of the keys that something on its way is sealed with."""
        return await self._run(lambda: {key_id_of(path) for path in self._folder.glob("*.part")})

    def _create(self, plan: Plan) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        Cipher.make(self._data(plan.upload_id), self._keys, plan.upload_id)
        self._write(plan)

    def _write(self, plan: Plan, *, is_done: bool = False) -> None:
        said = {
            "owner": plan.owner,
            "length": plan.length,
            "name": plan.name,
            "options": plan.options,
            "expires_s": plan.expires_s,
        }
        draft = self._draft(plan.upload_id)
        draft.write_text(json.dumps({**said, "is_done": is_done}), encoding="utf-8")
        draft.replace(self._plan(plan.upload_id))

    def _get(self, upload_id: str) -> tuple[Plan, int]:
        # Ids are ours: letters and digits. Anything else is no name of a file.
        if not (upload_id.isascii() and upload_id.isalnum() and len(upload_id) <= 64):
            raise not_found(upload_id)
        try:
            said: dict[str, Any] = json.loads(self._plan(upload_id).read_text(encoding="utf-8"))
            plan = Plan(upload_id, **said)
            if plan.expires_s < time.time():
                raise not_found(upload_id)
            return plan, plan.length if plan.is_done else extent_of(self._data(upload_id)).plain
        except (FileNotFoundError, ValueError, TypeError):
            # A loss of power may leave a plan that is none.
            raise not_found(upload_id) from None

    def _open(self, upload_id: str, offset: int, *, apart: bool) -> tuple[BinaryIO, RecordWriter]:
        path = self._data(upload_id)
        writer = RecordWriter(Cipher.of(path, self._keys, upload_id), offset)
        if apart:
            return self._apart(upload_id).open("wb"), writer
        self._cut(upload_id)
        return path.open("ab"), writer

    def _cut(self, upload_id: str) -> None:
        """Drop what a crash left of a record."""
        os.truncate(self._data(upload_id), extent_of(self._data(upload_id)).stored)

    def _join(self, upload_id: str) -> None:
        self._cut(upload_id)
        with self._data(upload_id).open("ab") as whole, self._apart(upload_id).open("rb") as added:
            before = whole.tell()
            try:
                while piece := added.read(_PIECE_BYTES):
                    whole.write(piece)
            except OSError:
                os.truncate(self._data(upload_id), before)
                raise
        self._apart(upload_id).unlink()

    def _finish(self, plan: Plan) -> None:
        self._write(plan, is_done=True)
        self._data(plan.upload_id).unlink(missing_ok=True)

    def _remove(self, upload_id: str) -> None:
        # The plan last: what has none is no upload, and swept.
        for path in (self._data(upload_id), self._apart(upload_id), self._draft(upload_id), self._plan(upload_id)):
            path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        if not self._folder.is_dir():
            return
        now = time.time()
        for path in list(self._folder.iterdir()):
            try:
                self._get(path.stem)
            except NotFound:
                # One that begins at this moment has no plan yet.
                if path.exists() and path.stat().st_mtime < now - _NEW_S:
                    self._remove(path.stem)

    def _remove_owned(self, owner: str) -> None:
        for path in self._folder.glob("*.json"):
            with suppress(NotFound):
                if self._get(path.stem)[0].owner == owner:
                    self._remove(path.stem)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _full(error) from error

    def _data(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.part"

    def _apart(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.apart"

    def _draft(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.draft"

    def _plan(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.json"


def not_found(upload_id: str) -> NotFound:
    return NotFound(
        Reason.NOT_FOUND, f"There is no upload {upload_id[:64]!r}, or it was left for too long. Begin anew."
    )


def _close(file: BinaryIO, rest: bytes) -> None:
    with file:
        file.write(rest)


def _full(error: OSError) -> Unavailable:
    return Unavailable(
        Reason.STORAGE_UNAVAILABLE, f"The upload cannot be stored: {error.strerror}. Go on with it later."
    )
