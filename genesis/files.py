"""The files a caller asks for: one document, written in every format that is named."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesis.output import STDOUT, write_bytes, write_json, write_text
from music.errors import InvalidInput, NotFound, Reason


@dataclass(frozen=True, slots=True)
class Files:
    """Where each format goes; None for those nobody asked for."""

    json: Path | None = None
    txt: Path | None = None
    midi: Path | None = None
    musicxml: Path | None = None
    gp5: Path | None = None

    @property
    def paths(self) -> tuple[Path | None, ...]:
        return (self.json, self.txt, self.midi, self.musicxml, self.gp5)

    @property
    def is_any_named(self) -> bool:
        return any(path is not None for path in self.paths)

    def write(self, document: dict[str, Any], *, title: str = "") -> None:
        """Write a document of schema "genesis.transcription/1"; what a format cannot carry is told on stderr.

        Raises:
            InvalidInput: the document is not of the schema, or too long for a score.
        """
        if self.json is not None:
            write_json(self.json, document)
        for name, path in (("txt", self.txt), ("mid", self.midi), ("musicxml", self.musicxml), ("gp5", self.gp5)):
            if path is not None:
                _write(document, name, path, title)


def _write(document: dict[str, Any], name: str, path: Path, title: str) -> None:
    from exports.formats import export

    written = export(document, name, title=title)
    if name == "txt":
        write_text(path, written.content.decode())
    else:
        write_bytes(path, written.content)
    if path != STDOUT:
        for loss in written.losses:
            sys.stderr.write(f"{path.name}: {loss.message}\n")


def read_document(path: Path) -> object:
    """What a JSON file says. Raises NotFound or InvalidInput."""
    try:
        return json_format.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(Reason.FILE_NOT_FOUND, f"There is no file {path}.") from None
    except OSError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} is not JSON: {error}.") from None
