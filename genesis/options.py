"""Options that several verbs share, and what they mean. Checked before any work begins."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from genesis.exits import UsageError
from music.audio import sample_at
from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.errors import InvalidInput, Reason
from music.events import AudioFormat, Separation, SessionConfig
from music.player import DEFAULT_PLAYER, Player
from music.rhythm_locks import LockRequest
from music.tuning import DEFAULT_FRETS, Instrument, parse_tuning

DEFAULT_SERVER = "127.0.0.1:50051"


class Difficulty(StrEnum):
    """The hand a tab is written for."""

    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


class Style(StrEnum):
    """Where on the neck the hand likes to be."""

    ANY = "any"
    OPEN_POSITION = "open_position"
    ONE_POSITION = "one_position"
    ALONG_A_STRING = "along_a_string"


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
StyleOption = Annotated[Style, typer.Option("--style", help="Where on the neck the hand likes to be.")]
Frets = Annotated[int, typer.Option("--frets", metavar="N", help="Frets of the instrument, counted from the nut.")]
MaxStretch = Annotated[
    int, typer.Option("--max-stretch", metavar="N", help="Most frets between the lowest and the highest finger.")
]
Neck = Annotated[
    str, typer.Option("--neck", metavar="LOW-HIGH", help="Frets the fingers keep to, as in 5-9; from the capo.")
]
Pins = Annotated[
    list[str] | None, typer.Option("--pin", metavar="ID=STRING", help="Keep a note on a string; may be repeated.")
]
Transcriber = Annotated[
    str,
    typer.Option(
        "--transcriber",
        metavar="NAME",
        help="guitar (the default: guitar and bass), basic_pitch (anything else), or another of the model repository.",
    ),
]
Final = Annotated[bool, typer.Option("--final", help="Arrange all notes at once instead of as they came.")]
GuessTuning = Annotated[
    bool, typer.Option("--guess-tuning", help="Say which other tuning or capo the notes suggest; nothing is changed.")
]
Tempo = Annotated[float | None, typer.Option("--tempo", metavar="BPM", help="Beats a minute, 20 to 400.")]
Metre = Annotated[str, typer.Option("--metre", metavar="3/4", help="The time signature.")]
BarOne = Annotated[float | None, typer.Option("--bar-one", metavar="SECONDS", help="Where bar 1 begins.", min=0)]
Taps = Annotated[str, typer.Option("--taps", metavar="S,S,…", help="Seconds at which beats were tapped, in order.")]
Tls = Annotated[
    bool, typer.Option("--tls", help="Speak TLS with the server; its certificate must be good.", envvar="GENESIS_TLS")
]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FILE", help="Who signed its certificate (PEM); implies --tls.", envvar="GENESIS_CA"),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Notes in the file schema; - is stdout.")]
Txt = Annotated[Path | None, typer.Option("--txt", metavar="FILE", help="A text tab; - is stdout.")]
Midi = Annotated[
    Path | None, typer.Option("--midi", metavar="FILE", help="MIDI, one channel a string, with bends; - is stdout.")
]
MusicXml = Annotated[
    Path | None, typer.Option("--musicxml", metavar="FILE", help="A score with a tab staff; - is stdout.")
]
Gp5 = Annotated[Path | None, typer.Option("--gp5", metavar="FILE", help="Guitar Pro 5; - is stdout.")]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants played and how; checked."""

    instrument: Instrument
    separation: Separation
    transcriber: str
    player: Player = DEFAULT_PLAYER
    lock: RhythmLock = NO_LOCK

    async def around(self, audio: AsyncIterable[bytes]) -> AsyncIterator[bytes | LockRequest]:
        """What is known of the bars, then the audio."""
        if self.lock != NO_LOCK:
            yield LockRequest(self.lock, 0)
        async for chunk in audio:
            yield chunk

    def config(self, audio: AudioFormat) -> SessionConfig:
        return SessionConfig(
            audio=audio,
            instrument=self.instrument,
            transcriber=self.transcriber,
            separation=self.separation,
            player=self.player,
        )


def read_wish(instrument: Instrument, player: Player, separation: Separation, transcriber: str) -> Wish:
    """What the options ask of a session."""
    return Wish(instrument, separation, transcriber, player)


def read_instrument(tuning: str, capo: int, frets: int = DEFAULT_FRETS) -> Instrument:
    """Raises UsageError: TUNING_INVALID, CAPO_INVALID or CONFIG_INVALID."""
    try:
        return Instrument(tuning=parse_tuning(tuning), capo=capo, fret_count=frets)
    except InvalidInput as error:
        raise UsageError(error.reason, error.message) from None


def read_player(difficulty: Difficulty, style: Style, max_stretch: int, neck: str) -> Player:
    """Raises UsageError: CONFIG_INVALID."""
    lowest, dash, highest = neck.partition("-")
    if neck and not (dash and lowest.strip().isdecimal() and highest.strip().isdecimal()):
        raise UsageError(Reason.CONFIG_INVALID, f"--neck {neck!r} is not of the form LOW-HIGH, as in 5-9.")
    region = (int(lowest), int(highest)) if neck else (DEFAULT_PLAYER.lowest_fret, DEFAULT_PLAYER.highest_fret)
    try:
        return Player(difficulty.value, style.value, max_stretch, *region)
    except InvalidInput as error:
        raise UsageError(error.reason, error.message) from None


def read_pins(texts: list[str] | None) -> dict[str, int]:
    """Strings by note id. Raises UsageError: REQUEST_INVALID."""
    pins = {}
    for text in texts or []:
        name, _, string = text.rpartition("=")
        if not name or not string.isdecimal():
            raise UsageError(Reason.REQUEST_INVALID, f"--pin {text!r} is not of the form ID=STRING, as in n12=3.")
        pins[name] = int(string)
    return pins


def refuse_pins_without_final(pins: dict[str, int], *, final: bool) -> None:
    """Raises UsageError: as notes come there is nothing yet to pin."""
    if pins and not final:
        raise UsageError(Reason.REQUEST_INVALID, "--pin rearranges what is finished; use it together with --final.")


def read_lock(tempo: float | None, metre: str, bar_one: float | None, taps: str) -> RhythmLock:
    """What is known of the bars. Raises UsageError: REQUEST_INVALID."""
    try:
        return RhythmLock(
            tempo_bpm=tempo,
            signature=TimeSignature.parse(metre) if metre else None,
            bar_one=None if bar_one is None else sample_at(bar_one),
            taps=tuple(sample_at(second) for second in _seconds(taps)),
        )
    except InvalidInput as error:
        raise UsageError(error.reason, error.message) from None


def _seconds(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        found = [-1.0]
    if not all(0 <= second < 7 * 24 * 3600 for second in found):
        raise UsageError(Reason.REQUEST_INVALID, f"--taps {text!r} is not of the form S,S,… in seconds, as in 0.5,1.0.")
    return found


def not_available(what: str, instead: str = "leave it out") -> NoReturn:
    raise UsageError(Reason.REQUEST_INVALID, f"{what} is not available in this version; {instead}.")
