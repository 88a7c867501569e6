"""The formats there are, and the one function that writes any of them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from exports.losses import Loss, Losses
from exports.score import Score, read_score
from music.document import SCHEMA, parse_document
from music.errors import NotFound, Reason
from music.json_reading import as_object


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        name: what it is called in paths and options, and its suffix.
        media_type: of its bytes.
        what: for people.
        writer: "module:function" of `exports`; imported when it is used, for music21 takes seconds. Empty: JSON.
    """

    name: str
    media_type: str
    what: str
    writer: str = ""


FORMATS = {
    one.name: one
    for one in (
        Format("mid", "audio/midi", "MIDI", "midi:write_midi"),
        Format("musicxml", "application/vnd.recordare.musicxml+xml", "MusicXML", "musicxml:write_musicxml"),
        Format("gp5", "application/x-guitar-pro", "Guitar Pro 5", "gp5:write_gp5"),
        Format("txt", "text/plain; charset=utf-8", "Text tab", "tab_text:write_tab_text"),
        Format("json", "application/json", "JSON"),
    )
}
"""By name."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file and what it does not carry."""

    format: Format
    content: bytes
    losses: tuple[Loss, ...]

    def report(self) -> dict[str, object]:
        """The loss report as a JSON value."""
        listed = [{"kind": loss.kind.value, "count": loss.count, "message": loss.message} for loss in self.losses]
        return {"format": self.format.name, "losses": listed}


def format_named(name: str) -> Format:
    """Raises NotFound: NOT_FOUND, naming the formats there are."""
    if name not in FORMATS:
        raise NotFound(Reason.NOT_FOUND, f"There is no export {name[:20]!r}; there are {', '.join(FORMATS)}.")
    return FORMATS[name]


def export(data: object, name: str, *, title: str = "") -> Export:
    """Write what `json.loads` made of a file of schema "genesis.transcription/1" in another format.

    Args:
        data: the file.
        name: of the format.
        title: of the piece, where the file names none better.

    Raises:
        NotFound: NOT_FOUND, there is no such format.
        InvalidInput: the file is not of the schema, or too long for a score.
    """
    wanted = format_named(name)
    losses = Losses()
    if not wanted.writer:
        parse_document(data)
        content = json.dumps({"schema": SCHEMA, **as_object(data, "The file")}, indent=1, ensure_ascii=False)
        return Export(wanted, (content + "\n").encode(), ())
    score = read_score(data, losses, title=title)
    content_bytes = _writer(wanted)(score, losses)
    return Export(wanted, content_bytes, losses.report())


def _writer(wanted: Format) -> Callable[[Score, Losses], bytes]:
    module, function = wanted.writer.split(":")
    writer: Callable[[Score, Losses], bytes] = getattr(importlib.import_module(f"exports.{module}"), function)
    return writer
