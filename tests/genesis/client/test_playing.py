"""The client plays into a real edge, and decides about the bars."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from genesis.client import GenesisClient, LockRequest, Options, RhythmLock, TimeSignature, stream_transcribe
from music.audio import SAMPLE_RATE_HZ
from music.errors import InvalidInput, Reason, Unavailable
from music.events import AudioEncoding, AudioFormat, RhythmLocked, SessionConfig, SessionEnded
from music.session_state import SessionState
from tests.web_edge.fakes import FakeOrchestrator

pytestmark = pytest.mark.anyio

AUDIO = AudioFormat(AudioEncoding.PCM_F32LE, 48_000, 1)
CHUNK = bytes(4096)
WALTZ = RhythmLock(96.0, TimeSignature(3, 4))


async def test_from_the_first_sample_to_the_result(genesis: GenesisClient, orchestrator: FakeOrchestrator) -> None:
    state = SessionState()
    async with genesis.transcriptions.live(AUDIO, Options(tuning="drop_d")) as session:
        await session.play(CHUNK)
        await session.lock_rhythm(tempo_bpm=500)
        await session.lock_rhythm(tempo_bpm=96, time_signature="3/4")
        await session.lock_rhythm(tempo_bpm=None, taps_s=(1, 1.5), at_s=2.0)
        await session.play(CHUNK)
        await session.stop()
        async for event in session.events():
            state.apply(event)
    assert [error.reason for error in session.refused] == [Reason.RHYTHM_LOCK_INVALID]
    taps = (SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 3 // 2)
    last = RhythmLock(None, TimeSignature(3, 4), None, taps)
    assert orchestrator.locks == [LockRequest(WALTZ), LockRequest(last, 2 * SAMPLE_RATE_HZ)]
    assert (state.lock, len(state.notes), state.is_over) == (last, 2, True)
    result = await genesis.transcriptions.result(state.session_id)
    assert result.rhythm == {"tempo_bpm": None, "time_signature": "3/4", "bar_one_s": None, "taps_s": [1.0, 1.5]}
    bars = await genesis.documents.lock_bars(state.session_id, time_signature="2/4")
    assert bars.rhythm == {**result.rhythm, "time_signature": "2/4"}


async def test_what_is_wrong_with_the_audio_is_raised(genesis: GenesisClient) -> None:
    async with genesis.transcriptions.live(AUDIO) as session:
        await session.play(CHUNK + b"1")
        with pytest.raises(InvalidInput) as refused:
            async for _ in session.events():
                pass
    assert refused.value.reason is Reason.CHUNK_MISALIGNED


async def test_nobody_answers() -> None:
    async with GenesisClient("http://127.0.0.1:9") as genesis:
        with pytest.raises(Unavailable):
            async with genesis.transcriptions.live(AUDIO):
                pass


async def test_over_grpc_too(orchestrator: FakeOrchestrator, orchestrator_address: str) -> None:
    async def played() -> AsyncIterator[bytes | LockRequest]:
        yield CHUNK
        yield LockRequest(WALTZ)
        yield CHUNK

    events = stream_transcribe(orchestrator_address, SessionConfig(AUDIO, session_id="played"), played())
    payloads = [event.payload async for event in events]
    assert [payload.lock for payload in payloads if isinstance(payload, RhythmLocked)] == [WALTZ]
    assert isinstance(payloads[-1], SessionEnded)
    assert orchestrator.locks == [LockRequest(WALTZ)]
