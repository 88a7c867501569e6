"""The real service over real sockets, real NATS, real model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from music.errors import GenesisError, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    NoteRevised,
    Progressed,
    Separation,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
)
from music.note import SETTLED, Note, NoteState
from music.session_state import fold
from orchestrator.bootstrap import Orchestrator, running_orchestrator
from orchestrator.settings import Settings
from tests.orchestrator.calls import Client, audio_message, config_message, in_chunks, pb
from tests.orchestrator.files import encoded, wav
from tests.orchestrator.test_container import BAD
from tests.support.data import shared_data
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from tests.support.nats import NatsServer, running_nats
from wire.codec import decode_event, decode_snapshot
from wire.errors import from_rpc
from wire.gen.genesis.v1 import instrument_pb2, note_pb2, player_pb2, session_pb2

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("built_model_repo")]

CONTAINER = AudioFormat(AudioEncoding.CONTAINER)


@asynccontextmanager
async def serving(tmp_path: Path, **settings: object) -> AsyncIterator[tuple[Orchestrator, Client, NatsServer]]:
    """An orchestrator that serves, a client of it, and its bus."""
    async with running_nats(tmp_path) as nats:
        given = Settings.model_validate({"listen": "127.0.0.1:0", "nats_url": nats.url, **settings})
        async with running_orchestrator(given) as orchestrator, Client(orchestrator) as client:
            await orchestrator.health.ready.wait()
            yield orchestrator, client, nats


def plucks(seconds: float = 6.0) -> bytes:
    """s16le at 44.1 kHz: a decaying tone with overtones, another one every 0.4 s."""
    rate_hz = 44_100
    signal = np.zeros(round(seconds * rate_hz))
    pitches = [52, 55, 59, 64, 67, 71]
    for number in range(int(seconds / 0.4) - 1):
        t = np.arange(round(1.2 * rate_hz)) / rate_hz
        frequency = 440 * 2 ** ((pitches[number % len(pitches)] - 69) / 12)
        tone = sum(np.sin(2 * np.pi * frequency * partial * t) / partial**1.5 for partial in range(1, 7))
        start = round((0.1 + number * 0.4) * rate_hz)
        piece = (0.15 * tone * np.exp(-3 * t))[: len(signal) - start]
        signal[start : start + len(piece)] += piece
    return (signal * 32_767).astype("<i2").tobytes()


def settled(events: list[SessionEvent]) -> list[Note]:
    return [
        event.payload.note
        for event in events
        if isinstance(event.payload, NoteRevised) and event.payload.note.state in SETTLED
    ]


def check_order(events: list[SessionEvent]) -> None:
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    watermarks = [event.processed_until for event in events]
    assert watermarks == sorted(watermarks)
    state = fold([])
    for event in events:
        assert not state.has_missed(event)
        state.apply(event)


async def test_a_stream_gives_notes_and_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        events = await client.transcribe(plucks(), 8_820)
    check_order(events)
    assert isinstance(events[0].payload, SessionStarted)
    assert events[-1].payload == SessionEnded(EndReason.COMPLETED, 6 * 22_050)
    state = fold(events)
    assert len(state.notes) >= 8
    assert all(note.state is NoteState.ENDED for note in state.notes.values())
    assert all(note.position or note.flags for note in state.notes.values())
    assert any(isinstance(event.payload, Progressed) for event in events)


@pytest.mark.parametrize(("wished", "used"), [("", "guitar"), ("basic_pitch", "basic_pitch")])
async def test_the_caller_chooses_the_transcriber(tmp_path: Path, wished: str, used: str) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        events = await client.transcribe(plucks(), 8_820, transcriber=wished)
    started = events[0].payload
    assert isinstance(started, SessionStarted)
    assert [model.name for model in started.models] == [used]
    assert len(fold(events).notes) >= 8


async def test_chunking_changes_no_settled_note(tmp_path: Path) -> None:
    data = plucks()
    async with serving(tmp_path) as (_, client, _nats):
        runs = [settled(await client.transcribe(data, size)) for size in (882, 8_820, 88_200, len(data))]
        file = settled(await client.transcribe(wav(data), 1 << 16, CONTAINER))
    assert runs[0]
    for run in [*runs[1:], file]:
        assert sorted(run, key=note_key) == sorted(runs[0], key=note_key)


def note_key(note: Note) -> tuple[int, int, str, str]:
    return note.onset, note.pitch, note.id, note.state.value


async def test_a_recording_through_the_service(tmp_path: Path) -> None:
    data = shared_data("guitarset/00_BN1-129-Eb_comp_mic.wav").read_bytes()
    async with serving(tmp_path) as (_, client, _nats):
        events = await client.transcribe(data, 1 << 18, CONTAINER)
    check_order(events)
    assert len(fold(events).notes) > 80
    durations = {event.payload.duration for event in events if isinstance(event.payload, Progressed)}
    assert durations == {492_253}


def pcm(rate_hz: int = 44_100, channels: int = 1, encoding: AudioEncoding = AudioEncoding.PCM_S16LE) -> AudioFormat:
    return AudioFormat(encoding, rate_hz, channels)


NAN = np.full(9, np.nan, "<f4").tobytes()

PCM_CASES: dict[str, tuple[list[pb.StreamTranscribeRequest], Reason]] = {
    "nothing at all": ([], Reason.CONFIG_MISSING),
    "audio before configuration": ([audio_message(bytes(882))], Reason.CONFIG_MISSING),
    "an empty message": ([pb.StreamTranscribeRequest()], Reason.CONFIG_MISSING),
    "configuration twice": ([config_message(), audio_message(bytes(882)), config_message()], Reason.CONFIG_DUPLICATE),
    "no audio": ([config_message()], Reason.AUDIO_EMPTY),
    "empty chunks": ([config_message(), *[audio_message(b"")] * 1_000], Reason.AUDIO_EMPTY),
    "half a sample": ([config_message(), audio_message(bytes(883))], Reason.CHUNK_MISALIGNED),
    "a chunk too large": ([config_message(), audio_message(bytes((1 << 20) + 2))], Reason.CHUNK_TOO_LARGE),
    "0 Hz": ([config_message(pcm(rate_hz=0))], Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "4 GHz": ([config_message(pcm(rate_hz=4_000_000_000))], Reason.SAMPLE_RATE_OUT_OF_RANGE),
    "200 channels": ([config_message(pcm(channels=200))], Reason.CHANNEL_COUNT_OUT_OF_RANGE),
    "no encoding": ([pb.StreamTranscribeRequest(config=session_pb2.SessionConfig())], Reason.ENCODING_UNSUPPORTED),
    "nan": ([config_message(pcm(encoding=AudioEncoding.PCM_F32LE)), audio_message(NAN)], Reason.AUDIO_NOT_FINITE),
    "a strange id": ([config_message(session_id="../../x")], Reason.CONFIG_INVALID),
    "a wildcard id": ([config_message(session_id="*")], Reason.CONFIG_INVALID),
    "an unknown transcriber": ([config_message(transcriber="nobody")], Reason.TRANSCRIBER_UNKNOWN),
    "separation": ([config_message(separation=Separation.GUITAR)], Reason.SEPARATION_UNAVAILABLE),
}


async def test_bad_streams_are_refused_with_their_reason(tmp_path: Path) -> None:
    found: dict[str, Reason] = {}
    async with serving(tmp_path) as (orchestrator, client, _nats):
        for case, (messages, _reason) in PCM_CASES.items():
            events: list[SessionEvent] = []
            failure = await client.failure(messages, events)
            found[case] = failure.reason
            if events:
                assert isinstance(events[-1].payload, SessionFailed)
                assert events[-1].payload.reason is failure.reason
                assert events[-1].payload.message == failure.message
        assert orchestrator.desk.count == 0
    assert found == {case: reason for case, (_, reason) in PCM_CASES.items()}


# What each decoder error means is tested beside the decoder; this is the way of some of them to the caller.
FILES_TRIED = ["empty", "text", "nan", "0 Hz", "200 channels", "playlist", "data longer than the file"]


async def test_bad_files_are_refused_with_their_reason(tmp_path: Path) -> None:
    found: dict[str, Reason] = {}
    async with serving(tmp_path) as (_, client, _nats):
        for case in FILES_TRIED:
            chunks = [audio_message(chunk) for chunk in in_chunks(BAD[case][0], 1 << 16)]
            found[case] = (await client.failure([config_message(CONTAINER), *chunks], [])).reason
    assert found == {case: BAD[case][1] for case in FILES_TRIED}


async def test_what_came_before_bad_input_is_transcribed(tmp_path: Path) -> None:
    events: list[SessionEvent] = []
    async with serving(tmp_path) as (_, client, _nats):
        messages = [config_message(), audio_message(plucks(4.0)), audio_message(b"!")]
        failure = await client.failure(messages, events)
    assert failure.reason is Reason.CHUNK_MISALIGNED
    check_order(events)
    assert len(fold(events).notes) >= 5
    last = events[-1].payload
    assert isinstance(last, SessionFailed)
    assert last.duration == 4 * 22_050


async def test_separation_auto_is_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        events = await client.transcribe(plucks(1.0), 88_200, separation=Separation.AUTO)
    assert isinstance(events[-1].payload, SessionEnded)


async def test_followers_late_and_resumed_hold_the_same_session(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        async with anyio.create_task_group() as group:
            live: list[SessionEvent] = []

            async def follow_live() -> None:
                live.extend(await client.watch("song"))

            async def messages() -> AsyncIterator[pb.StreamTranscribeRequest]:
                yield config_message(session_id="song")
                data = plucks()
                for start in range(0, len(data), 44_100):
                    yield audio_message(data[start : start + 44_100])

            call = client.stub.StreamTranscribe(messages())
            metadata = dict(await call.initial_metadata())
            events: list[SessionEvent] = []
            async for response in call:
                if not events:
                    group.start_soon(follow_live)
                events.append(decode_event(response.event))
        late = await client.watch("song")
        cut = events[: len(events) // 2]
        resumed = [*cut, *await client.watch("song", cut[-1].sequence)]
        over = await client.stub.GetSession(pb.GetSessionRequest(session_id="song"))
    assert metadata["session-id"] == "song"
    folded = fold(late)
    assert folded.ended is not None
    for other in (fold(events), fold(live), fold(resumed)):
        assert other.snapshot() == folded.snapshot()
    assert decode_snapshot(over.session) == folded.snapshot()
    assert folded.notes


async def test_unknown_sessions_are_not_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        with pytest.raises(GenesisError) as caught:
            await client.watch("nobody")
        assert caught.value.reason is Reason.SESSION_NOT_FOUND
        with pytest.raises(GenesisError) as caught:
            await client.watch(">")
        assert caught.value.reason is Reason.CONFIG_INVALID
        with pytest.raises(grpc.aio.AioRpcError) as status:
            await client.stub.GetSession(pb.GetSessionRequest(session_id="nobody"))
        assert status.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_session_that_is_over_is_not_begun_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        await client.transcribe(plucks(1.0), 88_200, session_id="song")
        failure = await client.failure([config_message(session_id="song"), audio_message(bytes(882))], [])
    assert failure.reason is Reason.SESSION_EXISTS


async def test_a_caller_that_leaves_frees_its_slot_and_its_notes_are_kept(tmp_path: Path) -> None:
    async with serving(tmp_path, max_sessions=1) as (orchestrator, client, _nats):
        hold = anyio.Event()

        async def messages() -> AsyncIterator[pb.StreamTranscribeRequest]:
            yield config_message(session_id="song")
            yield audio_message(plucks(4.0))
            await hold.wait()

        call = client.stub.StreamTranscribe(messages())
        async for response in call:
            if response.event.HasField("progress"):
                break
        failure = await client.failure([config_message(), audio_message(bytes(882))], [])
        assert failure.reason is Reason.SESSION_LIMIT_REACHED
        call.cancel()
        with anyio.fail_after(1.0):
            while orchestrator.desk.count:
                await anyio.lowlevel.checkpoint()
        kept = fold(await client.watch("song"))
    assert kept.ended == SessionEnded(EndReason.CANCELLED, 4 * 22_050)
    assert len(kept.notes) >= 5


async def test_a_stream_that_falls_silent_is_ended(tmp_path: Path) -> None:
    async with serving(tmp_path, idle_timeout_s=0.3) as (_, client, _nats):
        hold = anyio.Event()

        async def messages(*first: pb.StreamTranscribeRequest) -> AsyncIterator[pb.StreamTranscribeRequest]:
            for message in first:
                yield message
            await hold.wait()

        for first in ([], [config_message()], [config_message(), audio_message(bytes(8_820))]):
            with pytest.raises(GenesisError) as caught:
                await client.events(messages(*first))
            assert caught.value.reason is Reason.STREAM_IDLE


async def test_a_server_that_drains_refuses_and_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as (orchestrator, client, _nats):
        await orchestrator.drain(1.0)
        failure = await client.failure([config_message(), audio_message(bytes(882))], [])
        health = await health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest())
    assert failure.reason is Reason.SERVER_DRAINING
    assert health.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_callers_that_send_and_leave_are_never_taken_for_finished(tmp_path: Path) -> None:
    ends = []
    async with serving(tmp_path) as (_, client, _nats):
        for number in range(20):
            hold = anyio.Event()

            async def messages(
                name: str = f"s{number}", hold: anyio.Event = hold
            ) -> AsyncIterator[pb.StreamTranscribeRequest]:
                yield config_message(session_id=name)
                yield audio_message(bytes(8_820))
                await hold.wait()

            call = client.stub.StreamTranscribe(messages())
            await call.read()
            call.cancel()
            ends.append(fold(await client.watch(f"s{number}")).ended)
    assert {end.reason for end in ends if end is not None} == {EndReason.CANCELLED}


async def test_a_second_attempt_takes_the_session_over(tmp_path: Path) -> None:
    data = plucks()
    async with serving(tmp_path) as (_, client, _nats):
        taken_over = anyio.Event()

        async def messages() -> AsyncIterator[pb.StreamTranscribeRequest]:
            yield config_message(session_id="song")
            yield audio_message(data[: len(data) // 2])
            await taken_over.wait()
            yield audio_message(data[len(data) // 2 :])

        first: list[SessionEvent] = []
        fenced: list[GenesisError] = []

        first_is_settled = anyio.Event()

        async def first_attempt() -> None:
            try:
                async for response in client.stub.StreamTranscribe(messages()):
                    first.append(decode_event(response.event))
                    if settled(first):
                        first_is_settled.set()
            except grpc.aio.AioRpcError as error:
                fenced.append(from_rpc(error, Reason.INTERNAL))

        async with anyio.create_task_group() as group:
            group.start_soon(first_attempt)
            await first_is_settled.wait()
            second = await client.transcribe(data, 8_820, session_id="song")
            taken_over.set()
        whole = await client.transcribe(data, 88_200)
        kept = fold(await client.watch("song"))
    assert [error.reason for error in fenced] == [Reason.SESSION_SUPERSEDED]
    assert {event.attempt for event in second} == {2}
    assert not {(note.id, note.state) for note in settled(first)} & {(note.id, note.state) for note in settled(second)}
    assert kept.sorted_notes() == fold(whole).sorted_notes()
    assert kept.ended == SessionEnded(EndReason.COMPLETED, 6 * 22_050)


async def test_health_follows_the_bus(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, nats):
        stub = health_pb2_grpc.HealthStub(client.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="genesis.v1.TranscriptionService"))
        statuses = health_pb2.HealthCheckResponse
        assert (await watch.read()).status == statuses.SERVING
        await nats.kill()
        assert (await watch.read()).status == statuses.NOT_SERVING
        await nats.start()
        assert (await watch.read()).status == statuses.SERVING
        watch.cancel()
        events = await client.transcribe(plucks(1.0), 88_200)
    assert isinstance(events[-1].payload, SessionEnded)


async def test_notes_are_arranged(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        state = "NOTE_STATE_ENDED"
        notes = [
            {"id": "a", "state": state, "onset_s": 0.0, "pitch": 40},
            {"id": "b", "state": state, "onset_s": 0.5, "pitch": 20},
        ]
        answer = await client.stub.ArrangeNotes(pb.ArrangeNotesRequest(notes=notes))
        assert (answer.notes[0].string, answer.notes[0].fret) == (6, 0)
        assert not answer.notes[1].HasField("string")
        assert list(answer.notes[1].flags) == ["out_of_range"]
        hand = player_pb2.Player(lowest_fret=5, highest_fret=9)
        high = await client.stub.ArrangeNotes(pb.ArrangeNotesRequest(notes=notes[:1], player=hand, pins={"a": 6}))
        assert (high.notes[0].string, high.notes[0].fret) == (6, 0)
        for wrong in (
            pb.ArrangeNotesRequest(notes=notes, player=player_pb2.Player(difficulty="wizard")),
            pb.ArrangeNotesRequest(notes=notes, pins={"nobody": 3}),
            pb.ArrangeNotesRequest(notes=notes, pins={"a": 1}),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client.stub.ArrangeNotes(wrong)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        nowhere, stateless = note_pb2.Note(state=state, onset_s=float("nan")), note_pb2.Note(onset_s=1.0)
        for bad in (nowhere, stateless, note_pb2.Note(state=state, pitch=200)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client.stub.ArrangeNotes(pb.ArrangeNotesRequest(notes=[bad]))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.stub.ArrangeNotes(pb.ArrangeNotesRequest(instrument=instrument_pb2.Instrument(capo=99)))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_encoded_file_in_small_pieces(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client, _nats):
        events = await client.transcribe(encoded("mp3", seconds=3.0), 417, CONTAINER)
    assert isinstance(events[-1].payload, SessionEnded)
    assert events[-1].payload.duration == pytest.approx(3 * 22_050, abs=2_205)
