"""A backup's file: a tar whose last two members say what is in it, each with its length and SHA-256.

    tables/<table>.jsonl   rows, see `tables`
    recordings/<id>        sealed, as they are stored; <id>.stem is what was heard of one
    storage.keys           what they are sealed with, if it was asked for
    manifest.json
    manifest.sha256

Whoever reads it reads it twice: first to know that it is whole, then to use it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from music.errors import InvalidInput, Reason

FORMAT: Final = "genesis.backup/1"
TABLES: Final = "tables/"
RECORDINGS: Final = "recordings/"
KEYS: Final = "storage.keys"
_MANIFEST, _MANIFEST_SUM = "manifest.json", "manifest.sha256"
_NAME: Final = re.compile(r"tables/[a-z_]{1,64}\.jsonl|recordings/[0-9a-zA-Z_-]{1,64}(\.stem)?|storage\.keys")
_PIECE_BYTES: Final = 1 << 20
_MOST_MANIFEST_BYTES: Final = 256 << 20


@dataclass(slots=True)
class ArchiveWriter:
    """Adds members to an open tar; `members` says what was added."""

    tar: tarfile.TarFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """Raises OSError, also when `pieces` are not `size` bytes."""
        reader = _Hashed(pieces)
        self.tar.addfile(_member(name, size), reader)
        self.members[name] = {"bytes": size, "sha256": reader.sha256.hexdigest()}

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, path.stat().st_size, iter(lambda: file.read(_PIECE_BYTES), b""))

    def finish(self, about: dict[str, Any]) -> None:
        """Write what is in it, and `about` it."""
        manifest = json.dumps({"format": FORMAT, **about, "members": self.members}, indent=1).encode()
        for name, data in ((_MANIFEST, manifest), (_MANIFEST_SUM, hashlib.sha256(manifest).hexdigest().encode())):
            self.tar.addfile(_member(name, len(data)), io.BytesIO(data))


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """An archive that is at `path` once the block has ended well, and on the disk; nothing is if it has not.

    Only its owner may read it. Raises OSError.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield ArchiveWriter(tar)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def checked_manifest(path: Path) -> dict[str, Any]:
    """What an archive says it is, once every member was found to be as it says.

    Raises InvalidInput: CONFIG_INVALID, it is none or not whole. OSError.
    """
    found: dict[str, dict[str, Any]] = {}
    closing: dict[str, bytes] = {}
    try:
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                if file is None:
                    raise _broken(path, f"{member.name!r} is no file")
                if member.name in (_MANIFEST, _MANIFEST_SUM) and member.size <= _MOST_MANIFEST_BYTES:
                    closing[member.name] = file.read()
                elif _NAME.fullmatch(member.name) is None or member.name in found:
                    raise _broken(path, f"it holds {member.name[:80]!r}")
                else:
                    found[member.name] = {"bytes": member.size, "sha256": _sum(file)}
        raw = closing.get(_MANIFEST, b"")
        if closing.get(_MANIFEST_SUM, b"").decode("ascii", "replace") != hashlib.sha256(raw).hexdigest():
            raise _broken(path, "its list of contents is missing or damaged")
        manifest: dict[str, Any] = json.loads(raw)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _broken(path, str(error)) from error
    if manifest.get("format") != FORMAT:
        raise _broken(path, f"its format is {str(manifest.get('format'))[:40]!r}, not {FORMAT!r}")
    if manifest["members"] != found:
        wrong = sorted(
            name for name in {*found, *manifest["members"]} if found.get(name) != manifest["members"].get(name)
        )
        raise _broken(path, f"{', '.join(wrong[:5])} is not what it was")
    return manifest


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """A member's bytes, a megabyte at a time."""
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def _sum(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    for piece in pieces_of(file):
        sha256.update(piece)
    return sha256.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _broken(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        Reason.CONFIG_INVALID, f"{path} is no backup of ours that is whole: {why}. Nothing was changed."
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Hashed(io.RawIOBase):
    """Pieces as a file that is read once, and their sum."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes unless there are fewer: tarfile takes less for the end."""
        parts, wanted = [], size
        while wanted > 0:
            if not self._held:
                self._held = next(self._pieces, b"")
                if not self._held:
                    break
            parts.append(self._held[:wanted])
            self._held = self._held[wanted:]
            wanted -= len(parts[-1])
        data = b"".join(parts)
        self.sha256.update(data)
        return data
