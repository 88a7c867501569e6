"""A job's video becomes its recording: fetched once, stored like an upload, and from then on no different from one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from music.errors import InvalidInput, Reason
from web_edge.audio_files import AudioFiles
from web_edge.rows import Transcription
from web_edge.transcriptions import Transcriptions
from web_edge.videos.fetching import Video, Videos

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class VideoRecordings:
    """`folder` holds videos on their way; what a crash leaves there is worth nothing."""

    transcriptions: Transcriptions
    files: AudioFiles
    videos: Videos
    folder: Path

    async def bring(self, transcription: Transcription) -> None:
        """Fetch the recording of a job that has an address and no recording yet; others are left as they are.

        Raises GenesisError: as `Videos.address` and `Videos.fetch`.
        """
        if transcription.url is None or transcription.audio_bytes is not None:
            return
        # Settings may have changed since it was asked for.
        address = self.videos.address(transcription.url)
        async with self.videos.fetch(address, self.folder) as video:
            async with self.files.receive(transcription.id) as incoming:
                async with await anyio.open_file(video.path, "rb") as media:
                    while piece := await media.read(_PIECE_BYTES):
                        await incoming.write(piece)
                # A title is no file's name: it may hold a slash.
                audio = replace(await incoming.finish(video.title), name=video.title)
            await self.transcriptions.note_recording(transcription.id, audio, metadata_of(video))

    async def sweep(self) -> None:
        """Remove what a crash left."""
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(self.folder, ignore_errors=True))


def metadata_of(video: Video) -> dict[str, Any]:
    """What is kept of a video besides its sound, under the names by which the API tells it."""
    return {
        "id": video.video_id,
        "title": video.title,
        "uploader": video.uploader,
        "extractor": video.extractor,
        "duration_s": video.duration_s,
    }


def url_in(asked: dict[str, Any]) -> str:
    """The address in a request's JSON. Raises InvalidInput: REQUEST_INVALID."""
    url = asked.get("url")
    if not isinstance(url, str):
        raise InvalidInput(Reason.REQUEST_INVALID, "Say which video: `url` is missing, or send a recording.")
    return url
