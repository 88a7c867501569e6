"""Bytes that come with interruptions, sealed as they come.

    header (76)         as of a stored recording: a key of its own, sealed by the server's
    record | record | … nonce (12) | length of the bytes (4) | the bytes sealed, with a tag (16)

A record holds at most 64 KiB, says by its associated data where in the upload it stands, and is whole or is none: what
a crash cut off is passed over, and written over when the upload goes on. Nonces are random, since such a place is
sealed twice. Segments of a fixed length, which recordings have, would not do: an upload may pause anywhere.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import HEADER_BYTES, TAG_BYTES, damaged, new_header, own_key, sealed_by

RECORD_BYTES: Final = 64 << 10
_NONCE_BYTES: Final = 12
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = _NONCE_BYTES + _LENGTH_BYTES


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is in a file: bytes of the upload in whole records, and how far these reach in the file."""

    plain: int
    stored: int


@dataclass(frozen=True, slots=True)
class Cipher:
    """Seals and opens the records of one upload."""

    aead: AESGCM
    name: bytes

    @classmethod
    def make(cls, path: Path, keys: Keyring, name: str) -> None:
        """A new file without records. Raises FileExistsError, OSError."""
        with path.open("xb") as file:
            file.write(new_header(keys, _bound(name))[0])

    @classmethod
    def of(cls, path: Path, keys: Keyring, name: str) -> Cipher:
        """Raises FileNotFoundError. Unavailable: STORAGE_UNAVAILABLE, it is damaged or its key is not here."""
        with path.open("rb") as file:
            key = own_key(keys, _bound(name), file.read(HEADER_BYTES))
        return cls(AESGCM(key), name.encode())

    def seal(self, data: bytes, place: int) -> bytes:
        """One record of `data`, which stands at `place` in the upload."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        length = len(data).to_bytes(_LENGTH_BYTES, "big")
        return nonce + length + self.aead.encrypt(nonce, data, self._where(place))

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The bytes of the whole records of a file. Raises Unavailable: STORAGE_UNAVAILABLE, one does not open."""
        file.seek(HEADER_BYTES)
        place = 0
        while len(head := file.read(_HEAD_BYTES)) == _HEAD_BYTES:
            length = int.from_bytes(head[_NONCE_BYTES:], "big")
            if length > RECORD_BYTES:
                raise damaged()
            sealed = file.read(length + TAG_BYTES)
            if len(sealed) < length + TAG_BYTES:
                return
            try:
                yield self.aead.decrypt(head[:_NONCE_BYTES], sealed, self._where(place))
            except InvalidTag:
                raise damaged() from None
            place += length

    def _where(self, place: int) -> bytes:
        return self.name + place.to_bytes(8, "big")


class RecordWriter:
    """Seals what is pushed into records as they fill; `flush` seals the rest."""

    def __init__(self, cipher: Cipher, place: int) -> None:
        self._cipher = cipher
        self._place = place
        self._held = bytearray()

    def push(self, data: bytes) -> bytes:
        """The records that are full; b"" when there is none."""
        self._held += data
        records = []
        while len(self._held) >= RECORD_BYTES:
            records.append(self._seal(RECORD_BYTES))
        return b"".join(records)

    def flush(self) -> bytes:
        return self._seal(len(self._held)) if self._held else b""

    def _seal(self, length: int) -> bytes:
        record = self._cipher.seal(bytes(self._held[:length]), self._place)
        del self._held[:length]
        self._place += length
        return record


def extent_of(path: Path) -> Extent:
    """By the heads of the records alone. Raises FileNotFoundError."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        plain, stored = 0, HEADER_BYTES
        while stored + _HEAD_BYTES <= size:
            file.seek(stored + _NONCE_BYTES)
            length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
            if stored + _HEAD_BYTES + length + TAG_BYTES > size:
                break
            plain += length
            stored += _HEAD_BYTES + length + TAG_BYTES
    return Extent(plain, stored)


def key_id_of(path: Path) -> bytes:
    """Raises FileNotFoundError. Unavailable: STORAGE_UNAVAILABLE, it is no file of ours."""
    with path.open("rb") as file:
        return sealed_by(file.read(HEADER_BYTES))


def _bound(name: str) -> str:
    """No stored recording is an upload under way."""
    return f"upload {name}"
