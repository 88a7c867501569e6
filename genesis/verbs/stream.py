"""`genesis stream`: a file to a running server as a microphone would send it, events back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis import options
from genesis.audio_file import check_audio_file
from genesis.exits import verb
from genesis.files import Files
from genesis.heard import tell_heard
from genesis.latency import LatencyMeter
from genesis.options import (
    DEFAULT_SERVER,
    Wish,
    not_available,
    read_instrument,
    read_lock,
    read_pins,
    read_player,
    read_wish,
    refuse_pins_without_final,
)
from genesis.output import STDOUT, check_writable
from genesis.remote import server_at
from genesis.results import Results, raise_failure
from music.events import Separation, SessionEvent
from music.player import MAX_STRETCH
from music.session_state import SessionState
from music.tuning import DEFAULT_FRETS

if TYPE_CHECKING:
    from genesis.client.calls import Server
    from orchestrator.container import DecodedFile


@verb
async def stream(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="wav, flac, ogg, mp3 or m4a.")],
    realtime: Annotated[bool, typer.Option("--realtime", help="20 ms of audio every 20 ms.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One event a line on stdout, with its latency.")] = False,
    json: options.Json = None,
    txt: options.Txt = None,
    tuning: options.Tuning = "standard",
    capo: options.Capo = 0,
    separation: options.SeparationMode = Separation.OFF,
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
        str, typer.Option("--server", metavar="HOST:PORT", help="Where the server is.", envvar="GENESIS_SERVER")
    ] = DEFAULT_SERVER,
    tls: options.Tls = False,
    ca: options.Authority = None,
) -> None:
    """Send a recording to a running server over gRPC.

    Shows what comes back while it plays.
    """
    instrument, player = read_instrument(tuning, capo, frets), read_player(difficulty, style, max_stretch, neck)
    wish, pins = read_wish(instrument, player, separation, transcriber), read_pins(pin)
    refuse_pins_without_final(pins, final=final)
    wish = replace(wish, lock=read_lock(tempo, metre, bar_one, taps))
    files = Files(json=json, txt=txt)
    if jsonl and STDOUT in files.paths:
        not_available("--jsonl together with a result on stdout", "name a file")
    check_writable(files.paths)
    session = _Session(server_at(server, tls=tls, ca=ca), wish, realtime=realtime, jsonl=jsonl)
    await session.run(check_audio_file(audio))
    tell_heard(session.state)
    sys.stderr.write(session.summary() + "\n")
    raise_failure(session.state)
    if not jsonl or files.is_any_named:
        Results(files, final, pins, guess_tuning).write(session.state, wish, title=Path(audio).stem)


class _Session:
    """One streamed file: what came back so far, and when."""

    def __init__(self, server: Server, wish: Wish, *, realtime: bool, jsonl: bool) -> None:
        self.state = SessionState()
        self._server = server
        self._wish = wish
        self._realtime = realtime
        self._jsonl = jsonl
        self._meter = LatencyMeter()
        self._started_at: float | None = None

    async def run(self, path: Path) -> None:
        """Raises GenesisError: the file cannot be read, the server cannot be reached or refuses."""
        from genesis.client import stream_transcribe
        from orchestrator.container import DecodeLimits, decode

        with path.open("rb") as file:
            async with decode(file, DecodeLimits()) as decoded:
                config = self._wish.config(decoded.audio)
                async for event in stream_transcribe(self._server, config, self._wish.around(self._chunks(decoded))):
                    self._take(event)

    def summary(self) -> str:
        line = f"session {self.state.session_id or '?'}: "
        return line + (self._meter.summary() if self._realtime else f"{len(self.state.notes)} notes")

    def _chunks(self, decoded: DecodedFile) -> AsyncIterator[bytes]:
        from genesis.pacing import CHUNK_S, as_fast_as_accepted, paced, rechunk

        blocks: AsyncIterable[bytes] = decoded.blocks()
        if self._realtime:
            return paced(rechunk(blocks, decoded.audio, CHUNK_S), decoded.audio, self._start)
        return as_fast_as_accepted(blocks, decoded.audio)

    def _start(self, at: float) -> None:
        self._started_at = at

    def _take(self, event: SessionEvent) -> None:
        self.state.apply(event)
        latency_ms: float | None = None
        if self._realtime and self._started_at is not None:
            latency_ms = self._meter.take(event, asyncio.get_running_loop().time() - self._started_at)
        if self._jsonl:
            sys.stdout.write(_line(event, latency_ms) + "\n")
            sys.stdout.flush()


def _line(event: SessionEvent, latency_ms: float | None) -> str:
    """The event as proto3 JSON on one line, `latency_ms` beside it where it is known."""
    import json

    from google.protobuf.json_format import MessageToDict

    from wire.codec import encode_event

    members = MessageToDict(encode_event(event))
    if latency_ms is not None:
        members["latency_ms"] = round(latency_ms, 1)
    return json.dumps(members, ensure_ascii=False)
