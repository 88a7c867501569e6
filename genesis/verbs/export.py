"""`genesis export`: a saved transcription as files that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import verb
from genesis.files import Files, read_document
from genesis.output import STDOUT, check_writable
from music.json_reading import as_object


@verb
async def export(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="A transcription in the file schema.")],
    txt: options.Txt = None,
    midi: options.Midi = None,
    musicxml: options.MusicXml = None,
    gp5: options.Gp5 = None,
) -> None:
    """Write a saved transcription as MIDI, MusicXML, Guitar Pro 5 or a text tab.

    Prints a text tab unless a file is named. What a format cannot carry is told on stderr.
    """
    files = Files(txt=txt, midi=midi, musicxml=musicxml, gp5=gp5)
    files = files if files.is_any_named else Files(txt=STDOUT)
    check_writable(files.paths)
    path = Path(notes)
    files.write(as_object(read_document(path), "The file"), title=path.stem)
