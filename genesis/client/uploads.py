"""Uploads that go on where they were cut off (tus 1.0)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import httpx

from genesis.client.errors import STATUS
from genesis.client.transport import Transport, body_of
from genesis.client.values import Options
from music.errors import Conflict, GenesisError, Overloaded, Unavailable

CHUNK_BYTES: Final = 4 << 20
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_CHECKSUM_MISMATCH: Final = "460"
_MADE: Final = "Genesis-Transcription"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload on its way: keep `path` to go on with it in another process, for a day."""

    path: str
    length: int


@dataclass(frozen=True, slots=True)
class Uploads:
    """`/api/uploads`."""

    transport: Transport

    async def begin(self, name: str, length: int, options: Options = Options()) -> Upload:  # noqa: B008 - frozen
        """An upload of `length` bytes. Raises GenesisError: the options are refused, or the length."""
        metadata = {"filename": name, **options.told()}
        said = ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in metadata.items())
        headers = {**_TUS, "Upload-Length": str(length), "Upload-Metadata": said}
        answer = await self.transport.request("POST", "/api/uploads", headers=headers)
        return Upload(answer.headers["Location"], length)

    async def offset(self, upload: Upload) -> int:
        """How many bytes are there. Raises NotFound: it has expired, or was given up."""
        return _offset(await self.transport.request("HEAD", upload.path, headers=_TUS))

    async def send(
        self,
        upload: Upload,
        source: Path,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        on_progress: Callable[[int, int], None] = lambda _sent, _length: None,
    ) -> str:
        """Send what is missing; the id of the transcription that it became.

        Args:
            upload: of `begin`, also of another process's.
            source: the file.
            chunk_bytes: in one request, each with its checksum.
            on_progress: is told the bytes that are there, and all bytes.

        Raises:
            GenesisError: the server refuses. Unavailable: it was away for as long as there is patience.
        """
        answer, tries = await self.transport.request("HEAD", upload.path, headers=_TUS), 0
        while (at := _offset(answer)) < upload.length:
            on_progress(at, upload.length)
            try:
                answer, tries = await self._add(upload, source, at, chunk_bytes), 0
            except GenesisError as error:
                tries += 1
                if not _may_go_on(error) or tries >= self.transport.patience.attempts:
                    raise
                # What has arrived of it, only the server knows.
                answer = await self.transport.request("HEAD", upload.path, headers=_TUS)
        on_progress(upload.length, upload.length)
        if _MADE not in answer.headers:
            answer = await self.transport.request("HEAD", upload.path, headers=_TUS)
        return str(answer.headers[_MADE]).rpartition("/")[2]

    async def give_up(self, upload: Upload) -> None:
        await self.transport.request("DELETE", upload.path, headers=_TUS)

    async def _add(self, upload: Upload, source: Path, at: int, chunk_bytes: int) -> httpx.Response:
        data = await anyio.to_thread.run_sync(_piece, source, at, chunk_bytes)
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {
            **_TUS,
            "Upload-Offset": str(at),
            "Upload-Checksum": f"sha256 {checksum}",
            "Content-Type": "application/offset+octet-stream",
        }

        return await self.transport.request("PATCH", upload.path, headers=headers, body=body_of(content=data))


def _piece(source: Path, at: int, chunk_bytes: int) -> bytes:
    with source.open("rb") as file:
        file.seek(at)
        return file.read(chunk_bytes)


def _offset(answer: httpx.Response) -> int:
    return int(answer.headers["Upload-Offset"])


def _may_go_on(error: GenesisError) -> bool:
    """After a broken connection, a clash with our own earlier request, or bytes that were damaged on their way."""
    return isinstance(error, Unavailable | Overloaded | Conflict) or error.about.get(STATUS) == _CHECKSUM_MISMATCH
