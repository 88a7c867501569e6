"""`genesis bars`: a transcription in, the same notes in other bars out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import verb
from genesis.files import read_document
from genesis.output import check_writable, write_json


@verb
async def bars(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="A transcription in the file schema.")],
    json: Annotated[Path, typer.Option("--json", metavar="FILE", help="Where to write; - is stdout.")] = Path("-"),
    tempo: options.Tempo = None,
    metre: options.Metre = "",
    bar_one: options.BarOne = None,
    taps: options.Taps = "",
) -> None:
    """Find beats, bars, chords and keys anew, around what you know of them.

    The notes and their times stay as they are.
    """
    from music.rebarring import rebar_document

    lock = options.read_lock(tempo, metre, bar_one, taps)
    check_writable([json])
    write_json(json, rebar_document(read_document(Path(notes)), lock))
