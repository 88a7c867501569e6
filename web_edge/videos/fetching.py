"""A video's sound into a folder, by a process that dies with whoever waits for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
import anyio.to_thread
from anyio.abc import Process

from music.errors import GenesisError, InvalidInput, Reason, Unavailable
from web_edge.audio_files import TITLE_CHARACTERS
from web_edge.videos.addresses import VideoAddress, checked_test_address, video_address
from web_edge.videos.settings import VideoSettings

_MOST_ANSWER_BYTES = 64 << 10
_MEDIA_NAME = "media"

_REASONS: Final = {
    "not_a_video": Reason.URL_REFUSED,
    "live": Reason.URL_REFUSED,
    "too_long": Reason.AUDIO_TOO_LONG,
    "too_large": Reason.AUDIO_TOO_LARGE,
    "unavailable": Reason.URL_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Video:
    """What was fetched. The texts are a stranger's: printable, bounded, and still to be escaped where they are shown.

    Attributes:
        path: the media, in a container; gone at the end of the block.
        video_id, title, uploader, extractor: as the site says; "" where it does not.
        duration_s: None where the site does not say.
    """

    path: Path
    video_id: str
    title: str
    uploader: str
    extractor: str
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Videos:
    """Fetches videos, a few at a time; `address` first, which looks nothing up."""

    settings: VideoSettings
    _turn: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        checked_test_address(self.settings.test_address)
        object.__setattr__(self, "_turn", anyio.CapacityLimiter(self.settings.concurrent))

    def address(self, text: str) -> VideoAddress:
        """What would be fetched. Raises InvalidInput: URL_REFUSED, also when videos are off."""
        if not self.settings.allowed:
            raise InvalidInput(
                Reason.URL_REFUSED,
                "This server takes no addresses of videos. Upload the recording, or ask whoever runs it to set "
                "GENESIS_EDGE_VIDEOS=true.",
            )
        return video_address(text, test_address=self.settings.test_address)

    @asynccontextmanager
    async def fetch(self, address: VideoAddress, folder: Path) -> AsyncIterator[Video]:
        """The video's sound for the length of the block, in a folder of its own below `folder`.

        Raises:
            InvalidInput: URL_REFUSED (no single video, live, or
                the site does not give it and the message says what it said), AUDIO_TOO_LONG, AUDIO_TOO_LARGE.
            Unavailable: PROCESS_FAILED when yt-dlp is not installed or took too long, STORAGE_UNAVAILABLE.
        """
        async with self._turn:
            try:
                await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
                temporary = await anyio.to_thread.run_sync(
                    lambda: TemporaryDirectory(prefix="video-", dir=folder.resolve())
                )
            except OSError as error:
                raise Unavailable(
                    Reason.STORAGE_UNAVAILABLE, "There is no room for a video. Try again later."
                ) from error
            try:
                yield await self._fetch(address, Path(temporary.name))
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(temporary.cleanup)

    async def _fetch(self, address: VideoAddress, folder: Path) -> Video:
        limits = self.settings
        orders = {
            "url": address.url,
            "extractor": address.extractor,
            "hosts": address.hosts,
            "addresses": address.addresses,
            "folder": str(folder),
            "max_duration_s": limits.max_duration_s,
            "max_bytes": limits.max_bytes,
            "memory_bytes": limits.memory_bytes,
            "cpu_s": int(limits.limit_s) + 1,
            # A file on the test's server does not say how long it lasts; every site does.
            "knows_length": not address.addresses,
        }
        answer = await _run_child(orders, folder, limits.limit_s)
        if "refused" in answer:
            raise _refusal(str(answer["refused"]), str(answer["message"]), limits)
        said = answer["metadata"]
        duration_s = said["duration"]
        return Video(
            path=folder / _MEDIA_NAME,
            video_id=plain_text(said["id"]),
            title=plain_text(said["title"]) or "Video",
            uploader=plain_text(said["uploader"]),
            extractor=plain_text(said["extractor"]),
            duration_s=float(duration_s) if isinstance(duration_s, int | float) else None,
        )


def plain_text(said: object) -> str:
    """A stranger's text without anything that is not printed, such as marks that turn the writing direction around."""
    if not isinstance(said, str):
        return ""
    return "".join(character for character in said if character.isprintable())[:TITLE_CHARACTERS].strip()


async def _run_child(orders: dict[str, object], folder: Path, limit_s: float) -> dict[str, Any]:
    command = [sys.executable, "-B", "-m", "web_edge.videos.child"]
    # Nothing of ours is handed on: no secrets, no proxies, no plugins, no home with configuration in it.
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "YTDLP_NO_PLUGINS": "1"}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    process = await anyio.open_process(
        command, env=environment, cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        with anyio.fail_after(limit_s):
            assert process.stdin is not None  # noqa: S101 - asked for; this tells the type checker
            await process.stdin.send(json.dumps(orders).encode() + b"\n")
            answer = await _answer_of(process)
            await process.wait()
    except TimeoutError:
        raise Unavailable(
            Reason.PROCESS_FAILED, f"The video did not come within {limit_s:g} s. Try again, or upload the recording."
        ) from None
    finally:
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()
    return answer


async def _answer_of(process: Process) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - as above
    said = bytearray()
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while len(said) < _MOST_ANSWER_BYTES:
            said += await process.stdout.receive()
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        # Ended by a signal of its limits, or by too much of an answer.
        raise GenesisError(
            Reason.PROCESS_FAILED, "The video could not be fetched within its limits. Upload the recording."
        )
    return answer


def _refusal(kind: str, message: str, limits: VideoSettings) -> GenesisError:
    if kind == "missing":
        return Unavailable(
            Reason.PROCESS_FAILED,
            "Videos need yt-dlp, which is not installed here: pip install 'genesis-music[youtube]'.",
        )
    hints = {
        "too_long": f"At most {limits.max_duration_s / 60:g} minutes are taken; upload the part that you want.",
        "too_large": f"At most {limits.max_bytes / 1e6:g} MB are taken; upload a shorter part of it.",
        "live": "Give one that is over.",
        "not_a_video": "Give the address of one video.",
        "unavailable": "Try another, or upload the recording.",
    }
    return InvalidInput(_REASONS.get(kind, Reason.URL_REFUSED), f"{message.rstrip('.')}. {hints.get(kind, '')}".strip())
