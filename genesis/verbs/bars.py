"""`genesis bars`: a transcription in, the same notes in other bars out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis.exits import UsageError, verb
from genesis.files import read_document
from genesis.output import check_writable, write_json
from music.errors import InvalidInput


@verb
async def bars(
    notes: Annotated[str, typer.Argument(metavar="NOTES.json", help="A transcription in the file schema.")],
    json: Annotated[Path, typer.Option("--json", metavar="FILE", help="Where to write; - is stdout.")] = Path("-"),
    tempo: Annotated[float | None, typer.Option("--tempo", metavar="BPM", help="Beats a minute, 20 to 400.")] = None,
    metre: Annotated[str, typer.Option("--metre", metavar="3/4", help="The time signature.")] = "",
    bar_one: Annotated[
        float | None, typer.Option("--bar-one", metavar="SECONDS", help="Where bar 1 begins.", min=0)
    ] = None,
    taps: Annotated[
        str, typer.Option("--taps", metavar="S,S,…", help="Seconds at which beats were tapped, in order.")
    ] = "",
) -> None:
    """Find beats, bars, chords and keys anew, around what you know of them.

    The notes and their times stay as they are.
    """
    from music.audio import sample_at
    from music.beats import RhythmLock, TimeSignature
    from music.rebarring import rebar_document

    try:
        lock = RhythmLock(
            tempo_bpm=tempo,
            signature=TimeSignature.parse(metre) if metre else None,
            bar_one=None if bar_one is None else sample_at(bar_one),
            taps=tuple(sample_at(second) for second in _seconds(taps)),
        )
    except InvalidInput as error:
        raise UsageError(error.reason, error.message) from None
    check_writable([json])
    write_json(json, rebar_document(read_document(Path(notes)), lock))


def _seconds(text: str) -> list[float]:
    from music.errors import Reason

    try:
        found = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        found = [-1.0]
    if not all(0 <= second < 7 * 24 * 3600 for second in found):
        raise UsageError(Reason.REQUEST_INVALID, f"--taps {text!r} is not of the form S,S,… in seconds, as in 0.5,1.0.")
    return found
