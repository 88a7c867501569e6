"""A recording sealed in segments, so that any part of it can be opened by itself.

    magic (8) | id of the key (8) | nonce (12) | the recording's own key, sealed by that key (48)
    segment 0 | segment 1 | …     64 KiB each but the last, every one with a tag of 16 bytes

A segment's nonce says where it stands and whether it is the last one, the associated data whose it is: segments that
are dropped, swapped, cut off or put under another name do not open. A recording has a key of its own, so no nonce
comes twice under one key, and a new key of the server seals but that key anew. (The construction is STREAM: Hoang,
Reyhanitabar, Rogaway and Vizár, 2015.)
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from music.errors import Reason, Unavailable
from web_edge.storage.keys import ID_BYTES, KEY_BYTES, Keyring, key_id

SEGMENT_BYTES: Final = 64 << 10
TAG_BYTES: Final = 16
SEALED_BYTES: Final = SEGMENT_BYTES + TAG_BYTES
_MAGIC: Final = b"GENESIS\x01"
_NONCE_BYTES: Final = 12
HEADER_BYTES: Final = len(_MAGIC) + ID_BYTES + _NONCE_BYTES + KEY_BYTES + TAG_BYTES


class Seal:
    """Seals one recording as it comes: the header, then `push` as often as there is something, then `finish`."""

    def __init__(self, keys: Keyring, name: str) -> None:
        self.header, own = new_header(keys, name)
        self._cipher = AESGCM(own)
        self._name = name.encode()
        self._index = 0
        self._held = bytearray()

    def push(self, data: bytes) -> Iterator[bytes]:
        """The segments that are full; what may be the last one is held back."""
        self._held += data
        while len(self._held) > SEGMENT_BYTES:
            segment = bytes(self._held[:SEGMENT_BYTES])
            del self._held[:SEGMENT_BYTES]
            yield self._seal(segment, is_last=False)

    def finish(self) -> bytes:
        """The last segment."""
        return self._seal(bytes(self._held), is_last=True)

    def _seal(self, segment: bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._index, is_last=is_last), segment, self._name)
        self._index += 1
        return sealed


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens segments of one recording of which `segment_count` are stored."""

    cipher: AESGCM
    name: str
    segment_count: int

    @classmethod
    def of(cls, keys: Keyring, name: str, header: bytes, stored_bytes: int) -> Opener:
        """Raises Unavailable: STORAGE_UNAVAILABLE, it is damaged or its key is not here."""
        cipher = AESGCM(own_key(keys, name, header))
        return cls(cipher, name, -(-(stored_bytes - HEADER_BYTES) // SEALED_BYTES))

    def open(self, first: int, stored: bytes) -> bytes:
        """Segments `first` and following as they are stored. Raises Unavailable: STORAGE_UNAVAILABLE."""
        opened = []
        for index, start in enumerate(range(0, len(stored), SEALED_BYTES), start=first):
            nonce = _nonce(index, is_last=index == self.segment_count - 1)
            try:
                opened.append(self.cipher.decrypt(nonce, stored[start : start + SEALED_BYTES], self.name.encode()))
            except InvalidTag:
                raise damaged() from None
        return b"".join(opened)


def new_header(keys: Keyring, name: str) -> tuple[bytes, bytes]:
    """A header with a new key of its own, and that key. Raises as `Keyring.open`."""
    own = secrets.token_bytes(KEY_BYTES)
    return _header(keys.newest(), own, name), own


def sealed_by(header: bytes) -> bytes:
    """Id of the key that a header names. Raises Unavailable: STORAGE_UNAVAILABLE, it is no header."""
    if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
        raise damaged()
    return header[len(_MAGIC) : len(_MAGIC) + ID_BYTES]


def reseal(keys: Keyring, name: str, header: bytes) -> bytes:
    """The header sealed with the newest key; the segments stay as they are. Raises as `Opener.of`."""
    return _header(keys.newest(), own_key(keys, name, header), name)


def damaged() -> Unavailable:
    return Unavailable(
        Reason.STORAGE_UNAVAILABLE, "The stored recording is damaged. Upload it again, or restore it from a backup."
    )


def _header(key: bytes, own: bytes, name: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    start = _MAGIC + key_id(key)
    return start + nonce + AESGCM(key).encrypt(nonce, own, start + name.encode())


def own_key(keys: Keyring, name: str, header: bytes) -> bytes:
    """Raises as `Opener.of`."""
    identity = sealed_by(header)
    start = _MAGIC + identity
    nonce, sealed = header[len(start) : len(start) + _NONCE_BYTES], header[len(start) + _NONCE_BYTES :]
    try:
        return AESGCM(keys.named(identity)).decrypt(nonce, sealed, start + name.encode())
    except InvalidTag:
        raise damaged() from None


def _nonce(index: int, *, is_last: bool) -> bytes:
    return index.to_bytes(_NONCE_BYTES - 1, "big") + bytes([is_last])
