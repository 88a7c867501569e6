"""`genesis transcribe`: a file in, notes and a tab out, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis import options
from genesis.audio_file import check_audio_file, read_chunks
from genesis.exits import UsageError, verb
from genesis.files import Files
from genesis.heard import tell_heard
from genesis.options import (
    Wish,
    read_instrument,
    read_lock,
    read_pins,
    read_player,
    read_wish,
    refuse_pins_without_final,
)
from genesis.output import check_writable
from genesis.progress import shown_progress
from genesis.remote import server_at
from genesis.results import Results, raise_failure
from music.errors import Reason
from music.events import AudioEncoding, AudioFormat, Separation, SessionEvent
from music.player import MAX_STRETCH
from music.session_state import SessionState
from music.tuning import DEFAULT_FRETS

if TYPE_CHECKING:
    from genesis.client.calls import Server


@verb
async def transcribe(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="wav, flac, ogg, mp3 or m4a.")],
    json: options.Json = None,
    txt: options.Txt = None,
    midi: options.Midi = None,
    musicxml: options.MusicXml = None,
    gp5: options.Gp5 = None,
    tuning: options.Tuning = "standard",
    capo: options.Capo = 0,
    separation: options.SeparationMode = Separation.OFF,
    stem: Annotated[
        Path | None,
        typer.Option("--stem", metavar="FILE", help="What was heard where something was separated, as FLAC."),
    ] = None,
    difficulty: options.DifficultyOption = options.DEFAULT_DIFFICULTY,
    style: options.StyleOption = options.Style.ANY,
    frets: options.Frets = DEFAULT_FRETS,
    max_stretch: options.MaxStretch = MAX_STRETCH,
    neck: options.Neck = "",
    transcriber: options.Transcriber = "",
    final: options.Final = False,
    pin: options.Pins = None,
    guess_tuning: options.GuessTuning = False,
    tempo: options.Tempo = None,
    metre: options.Metre = "",
    bar_one: options.BarOne = None,
    taps: options.Taps = "",
    server: Annotated[
        str, typer.Option("--server", metavar="HOST:PORT", help="Let a running server do it.", envvar="GENESIS_SERVER")
    ] = "",
    tls: options.Tls = False,
    ca: options.Authority = None,
) -> None:
    """Transcribe a recording to notes and tablature.

    Prints a text tab unless a file is named.
    """
    instrument, player = read_instrument(tuning, capo, frets), read_player(difficulty, style, max_stretch, neck)
    wish, pins = read_wish(instrument, player, separation, transcriber), read_pins(pin)
    refuse_pins_without_final(pins, final=final)
    wish = replace(wish, lock=read_lock(tempo, metre, bar_one, taps))
    files = Files(json=json, txt=txt, midi=midi, musicxml=musicxml, gp5=gp5)
    if stem is not None and (server or separation is Separation.OFF):
        raise UsageError(
            Reason.CONFIG_INVALID,
            "--stem needs --separation, and no --server: a server keeps its stems, and GetStem fetches one.",
        )
    check_writable([*files.paths, *([stem] if stem else [])])
    path = check_audio_file(audio)
    with shown_progress(path.name) as show:
        if server:
            state = await _remotely(server_at(server, tls=tls, ca=ca), path, wish, show)
        else:
            state = await _here(path, wish, show, stem)
    raise_failure(state)
    tell_heard(state)
    Results(files, final, pins, guess_tuning).write(state, wish, title=path.stem)


async def _here(path: Path, wish: Wish, show: Callable[[SessionEvent], None], stem: Path | None) -> SessionState:
    from orchestrator.local import transcribe_locally

    config = wish.config(AudioFormat(AudioEncoding.CONTAINER))
    return await transcribe_locally(read_chunks(path), config, on_event=show, stem=stem, lock=wish.lock)


async def _remotely(server: Server, path: Path, wish: Wish, show: Callable[[SessionEvent], None]) -> SessionState:
    from genesis.client import stream_transcribe

    state = SessionState()
    config = wish.config(AudioFormat(AudioEncoding.CONTAINER))
    async for event in stream_transcribe(server, config, wish.around(read_chunks(path))):
        state.apply(event)
        show(event)
    return state
