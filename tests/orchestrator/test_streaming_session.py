"""A session on a network with a state: what it settles is a function of the samples; what it shows comes sooner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio.lowlevel
import numpy as np
import pytest

from inference.ports import Transcriber
from inference.registry import load_transcriber
from music.events import AudioEncoding, AudioFormat, NoteRevised, SessionConfig, SessionEvent
from music.note import SETTLED, Note, NoteState
from music.scribe import Scribe
from music.session_state import fold
from music.tuning import TUNINGS, Instrument
from orchestrator.inbox import OneByOne
from orchestrator.publisher import Publisher
from orchestrator.session import Session, SessionLimits
from tests.inference.tiny_streaming import EARLY, HOP, STEP, write_tiny_streaming
from tests.orchestrator.calls import in_chunks
from tests.orchestrator.fakes import KeptLog

pytestmark = pytest.mark.anyio

AUDIO = AudioFormat(AudioEncoding.PCM_F32LE, 22_050, 1)
PULSES = 30


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    """Hears every pitch it knows whenever it is loud, and none of them sounding then."""
    return load_transcriber("tiny", write_tiny_streaming(tmp_path_factory.mktemp("repo")).parent)


def pulses(seed: int = 0) -> bytes:
    """One loud frame and a softer one beside it, every 20 to 40 frames."""
    random = np.random.default_rng(seed)
    frames = np.full(PULSES * 40, 0.01, np.float32)
    at = 10
    for _ in range(PULSES):
        frames[at : at + 2] = random.uniform(0.3, 0.6), random.uniform(0.1, 0.3)
        at += int(random.integers(20, 40))
    samples: bytes = (np.repeat(frames, HOP) * random.choice([-1, 1], len(frames) * HOP)).astype("<f4").tobytes()
    return samples


async def log_of(
    transcriber: Transcriber, sound: bytes, chunk: int, instrument: Instrument, cadence_s: float | None
) -> list[SessionEvent]:
    """The whole log of a session that gets `sound` in chunks of that many bytes."""
    sink = KeptLog()

    async def deliver(_event: SessionEvent) -> None:
        pass

    async def chunks() -> AsyncIterator[bytes]:
        for part in in_chunks(sound, chunk):
            yield part
            await anyio.lowlevel.checkpoint()

    config = SessionConfig(AUDIO, instrument, session_id="s")
    publisher = Publisher("s", sink, deliver, lambda: 0)
    await Session(config, transcriber, publisher, SessionLimits(cadence_s=cadence_s), lambda: 0).run(OneByOne(chunks()))
    return sink.events


def notes(events: list[SessionEvent]) -> list[Note]:
    return [event.payload.note for event in events if isinstance(event.payload, NoteRevised)]


@pytest.mark.parametrize("instrument", [Instrument(), Instrument(TUNINGS["ukulele"])], ids=["guitar", "ukulele"])
async def test_no_chunks_and_no_cadence_change_what_is_settled(tiny: Transcriber, instrument: Instrument) -> None:
    sound = pulses()
    whole = [n for n in notes(await log_of(tiny, sound, len(sound), instrument, 0.0)) if n.state in SETTLED]
    onsets = {note.onset for note in whole}
    assert PULSES * 0.9 <= len(onsets) <= PULSES
    assert any(onset % HOP for onset in onsets), "an onset lies between two frames"
    assert all(
        sum(note.state is NoteState.COMMITTED and note.onset == onset for note in whole) <= instrument.string_count
        for onset in onsets
    )
    for chunk, cadence_s in ((441 * 4, None), (4 * STEP, None), (40, 0.005), (30_000, 0.1)):
        events = await log_of(tiny, sound, chunk, instrument, cadence_s)
        assert [n for n in notes(events) if n.state in SETTLED] == whole
        assert {n.state for n in fold(events).notes.values()} <= {NoteState.ENDED}


async def test_a_note_is_shown_with_the_step_that_heard_the_frame_after_it(tiny: Transcriber) -> None:
    stream, scribe = tiny.open_stream(Instrument()), Scribe(Instrument(), tiny.grid, tiny.tracking)
    samples = np.frombuffer(pulses(), "<f4")
    told: list[tuple[int, Note]] = []
    for end in range(STEP, len(samples), STEP):
        for piece in await stream.push(samples[end - STEP : end]):
            told += [(end, event.note) for event in scribe.advance(piece)]
        if (early := await stream.preview(STEP // HOP)) is not None:
            told += [(end, event.note) for event in scribe.preview(early)]
    first: dict[str, tuple[int, Note]] = {}
    for end, note in told:
        first.setdefault(note.id, (end, note))
    committed = [note.id for _, note in told if note.state is NoteState.COMMITTED]
    assert len(committed) > 50
    for name in committed:
        end, note = first[name]
        assert note.state is NoteState.TENTATIVE
        # The onset's frame, the one after it, the early delay; and no whole step more.
        assert end - note.onset < (2.5 + EARLY) * HOP + STEP
