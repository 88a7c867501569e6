"""Options that several verbs share, and what they mean. Checked before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from genesis.exits import UsageError
from music.errors import InvalidInput, Reason
from music.events import AudioFormat, Separation, SessionConfig
from music.tuning import Instrument, parse_tuning

DEFAULT_SERVER = "127.0.0.1:50051"


class Difficulty(StrEnum):
    """The hand a tab is written for."""

    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


DEFAULT_DIFFICULTY = Difficulty.INTERMEDIATE

Tuning = Annotated[
    str, typer.Option("--tuning", metavar="NAME|64,59,…", help="A tuning's name, or MIDI pitches, string 1 first.")
]
Capo = Annotated[int, typer.Option("--capo", metavar="N", help="Fret the capo sits on.")]
SeparationMode = Annotated[
    Separation,
    typer.Option(
        "--separation",
        help="off: the mix as it is. vocals_removed: the voice taken out, and only that: drums, bass and keys stay. "
        "guitar: the guitar alone, where its model was exported. auto: vocals_removed if somebody sings in the "
        "first seconds, else off.",
    ),
]
DifficultyOption = Annotated[Difficulty, typer.Option("--difficulty", help="The hand the tab is written for.")]
Transcriber = Annotated[
    str,
    typer.Option(
        "--transcriber",
        metavar="NAME",
        help="guitar (the default: guitar and bass), basic_pitch (anything else), or another of the model repository.",
    ),
]
Final = Annotated[bool, typer.Option("--final", help="Arrange all notes at once instead of as they came.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Notes in the file schema; - is stdout.")]
Txt = Annotated[Path | None, typer.Option("--txt", metavar="FILE", help="A text tab; - is stdout.")]
Midi = Annotated[Path | None, typer.Option("--midi", metavar="FILE", help="Not available in this version.")]
MusicXml = Annotated[Path | None, typer.Option("--musicxml", metavar="FILE", help="Not available in this version.")]
Gp5 = Annotated[Path | None, typer.Option("--gp5", metavar="FILE", help="Not available in this version.")]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants played and how; checked."""

    instrument: Instrument
    separation: Separation
    transcriber: str

    def config(self, audio: AudioFormat) -> SessionConfig:
        return SessionConfig(
            audio=audio, instrument=self.instrument, transcriber=self.transcriber, separation=self.separation
        )


def read_wish(tuning: str, capo: int, separation: Separation, difficulty: Difficulty, transcriber: str) -> Wish:
    """Raises UsageError: an option is wrong or not available in this version."""
    refuse_difficulty(difficulty)
    return Wish(read_instrument(tuning, capo), separation, transcriber)


def read_instrument(tuning: str, capo: int) -> Instrument:
    """Raises UsageError: TUNING_INVALID or CAPO_INVALID."""
    try:
        return Instrument(tuning=parse_tuning(tuning), capo=capo)
    except InvalidInput as error:
        raise UsageError(error.reason, error.message) from None


def refuse_difficulty(difficulty: Difficulty) -> None:
    """Raises UsageError unless it is the one hand there is so far."""
    if difficulty is not DEFAULT_DIFFICULTY:
        not_available(f"--difficulty {difficulty.value}")


def refuse_exports(midi: Path | None, musicxml: Path | None, gp5: Path | None) -> None:
    """Raises UsageError for a file format that stands in a later version."""
    for name, path in (("--midi", midi), ("--musicxml", musicxml), ("--gp5", gp5)):
        if path is not None:
            not_available(name, "write --json or --txt")


def not_available(what: str, instead: str = "leave it out") -> NoReturn:
    raise UsageError(Reason.REQUEST_INVALID, f"{what} is not available in this version; {instead}.")
