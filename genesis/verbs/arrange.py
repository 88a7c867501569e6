"""`genesis arrange`: notes in, the same notes with string and fret out."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import verb
from genesis.options import read_instrument, read_pins, read_player
from genesis.output import check_writable, write_json
from genesis.results import tell_unplaced
from music.errors import InvalidInput, NotFound, Reason
from music.player import MAX_STRETCH
from music.tuning import DEFAULT_FRETS


@verb
async def arrange(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="Notes in the file schema.")],
    json: Annotated[Path, typer.Option("--json", metavar="FILE", help="Where to write; - is stdout.")] = Path("-"),
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
    from music.document import arrange_document, parse_document, summary_of

    player, pins = read_player(difficulty, style, max_stretch, neck), read_pins(pin)
    wanted = None if tuning is None else read_instrument(tuning, 0).tuning
    read_instrument("standard", capo or 0, frets or DEFAULT_FRETS)
    check_writable([json])
    arranged = arrange_document(
        _read(Path(notes)), tuning=wanted, capo=capo, fret_count=frets, preferences=player.preferences, pins=pins
    )
    write_json(json, arranged)
    tell_unplaced(summary_of(parse_document(arranged).notes))


def _read(path: Path) -> object:
    try:
        return json_format.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(Reason.FILE_NOT_FOUND, f"There is no file {path}.") from None
    except OSError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} is not JSON: {error}.") from None
