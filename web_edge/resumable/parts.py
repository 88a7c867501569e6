"""Uploads on their way, in a folder: what has come so far, and what it is to become.

What has come is the length of a file, so no crash can make the two differ. Bytes with a checksum are kept apart until
they are known to be right. An upload that nobody goes on with is removed after a day.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
import anyio.to_thread

from music.errors import InvalidInput, NotFound, Reason, Unavailable
from web_edge.resumable.protocol import Checksum

T = TypeVar("T")
KEPT_S = 24 * 3600.0
_PIECE_BYTES = 1 << 20
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

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self, plan: Plan) -> None:
        await self._run(lambda: self._create(plan))

    async def get(self, upload_id: str) -> tuple[Plan, int]:
        """What it is to become, and how many bytes are here. Raises NotFound: NOT_FOUND."""
        return await self._run(lambda: self._get(upload_id))

    async def append(self, plan: Plan, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None) -> int:
        """Add what comes, and keep what has come when it breaks off; returns the new offset.

        Raises ChecksumWrong, InvalidInput: AUDIO_TOO_LARGE for more than was announced.
        """
        target = self._data(plan.upload_id) if checksum is None else self._apart(plan.upload_id)
        hasher = None if checksum is None else checksum.hasher()
        mode: Literal["ab", "wb"] = "ab" if checksum is None else "wb"
        try:
            async with await anyio.open_file(target, mode) as file:
                async for chunk in chunks:
                    offset += len(chunk)
                    if offset > plan.length:
                        raise InvalidInput(Reason.AUDIO_TOO_LARGE, "There are more bytes than Upload-Length says.")
                    await file.write(chunk)
                    if hasher is not None:
                        hasher.update(chunk)
        except OSError as error:
            raise _full(error) from error
        if checksum is not None and hasher is not None:
            if not checksum.is_of(hasher):
                raise ChecksumWrong(Reason.REQUEST_INVALID, "The bytes do not have this checksum. Send them again.")
            await self._run(lambda: self._join(plan.upload_id))
        return offset

    async def pieces(self, upload_id: str) -> AsyncIterator[bytes]:
        async with await anyio.open_file(self._data(upload_id), "rb") as file:
            while piece := await file.read(_PIECE_BYTES):
                yield piece

    async def finish(self, plan: Plan) -> None:
        """Remember that it has become what it was to; its bytes go."""
        await self._run(lambda: self._finish(plan))

    async def remove(self, upload_id: str) -> None:
        await self._run(lambda: self._remove(upload_id))

    async def sweep(self) -> None:
        """Remove what has expired."""
        await self._run(self._sweep)

    def _create(self, plan: Plan) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._data(plan.upload_id).touch(exist_ok=False)
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
            return plan, plan.length if plan.is_done else self._data(upload_id).stat().st_size
        except (FileNotFoundError, ValueError, TypeError):
            # A loss of power may leave a plan that is none.
            raise not_found(upload_id) from None

    def _join(self, upload_id: str) -> None:
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

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work)
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


def _full(error: OSError) -> Unavailable:
    return Unavailable(
        Reason.STORAGE_UNAVAILABLE, f"The upload cannot be stored: {error.strerror}. Go on with it later."
    )
