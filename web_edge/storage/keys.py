"""The keys that recordings are sealed with: a file of them, the newest first; the others still open what is older."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from music.errors import InvalidInput, Reason, Unavailable

KEY_BYTES: Final = 32
ID_BYTES: Final = 8
_HEAD = "# Keys of stored recordings, the newest first. Whoever loses this file loses the recordings.\n"


def key_id(key: bytes) -> bytes:
    """Names a key without saying anything about it."""
    return hashlib.sha256(b"genesis key id" + key).digest()[:ID_BYTES]


class Keyring:
    """A file of keys, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._keys: dict[bytes, bytes] = {}

    @classmethod
    def open(cls, path: Path) -> Keyring:
        """The keys of a file, which is made with one key if there is none.

        Raises InvalidInput: CONFIG_INVALID, there is something else in it.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, [secrets.token_bytes(KEY_BYTES)])
        ring = cls(path)
        ring._refresh()
        return ring

    @staticmethod
    def restore(path: Path, data: bytes) -> None:
        """Write the file as it was once. Raises InvalidInput: CONFIG_INVALID. OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _parse(data.decode("ascii", "replace"), path))

    def newest(self) -> bytes:
        """The key to seal with. Raises as `open`."""
        self._refresh()
        return next(iter(self._keys.values()))

    def named(self, identity: bytes) -> bytes:
        """The key to open with. Raises Unavailable: STORAGE_UNAVAILABLE, it is not here."""
        self._refresh()
        if identity not in self._keys:
            raise Unavailable(
                Reason.STORAGE_UNAVAILABLE,
                f"The recording is sealed with key {identity.hex()}, which this server does not have.",
            )
        return self._keys[identity]

    def ids(self) -> list[bytes]:
        self._refresh()
        return list(self._keys)

    def add(self) -> bytes:
        """Put a new key first; returns its id."""
        self._refresh()
        key = secrets.token_bytes(KEY_BYTES)
        _write(self._path, [key, *self._keys.values()])
        return key_id(key)

    def forget(self, identities: Iterable[bytes]) -> None:
        """Drop keys, never the newest. What they sealed can never be opened again."""
        self._refresh()
        newest, *others = self._keys.items()
        gone = set(identities)
        _write(self._path, [newest[1], *(key for identity, key in others if identity not in gone)])

    def _refresh(self) -> None:
        stat = self._path.stat()
        if self._read_at == (stat.st_mtime_ns, stat.st_ino):
            return
        self._keys = {key_id(key): key for key in _parse(_text(self._path), self._path)}
        self._read_at = (stat.st_mtime_ns, stat.st_ino)


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace")


def _parse(text: str, path: Path) -> list[bytes]:
    lines = [line.strip() for line in text.splitlines()]
    try:
        keys = [base64.b64decode(line, validate=True) for line in lines if line and not line.startswith("#")]
    except (binascii.Error, ValueError):
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise InvalidInput(
            Reason.CONFIG_INVALID, f"{path} is no file of keys: one key of {KEY_BYTES} bytes in base64 a line."
        )
    return keys


def _write(path: Path, keys: list[bytes]) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(_HEAD + "".join(base64.b64encode(key).decode() + "\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
