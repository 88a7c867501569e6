"""Where results go: files, whole or not at all, and standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genesis.exits import UsageError
from music.errors import Reason

if TYPE_CHECKING:
    from rich.table import Table

STDOUT = Path("-")
_UNWRAPPED = 240


def check_writable(paths: Iterable[Path | None]) -> None:
    """Raises UsageError: REQUEST_INVALID for a path that cannot be written, before minutes of work go into it."""
    for path in paths:
        if path is None or path == STDOUT:
            continue
        if path.is_dir():
            raise UsageError(Reason.REQUEST_INVALID, f"{path} is a folder; name a file to write.")
        if not path.parent.is_dir():
            raise UsageError(Reason.REQUEST_INVALID, f"There is no folder {path.parent} to write {path.name} into.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(Reason.REQUEST_INVALID, f"{path} may not be written.")


def write_text(path: Path, text: str) -> None:
    """In UTF-8; see `write_bytes`."""
    if path == STDOUT:
        sys.stdout.write(text)
    else:
        write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Readers of `path` see the old file or the new one; a pipe or device is written straight."""
    if path == STDOUT:
        sys.stdout.buffer.write(content)
    elif path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def write_json(path: Path, document: object) -> None:
    """Indented, but an object of a list (a note, a beat) on one line: as easy to read, and much quicker to write."""
    write_text(path, _indented(document, "") + "\n")


def _indented(value: object, margin: str) -> str:
    inner = margin + " "
    if isinstance(value, dict) and value and not margin:
        entries = (f"{inner}{_on_one_line(str(key))}: {_indented(entry, inner)}" for key, entry in value.items())
        return "{\n" + ",\n".join(entries) + "\n" + margin + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + _on_one_line(entry) for entry in value) + "\n" + margin + "]"
    return _on_one_line(value)


_on_one_line = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def print_table(table: Table) -> None:
    """On stdout; as wide as the terminal, and unwrapped where there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _UNWRAPPED).print(table)
