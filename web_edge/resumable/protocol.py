"""What tus 1.0 says in headers, read by pure functions. Extensions: creation, termination, checksum, expiration."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from music.errors import InvalidInput, Reason
from web_edge.audio_files import too_large

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,termination,checksum,expiration"
MEDIA_TYPE: Final = "application/offset+octet-stream"
ALGORITHMS: Final = ("sha256", "sha1")
_MOST_METADATA = 8 << 10
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Checksum:
    """Of one request's bytes."""

    algorithm: str
    digest: bytes

    def hasher(self) -> hashlib._Hash:
        # SHA-1 is the protocol's minimum; it guards against a bad line, not against anybody.
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def is_of(self, hasher: hashlib._Hash) -> bool:
        return hmac.compare_digest(self.digest, hasher.digest())


def length_of(headers: Mapping[str, str], max_bytes: int) -> int:
    """`Upload-Length`. Raises InvalidInput: REQUEST_INVALID, AUDIO_EMPTY, AUDIO_TOO_LARGE."""
    length = _count(headers, "Upload-Length")
    if length == 0:
        raise InvalidInput(Reason.AUDIO_EMPTY, "The file is empty. Choose one that holds audio.")
    if length > max_bytes:
        raise too_large(max_bytes)
    return length


def offset_of(headers: Mapping[str, str]) -> int:
    """`Upload-Offset`. Raises InvalidInput: REQUEST_INVALID."""
    return _count(headers, "Upload-Offset")


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """`Upload-Metadata`: keys with values in base64, commas between. Raises InvalidInput: REQUEST_INVALID."""
    text = headers.get("Upload-Metadata", "")
    metadata: dict[str, str] = {}
    try:
        if len(text) > _MOST_METADATA:
            raise ValueError(text)
        for pair in filter(None, (part.strip() for part in text.split(","))):
            key, _, value = pair.partition(" ")
            if key in metadata:
                raise ValueError(key)
            metadata[key] = base64.b64decode(value.strip(), validate=True).decode()
    except (ValueError, binascii.Error):
        raise InvalidInput(
            Reason.REQUEST_INVALID, "Upload-Metadata holds each key once, its value in base64, commas between."
        ) from None
    return metadata


def checksum_of(headers: Mapping[str, str]) -> Checksum | None:
    """`Upload-Checksum`, if there is one. Raises InvalidInput: REQUEST_INVALID."""
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, digest = text.partition(" ")
    try:
        if algorithm not in ALGORITHMS:
            raise ValueError(algorithm)
        return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except (ValueError, binascii.Error):
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"Upload-Checksum is one of {', '.join(ALGORITHMS)}, a space, the digest in base64."
        ) from None


def _count(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{name} is a number of bytes.")
    return int(text)
