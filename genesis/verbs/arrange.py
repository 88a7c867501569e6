"""`genesis arrange`: notes in, the same notes with string and fret out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import verb
from genesis.files import Files, read_document
from genesis.options import read_instrument, read_pins, read_player
from genesis.output import STDOUT, check_writable
from genesis.results import tell_unplaced
from music.player import MAX_STRETCH
from music.tuning import DEFAULT_FRETS


@verb
async def arrange(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="Notes in the file schema.")],
    json: options.Json = None,
    txt: options.Txt = None,
    midi: options.Midi = None,
    musicxml: options.MusicXml = None,
    gp5: options.Gp5 = None,
    tuning: Annotated[
        str | None, typer.Option("--tuning", metavar="NAME|64,59,…", help="Instead of the file's own.")
    ] = None,
    capo: Annotated[int | None, typer.Option("--capo", metavar="N", help="Instead of the file's own.")] = None,
    difficulty: options.DifficultyOption = options.DEFAULT_DIFFICULTY,
    style: options.StyleOption = options.Style.ANY,
    frets: Annotated[int | None, typer.Option("--frets", metavar="N", help="Instead of the file's own.")] = None,
    max_stretch: options.MaxStretch = MAX_STRETCH,
    neck: options.Neck = "",
    pin: options.Pins = None,
) -> None:
    """Find the best place on the neck for every note.

    Nothing else of the file is touched.
    """
    from music.document import arrange_document, summary_of_file

    player, pins = read_player(difficulty, style, max_stretch, neck), read_pins(pin)
    wanted = None if tuning is None else read_instrument(tuning, 0).tuning
    read_instrument("standard", capo or 0, frets or DEFAULT_FRETS)
    files = Files(json=json, txt=txt, midi=midi, musicxml=musicxml, gp5=gp5)
    files = files if files.is_any_named else Files(json=STDOUT)
    check_writable(files.paths)
    arranged = arrange_document(
        read_document(Path(notes)),
        tuning=wanted,
        capo=capo,
        fret_count=frets,
        preferences=player.preferences,
        pins=pins,
    )
    files.write(arranged, title=Path(notes).stem)
    tell_unplaced(summary_of_file(arranged))
