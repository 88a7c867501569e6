"""What a listener is promised of the whole pipeline, with the default transcriber, over gRPC and real NATS: what is
settled does not know what follows, and where nobody plays next to nothing is written.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest
import soxr

from music.audio import SAMPLE_RATE_HZ, seconds
from music.events import AudioEncoding, AudioFormat, NoteRevised, SessionEnded, SessionEvent
from music.note import SETTLED, Note, NoteState
from music.session_state import SessionState, fold
from orchestrator.bootstrap import running_orchestrator
from orchestrator.settings import Settings
from tests.orchestrator.calls import S16_MONO, Client, audio_message, config_message, in_chunks, pb
from tests.support.data import shared_data
from tests.support.nats import running_nats
from tests.support.no_music import no_music
from tests.support.plucked import phrase, render
from wire.codec import decode_event

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("built_model_repo")]

SETTLED_WITHIN_S = 1.0
"""Of the newest audio; a session that has heard all there is so far must get there without being told the end."""
PATIENCE_S = 30.0
PITCHLESS = 2
"""Notes that a click, a hum or a noise of six seconds may be mistaken for."""


@asynccontextmanager
async def a_client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_nats(tmp_path) as nats:
        settings = Settings(listen="127.0.0.1:0", nats_url=nats.url)
        async with running_orchestrator(settings) as orchestrator, Client(orchestrator) as client:
            await orchestrator.health.ready.wait()
            yield client


def committed(events: Iterable[SessionEvent], before: int) -> list[Note]:
    """What COMMITTED events said of notes with an onset before a sample index, in the order of the log."""
    notes = (event.payload.note for event in events if isinstance(event.payload, NoteRevised))
    return [note for note in notes if note.state is NoteState.COMMITTED and note.onset < before]


async def cut_off(client: Client, pcm: bytes, chunk_bytes: int) -> tuple[list[SessionEvent], int]:
    """The log of a session whose audio ends here, and its watermark before the server knew that it does."""
    length_s = len(pcm) / 2 / S16_MONO.sample_rate_hz
    heard = anyio.Event()
    events: list[SessionEvent] = []
    watermark = 0

    async def messages() -> AsyncIterator[pb.StreamTranscribeRequest]:
        yield config_message()
        for chunk in in_chunks(pcm, chunk_bytes):
            yield audio_message(chunk)
        await heard.wait()

    with anyio.fail_after(PATIENCE_S):
        async for response in client.stub.StreamTranscribe(messages()):
            event = decode_event(response.event)
            events.append(event)
            if not heard.is_set():
                watermark = event.processed_until
            if seconds(watermark) >= length_s - SETTLED_WITHIN_S:
                heard.set()
    assert isinstance(events[-1].payload, SessionEnded)
    return events, watermark


async def check_cuts(client: Client, pcm: bytes, cuts_s: Iterable[float], chunks: Iterable[int]) -> None:
    """The log of a recording that was cut off says the same before its watermark as that of the whole one."""
    whole = await client.transcribe(pcm, 16_384)
    for cut_s, chunk_bytes in zip(cuts_s, chunks, strict=True):
        # An odd number of samples: no grid of ours has a line there.
        cut = 2 * (round(cut_s * S16_MONO.sample_rate_hz) | 1)
        short, watermark = await cut_off(client, pcm[:cut], chunk_bytes)
        assert cut_s - SETTLED_WITHIN_S <= seconds(watermark) <= cut_s
        known = committed(short, watermark)
        assert known, f"nothing was settled before {seconds(watermark):.2f} s"
        assert known == committed(whole, watermark)
        check_ends(fold(short), fold(whole), {note.id for note in known})


def check_ends(short: SessionState, whole: SessionState, ids: Iterable[str]) -> None:
    """A note that was still sounding at the cut may last longer; its beginning and place may not change."""
    for note_id in ids:
        note, other = short.notes[note_id], whole.notes[note_id]
        assert (note.onset, note.pitch, note.position) == (other.onset, other.pitch, other.position)


async def test_a_cut_changes_nothing_before_the_watermark(tmp_path: Path) -> None:
    signal = soxr.resample(render(phrase(5, 9.0), 9.0, noise=0.001), SAMPLE_RATE_HZ, S16_MONO.sample_rate_hz)
    pcm = np.round(signal * 32_767).astype("<i2").tobytes()
    async with a_client(tmp_path) as client:
        await check_cuts(client, pcm, [1.9, 3.217, 5.0, 7.77], [882, 1764, 65_536, 1_001 * 2])


async def test_a_cut_changes_nothing_of_a_real_guitar(tmp_path: Path) -> None:
    with wave.open(str(shared_data("guitarset/00_BN1-129-Eb_comp_mic.wav"))) as recording:
        assert recording.getframerate() == S16_MONO.sample_rate_hz
        pcm = recording.readframes(12 * recording.getframerate())
    async with a_client(tmp_path) as client:
        await check_cuts(client, pcm, [2.5, 6.66, 10.01], [1764, 32_768, 882])


async def test_next_to_nothing_is_written_where_nobody_plays(tmp_path: Path) -> None:
    """Speech is not among them: it has pitches, and `make bench-notes` prints what becomes of it."""
    sounds = {name: signal for name, signal in no_music(6.0).items() if name != "speech-like"}
    audio = AudioFormat(AudioEncoding.PCM_F32LE, SAMPLE_RATE_HZ, 1)
    found: dict[str, int] = {}
    async with a_client(tmp_path) as client:
        for name, signal in sounds.items():
            state = fold(await client.transcribe(signal.tobytes(), 1764, audio))
            found[name] = sum(note.state in SETTLED for note in state.notes.values())
    assert {name: count for name, count in found.items() if count > PITCHLESS} == {}
    assert found["silence"] == found["dc"] == 0
