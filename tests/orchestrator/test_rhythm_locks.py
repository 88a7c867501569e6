"""A person decides about the bars of a session that runs: fakes around one session, then the real service."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.document import to_document
from music.errors import InvalidInput, Overloaded, Reason
from music.events import BarsRevised, NoteRevised, RhythmLocked, SessionEvent, SessionFailed
from music.note import SETTLED, Note
from music.rhythm_locks import MOST_LOCKS, LockRequest
from music.session_state import fold
from orchestrator.inbox import OneByOne
from tests.orchestrator.calls import Client, audio_message, config_message, in_chunks, pb
from tests.orchestrator.fakes import KeptLog, beeps
from tests.orchestrator.test_servicer import check_order, plucks, serving
from tests.orchestrator.test_session import Stage
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from wire.codec import decode_event
from wire.gen.genesis.v1 import rhythm_pb2
from wire.rhythm_codec import encode_lock_request

pytestmark = pytest.mark.anyio

SONG = beeps(16.0).tobytes()
SECOND = 2 * SAMPLE_RATE_HZ
THREE = RhythmLock(tempo_bpm=120.0, signature=TimeSignature(3, 4), bar_one=27_560)
OTHER = RhythmLock(signature=TimeSignature(2, 4))


def settled(events: Sequence[SessionEvent]) -> list[Note]:
    return [e.payload.note for e in events if isinstance(e.payload, NoteRevised) and e.payload.note.state in SETTLED]


def locked(events: Sequence[SessionEvent]) -> list[RhythmLocked]:
    return [event.payload for event in events if isinstance(event.payload, RhythmLocked)]


async def played(stage: Stage, locks: dict[int, LockRequest], data: bytes = SONG, chunk: int = 2_000) -> None:
    """A whole session in which something is decided when so many bytes have been sent."""

    async def audio() -> AsyncIterator[bytes]:
        waiting = sorted(locks.items())
        for index, piece in enumerate(in_chunks(data, chunk)):
            while waiting and index * chunk >= waiting[0][0]:
                stage.session.lock_rhythm(waiting.pop(0)[1])
            yield piece

    await stage.session.run(OneByOne(audio()))


async def test_bars_are_drawn_anew_while_no_note_changes() -> None:
    free, decided = Stage(), Stage()
    await played(free, {})
    await played(decided, {12 * SECOND: LockRequest(THREE)})
    assert settled(decided.sink.events) == settled(free.sink.events)
    (one,) = locked(decided.sink.events)
    assert (one.lock, one.revision, one.start) == (THREE, 1, 0)
    assert 7 * SAMPLE_RATE_HZ < one.at < 13 * SAMPLE_RATE_HZ
    state = fold(decided.sink.events)
    assert state.bars[-1].start > 10 * SAMPLE_RATE_HZ
    assert {str(bar.signature) for bar in state.bars} == {"3/4"}
    half = SAMPLE_RATE_HZ / 2
    assert all(abs((bar.start - one.lock.bar_one) / half % 3 - 1.5) > 1.4 for bar in state.bars[1:] if one.lock.bar_one)
    revisions = [event.payload.revision for event in decided.sink.events if isinstance(event.payload, BarsRevised)]
    assert revisions == sorted(revisions)
    assert set(revisions) == {0, 1}


async def test_the_file_that_comes_of_it_keeps_to_it() -> None:
    stage = Stage()
    await played(stage, {6 * SECOND: LockRequest(THREE)})
    file = to_document(fold(stage.sink.events))
    assert file["rhythm"] == {"tempo_bpm": 120.0, "time_signature": "3/4", "bar_one_s": 1.24989, "taps_s": []}
    assert (file["time_signature"], file["tempo_bpm"]) == ("3/4", pytest.approx(120, abs=0.1))
    free = Stage()
    await played(free, {})
    assert "rhythm" not in to_document(fold(free.sink.events))


async def test_a_replay_with_the_times_that_were_told_says_the_same() -> None:
    first = Stage()
    await played(first, {5 * SECOND: LockRequest(OTHER), 11 * SECOND: LockRequest(THREE)})
    again = Stage()
    for one in locked(first.sink.events):
        again.session.lock_rhythm(LockRequest(one.lock, one.at))
    await played(again, {}, chunk=7_778)
    assert locked(again.sink.events) == locked(first.sink.events)
    assert fold(again.sink.events).bars == fold(first.sink.events).bars
    assert fold(again.sink.events).chords == fold(first.sink.events).chords


@pytest.mark.parametrize("resends", [False, True])
async def test_a_new_attempt_keeps_to_it(resends: bool) -> None:
    whole = Stage()
    await played(whole, {5 * SECOND: LockRequest(OTHER), 9 * SECOND: LockRequest(THREE)})
    told = [number for number, event in enumerate(whole.sink.events) if isinstance(event.payload, RhythmLocked)]
    held = whole.sink.events[: told[1] + 2]
    again = Stage(sink=KeptLog(held))
    for one in locked(held) if resends else ():
        again.session.lock_rhythm(LockRequest(one.lock, one.at))
    await played(again, {})
    assert locked(again.sink.events) == locked(whole.sink.events), "nothing is told twice"
    state = fold(again.sink.events)
    assert state.lock == THREE
    assert state.bars == fold(whole.sink.events).bars
    assert state.sorted_notes() == fold(whole.sink.events).sorted_notes()


async def test_there_is_an_end_to_deciding() -> None:
    stage = Stage()
    for number in range(MOST_LOCKS):
        stage.session.lock_rhythm(LockRequest(NO_LOCK, number))
    with pytest.raises(Overloaded) as refused:
        stage.session.lock_rhythm(LockRequest(NO_LOCK))
    assert refused.value.reason is Reason.RHYTHM_LOCK_LIMIT


def lock_message(request: LockRequest) -> pb.StreamTranscribeRequest:
    return pb.StreamTranscribeRequest(lock_rhythm=encode_lock_request(request))


@pytest.mark.usefixtures("built_model_repo")
async def test_over_grpc_from_the_decision_to_the_snapshot(tmp_path: Path) -> None:
    data, events = plucks(10.0), list[SessionEvent]()
    lock = RhythmLock(tempo_bpm=150.0, signature=TimeSignature(3, 4))
    async with serving(tmp_path) as (_, client, _nats):
        await _decide_midway(client, data, lock, events)
        check_order(events)
        free = await client.transcribe(data, 8_820)
        watched = await client.watch(events[0].session_id)
        snapshot = await client.stub.GetSession(pb.GetSessionRequest(session_id=events[0].session_id))
    assert settled_key(events) == settled_key(free)
    (one,) = locked(events)
    assert one.lock == lock
    state = fold(events)
    assert state.bars
    assert {str(bar.signature) for bar in state.bars} == {"3/4"}
    assert fold(watched).bars == state.bars
    assert [locked_.revision for locked_ in snapshot.session.rhythm_locks] == [1]
    assert [bar.count for bar in snapshot.session.bars] == [3] * len(state.bars)


async def _decide_midway(client: Client, data: bytes, lock: RhythmLock, events: list[SessionEvent]) -> None:
    """The lock is sent, and the rest of the audio after it, once a note of the first half has come down."""
    call = client.stub.StreamTranscribe()
    await call.write(config_message())
    half = len(data) // 2
    for chunk in in_chunks(data[:half], 8_820):
        await call.write(audio_message(chunk))
    while not settled(events):
        events.append(decode_event((await call.read()).event))
    await call.write(lock_message(LockRequest(lock)))
    for chunk in in_chunks(data[half:], 8_820):
        await call.write(audio_message(chunk))
    await call.done_writing()
    # grpc.aio.EOF is false, and its stubs do not know it.
    while response := await call.read():
        events.append(decode_event(response.event))


def settled_key(events: Sequence[SessionEvent]) -> list[tuple[int, int, str]]:
    return sorted((note.onset, note.pitch, note.state.value) for note in settled(events))


BAD: dict[str, rhythm_pb2.LockRhythm] = {
    "a tempo of none": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(tempo_bpm=0)),
    "a tempo that is no number": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(tempo_bpm=math.nan)),
    "a tempo of a machine": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(tempo_bpm=401)),
    "a metre of nothing": rhythm_pb2.LockRhythm(
        lock=rhythm_pb2.RhythmLock(time_signature=rhythm_pb2.TimeSignature(count=0, unit=4))
    ),
    "a metre in thirds": rhythm_pb2.LockRhythm(
        lock=rhythm_pb2.RhythmLock(time_signature=rhythm_pb2.TimeSignature(count=4, unit=3))
    ),
    "a bar before the beginning": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(bar_one_s=-0.1)),
    "a bar in eternity": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(bar_one_s=math.inf)),
    "taps that fall": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(taps_s=[1.0, 0.5])),
    "taps without end": rhythm_pb2.LockRhythm(lock=rhythm_pb2.RhythmLock(taps_s=[0.1 * n for n in range(257)])),
    "a time that is none": rhythm_pb2.LockRhythm(at_s=math.nan),
}


@pytest.mark.usefixtures("built_model_repo")
async def test_what_cannot_be_ends_the_call_with_its_reason(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        for what, message in BAD.items():
            events: list[SessionEvent] = []
            bad = pb.StreamTranscribeRequest(lock_rhythm=message)
            error = await client.failure([config_message(), audio_message(bytes(8_820)), bad], events)
            assert (error.reason, type(error)) == (Reason.RHYTHM_LOCK_INVALID, InvalidInput), what
            assert isinstance(events[-1].payload, SessionFailed)
            assert events[-1].payload.reason is Reason.RHYTHM_LOCK_INVALID
