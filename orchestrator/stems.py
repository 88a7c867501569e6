"""Stems that sessions were separated into, kept for a while as FLAC files, so that they can be fetched.

What is written here is a recording: the folder is this user's alone, and what nobody has fetched goes by itself.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import anyio
import anyio.to_thread
import numpy as np

from music.errors import NotFound, Reason
from orchestrator.decoding import Samples

if TYPE_CHECKING:
    from av import AudioStream
    from av.container import OutputContainer

_SUFFIX: Final = ".flac"
_UNFINISHED: Final = ".part"
_FULL_SCALE: Final = 32767
_PIECE_BYTES: Final = 256 << 10
_SWEEP_S: Final = 60.0

_log = logging.getLogger(__name__)


class StemSink(Protocol):
    """Takes a session's stem as it becomes known."""

    def write(self, stem: Samples) -> None:
        """Take f32[2, n], which follow on what was written before. Blocks; never raises for what it cannot keep."""
        ...


class StemFile:
    """One stem on its way into a FLAC file of 16 bits, stereo.

    Args:
        path: where it is when `finish` has been called; until then it is beside it.
        rate_hz: of the stem.
    """

    def __init__(self, path: Path, rate_hz: int) -> None:
        # A tenth of a second and ten megabytes that a server without separated sessions does without.
        import av

        self._av = av
        self._path = path
        self._part = path.with_name(path.name + _UNFINISHED)
        self._rate_hz = rate_hz
        self._container: OutputContainer | None = None
        self._stream: AudioStream | None = None
        self._count = 0
        self._is_lost = False

    def write(self, stem: Samples) -> None:
        """See `StemSink.write`: a full disk costs the stem, not the session."""
        if self._is_lost or not stem.shape[1]:
            return
        try:
            self._encode(stem)
        except (OSError, self._av.FFmpegError) as error:
            _log.warning("The stem %s is lost: %s", self._path.name, error)
            self.discard()

    def finish(self) -> None:
        """Put the file where it can be fetched, if there is anything in it."""
        if self._container is None or self._stream is None:
            return
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
            self._close()
            self._part.replace(self._path)
        except (OSError, self._av.FFmpegError) as error:
            _log.warning("The stem %s is lost: %s", self._path.name, error)
            self.discard()

    def discard(self) -> None:
        """Forget what was written."""
        self._is_lost = True
        try:
            self._close()
        except (OSError, self._av.FFmpegError) as error:
            _log.debug("A stem was not closed: %s", error)
        self._part.unlink(missing_ok=True)

    def _encode(self, stem: Samples) -> None:
        if self._container is None:
            # Made first, so that nobody else ever may read it.
            os.close(os.open(self._part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
            self._container = self._av.open(str(self._part), "w", format="flac")
            self._stream = self._container.add_stream("flac", rate=self._rate_hz, layout="stereo")
        assert self._stream is not None  # noqa: S101 - made together
        whole = np.round(np.clip(stem, -1, 1) * _FULL_SCALE).astype(np.int16)
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(whole.T).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = self._rate_hz
        frame.pts = self._count
        self._count += stem.shape[1]
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()


class StemShelf:
    """The stems of this server's sessions.

    Args:
        folder: made if it is not there.
        kept_s: how long after its session's end a stem can be fetched.
    """

    def __init__(self, folder: Path, kept_s: float) -> None:
        self._folder = folder
        self._kept_s = kept_s
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in folder.glob("*" + _UNFINISHED):
            part.unlink(missing_ok=True)  # what a crash cut off

    def open(self, session_id: str, rate_hz: int) -> StemFile:
        """For the stem of a session with a checked id; a further attempt's takes the place of the one before."""
        return StemFile(self._path(session_id), rate_hz)

    async def pieces(self, session_id: str) -> AsyncGenerator[bytes, None]:
        """A finished stem's file, in pieces. Raises NotFound: STEM_NOT_FOUND."""
        try:
            file = await anyio.open_file(self._path(session_id), "rb")
        except FileNotFoundError:
            raise no_stem(session_id) from None
        async with file:
            while piece := await file.read(_PIECE_BYTES):
                yield piece

    async def keep_tidy(self) -> None:
        """Remove what was kept long enough, for as long as this runs."""
        while True:
            await anyio.to_thread.run_sync(self.sweep)
            await anyio.sleep(_SWEEP_S)

    def sweep(self) -> None:
        """Remove what was kept long enough."""
        for path in self._folder.glob("*" + _SUFFIX):
            try:
                if time.time() - path.stat().st_mtime > self._kept_s:
                    path.unlink()
            except FileNotFoundError:
                continue  # the next attempt at its session has just put another in its place

    def _path(self, session_id: str) -> Path:
        return self._folder / (session_id + _SUFFIX)


def no_stem(session_id: str) -> NotFound:
    return NotFound(
        Reason.STEM_NOT_FOUND,
        f"No stem is kept of session {session_id!r}: nothing was separated in it, or it ended too long ago.",
        session_id=session_id,
    )
