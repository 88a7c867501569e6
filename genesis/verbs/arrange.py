"""`genesis arrange`: notes in, the same notes with string and fret out."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from genesis import options
from genesis.exits import verb
from genesis.options import read_instrument, refuse_difficulty
from genesis.output import check_writable, write_json
from music.errors import InvalidInput, NotFound, Reason


@verb
async def arrange(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="Notes in the file schema.")],
    json: Annotated[Path, typer.Option("--json", metavar="FILE", help="Where to write; - is stdout.")] = Path("-"),
    tuning: Annotated[
        str | None, typer.Option("--tuning", metavar="NAME|64,59,…", help="Instead of the file's own.")
    ] = None,
    capo: Annotated[int | None, typer.Option("--capo", metavar="N", help="Instead of the file's own.")] = None,
    difficulty: options.DifficultyOption = options.DEFAULT_DIFFICULTY,
) -> None:
    """Find the best place on the neck for every note.

    Nothing else of the file is touched.
    """
    from music.document import arrange_document

    refuse_difficulty(difficulty)
    wanted = None if tuning is None else read_instrument(tuning, 0).tuning
    read_instrument("standard", capo or 0)
    check_writable([json])
    data = _read(Path(notes))
    write_json(json, arrange_document(data, tuning=wanted, capo=capo))


def _read(path: Path) -> object:
    try:
        return json_format.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(Reason.FILE_NOT_FOUND, f"There is no file {path}.") from None
    except OSError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"{path} is not JSON: {error}.") from None
