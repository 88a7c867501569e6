"""`genesis arrange`: notes in, the same notes with string and fret out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import UsageError, verb
from genesis.files import Files, read_document
from genesis.options import read_instrument
from genesis.output import STDOUT, check_writable
from music.errors import Reason


class Style(StrEnum):
    """Where on the neck the hand likes to be."""

    ANY = "any"
    OPEN_POSITION = "open_position"
    ONE_POSITION = "one_position"
    ALONG_A_STRING = "along_a_string"


@verb
async def arrange(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="Notes in the file schema.")],
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Notes in the file schema; - is stdout."),
    ] = None,
    txt: options.Txt = None,
    midi: options.Midi = None,
    musicxml: options.MusicXml = None,
    gp5: options.Gp5 = None,
    tuning: Annotated[
        str | None, typer.Option("--tuning", metavar="NAME|64,59,…", help="Instead of the file's own.")
    ] = None,
    capo: Annotated[int | None, typer.Option("--capo", metavar="N", help="Instead of the file's own.")] = None,
    difficulty: options.DifficultyOption = options.DEFAULT_DIFFICULTY,
    style: Annotated[Style, typer.Option("--style", help="Where on the neck the hand likes to be.")] = Style.ANY,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="ID=STRING", help="Keep a note on a string; may be repeated.")
    ] = None,
) -> None:
    """Find the best place on the neck for every note.

    Nothing else of the file is touched.
    """
    from music.document import arrange_document
    from music.preferences import Preferences

    preferences, pins = Preferences(difficulty.value, style.value), _read_pins(pin or [])
    wanted = None if tuning is None else read_instrument(tuning, 0).tuning
    read_instrument("standard", capo or 0)
    files = Files(json=json, txt=txt, midi=midi, musicxml=musicxml, gp5=gp5)
    files = files if files.is_any_named else Files(json=STDOUT)
    check_writable(files.paths)
    data = read_document(Path(notes))
    arranged = arrange_document(data, tuning=wanted, capo=capo, preferences=preferences, pins=pins)
    files.write(arranged, title=Path(notes).stem)


def _read_pins(texts: list[str]) -> dict[str, int]:
    pins = {}
    for text in texts:
        name, _, string = text.rpartition("=")
        if not name or not string.isdecimal():
            raise UsageError(Reason.REQUEST_INVALID, f"--pin {text!r} is not of the form ID=STRING, as in n12=3.")
        pins[name] = int(string)
    return pins
