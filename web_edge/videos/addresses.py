"""Which addresses may be fetched: parsed once, by a list of what is allowed, and written anew from what was understood.

What a caller wrote is never handed on. The address that is fetched is made here, of a host of ours and the video's id,
so nothing that a second parser might read differently gets past this one.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from music.errors import InvalidInput, Reason

_MOST_CHARACTERS = 2048
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_PLAIN = re.compile(r"[!-~]+")
_WATCH_HOSTS: Final = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"})
_SHORT_HOSTS: Final = frozenset({"youtu.be", "www.youtu.be"})
_FOLDERS: Final = frozenset({"shorts", "embed", "live", "v"})
_MEDIA_HOSTS: Final = ("youtube.com", "googlevideo.com", "youtubei.googleapis.com")
_HINT = "Give the address of one YouTube video, such as https://www.youtube.com/watch?v=…, or upload the recording."


@dataclass(frozen=True, slots=True)
class VideoAddress:
    """What the fetching process is told, and all that it may reach.

    Attributes:
        url: written by us, never the caller's text.
        extractor: regular expression of the one yt-dlp extractor that may handle it.
        hosts: names that may be resolved, those below them included.
        addresses: `host:port` that may be reached though they are not public; of tests only.
    """

    url: str
    extractor: str
    hosts: tuple[str, ...]
    addresses: tuple[str, ...] = ()


def video_address(text: str, *, test_address: str = "") -> VideoAddress:
    """The video that `text` names.

    Args:
        text: from a caller; anything.
        test_address: `host:port` on loopback that tests serve media from; empty everywhere else.

    Raises:
        InvalidInput: URL_REFUSED, with what is wrong and what to give instead. Nothing has been looked up.
    """
    parts = _split(text)
    if test_address and parts.scheme == "http" and parts.netloc == test_address:
        return VideoAddress(f"http://{test_address}{parts.path}", "^generic$", (), (test_address,))
    if parts.scheme not in ("http", "https"):
        raise _refused("An address begins with https://.")
    if parts.netloc.lower() != (parts.hostname or ""):
        # A user, a password or a port: there is none in an address of a video.
        raise _refused("The address holds more than a host and a path.")
    video_id = _video_id(parts)
    return VideoAddress(f"https://www.youtube.com/watch?v={video_id}", "^youtube$", _MEDIA_HOSTS)


def checked_test_address(address: str) -> str:
    """`address` itself. Raises InvalidInput: CONFIG_INVALID unless it is empty or a port of a loopback address."""
    if not address:
        return address
    host, _, port = address.rpartition(":")
    try:
        fits = ipaddress.ip_address(host).is_loopback and port.isdecimal() and 0 < int(port) <= 65_535
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput(Reason.CONFIG_INVALID, f"{address!r} is no test address: write 127.0.0.1:PORT, or nothing.")
    return address


def _split(text: str) -> SplitResult:
    if len(text) > _MOST_CHARACTERS or _PLAIN.fullmatch(text) is None or "\\" in text or text.startswith("-"):
        raise _refused("An address is at most 2048 plain characters without spaces.")
    try:
        parts = urlsplit(text)
        _ = parts.port  # reading it checks it
    except ValueError:
        raise _refused("This is no address.") from None
    return parts


def _video_id(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if host in _SHORT_HOSTS:
        found = parts.path.removeprefix("/")
    elif host in _WATCH_HOSTS:
        found = _watched(parts)
    else:
        raise _refused("Videos are taken from YouTube only.")
    if _VIDEO_ID.fullmatch(found) is None:
        raise _refused("The address names no single video.")
    return found


def _watched(parts: SplitResult) -> str:
    if parts.path == "/watch":
        given = parse_qs(parts.query, max_num_fields=32).get("v", []) if parts.query.count("&") < 32 else []
        return given[0] if len(given) == 1 else ""
    folder, _, found = parts.path.removeprefix("/").partition("/")
    return found.removesuffix("/") if folder in _FOLDERS else ""


def _refused(why: str) -> InvalidInput:
    return InvalidInput(Reason.URL_REFUSED, f"{why} {_HINT}")
