"""`python -m web_edge.videos.child`: fetches one video's audio and ends; never imported by a process that serves.

Reads one JSON object of orders from stdin, writes one that says how it went to stdout. yt-dlp is imported before the
process is bound, and asked after.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from web_edge.videos.confinement import Bounds, confine

MEDIA_NAME = "media"
_MOST_SAID = 300
_NOT_YET_OVER = frozenset({"is_live", "is_upcoming", "post_live"})
# Plain transfers of what is audio, or holds some: no playlists of pieces, and nothing that another program must join.
_FORMAT = "bestaudio[protocol^=http]/best[protocol^=http]"


class Refused(Exception):
    """`kind` is one of those of `web_edge.videos.fetching`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Quiet:
    """yt-dlp's log goes nowhere; what went wrong it also raises."""

    def debug(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...


def main() -> int:
    orders = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    try:
        answer = _fetch(orders)
    except Refused as refusal:
        answer = {"refused": refusal.kind, "message": str(refusal)}
    except MemoryError:
        answer = {"refused": "too_large", "message": "The site's answer takes more memory than it may."}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _end_with_the_caller() -> None:
    """Our stdin ends when whoever started us does, also by a kill: then nobody wants the video."""
    sys.stdin.buffer.read()
    os._exit(1)


def _fetch(orders: dict[str, Any]) -> dict[str, Any]:
    try:
        import yt_dlp
    except ImportError:
        raise Refused("missing", "yt-dlp is not installed") from None
    folder = Path(orders["folder"])
    confine(
        Bounds(
            hosts=orders["hosts"],
            addresses=orders["addresses"],
            folder=folder,
            memory_bytes=orders["memory_bytes"],
            # One byte more than is taken, so that being too large is told and not a signal.
            file_bytes=orders["max_bytes"] + (1 << 20),
            cpu_s=orders["cpu_s"],
        )
    )
    try:
        with yt_dlp.YoutubeDL(_options(orders, folder)) as downloader:
            info = downloader.extract_info(orders["url"], download=False, process=True)
            check_metadata(info, orders["max_duration_s"], orders["max_bytes"], knows_length=orders["knows_length"])
            downloader.process_ie_result(info, download=True)
    except yt_dlp.utils.DownloadCancelled as error:
        raise Refused("too_large", str(error)) from None
    except (yt_dlp.utils.YoutubeDLError, OSError) as error:
        raise Refused("unavailable", _said(error)) from None
    media = folder / MEDIA_NAME
    if not media.is_file():
        # yt-dlp skips what is announced larger than it may take.
        raise Refused("too_large", "The video's sound is larger than may be taken.")
    return {"metadata": {name: info.get(name) for name in ("id", "title", "uploader", "duration", "extractor")}}


def check_metadata(info: Any, max_duration_s: float, max_bytes: int, *, knows_length: bool) -> None:
    """Raises Refused for what must not be fetched: before any media is."""
    if not isinstance(info, dict) or info.get("_type", "video") != "video" or "entries" in info:
        raise Refused("not_a_video", "This address is no single video.")
    if info.get("is_live") or info.get("live_status") in _NOT_YET_OVER:
        raise Refused("live", "This video is live, or has just been.")
    duration_s = info.get("duration")
    if isinstance(duration_s, int | float) and duration_s > max_duration_s:
        raise Refused("too_long", f"This video lasts {duration_s / 60:.0f} minutes.")
    if duration_s is None and knows_length:
        raise Refused("too_long", "This video does not say how long it lasts.")
    size = info.get("filesize") or info.get("filesize_approx") or 0
    if size > max_bytes:
        raise Refused("too_large", "The video's sound is larger than may be taken.")


def _options(orders: dict[str, Any], folder: Path) -> dict[str, Any]:
    import yt_dlp

    def watch(progress: dict[str, Any]) -> None:
        if progress.get("downloaded_bytes", 0) > orders["max_bytes"]:
            raise yt_dlp.utils.DownloadCancelled("The video's sound is larger than may be taken.")

    return {
        "allowed_extractors": [orders["extractor"]],
        "cachedir": False,
        "check_formats": False,
        "color": "no_color",
        "enable_file_urls": False,
        "extractor_retries": 1,
        "fixup": "never",
        "format": _FORMAT,
        "fragment_retries": 2,
        "hls_prefer_native": True,
        "logger": _Quiet(),
        "max_filesize": orders["max_bytes"],
        "noplaylist": True,
        "noprogress": True,
        "outtmpl": {"default": str(folder / MEDIA_NAME).replace("%", "%%")},
        "overwrites": True,
        "progress_hooks": [watch],
        "proxy": "",
        "quiet": True,
        "retries": 2,
        "socket_timeout": 15,
        "usenetrc": False,
    }


def _said(error: BaseException) -> str:
    text = str(error).removeprefix("ERROR: ")
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST_SAID]


if __name__ == "__main__":
    sys.exit(main())
