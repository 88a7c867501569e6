"""Reading the caller's audio file in chunks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

from genesis.options import not_available
from music.errors import InvalidInput, NotFound, Reason

CHUNK_BYTES = 256 * 1024
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check_audio_file(name: str) -> Path:
    """The path of a file that can be opened.

    Raises:
        UsageError: it is an address on the net.
        NotFound: FILE_NOT_FOUND.
        InvalidInput: AUDIO_UNREADABLE, a folder or a file that may not be read.
    """
    if _ADDRESS.match(name):
        not_available("An address as input", "download the audio and name the file")
    path = Path(name)
    try:
        if path.is_dir():
            raise InvalidInput(Reason.AUDIO_UNREADABLE, f"{name} is a folder; name an audio file in it.")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise NotFound(Reason.FILE_NOT_FOUND, f"There is no file {name}.") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidInput(Reason.AUDIO_UNREADABLE, f"{name!r} cannot be read: {said}.") from None


async def read_chunks(path: Path) -> AsyncIterator[bytes]:
    """The file's bytes, read off the event loop."""
    with path.open("rb") as file:
        while data := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield data
