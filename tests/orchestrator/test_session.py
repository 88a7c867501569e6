"""One session, its neighbours played by fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import anyio
import pytest

from music.errors import Conflict, GenesisError, InvalidInput, Overloaded, Reason, Unavailable
from music.events import (
    AudioEncoding,
    AudioFormat,
    CadenceChanged,
    EndReason,
    NoteRevised,
    Progressed,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    is_durable,
)
from music.note import SETTLED, Note, NoteState
from music.session_state import fold
from music.tuning import Instrument
from orchestrator.desk import LiveSession
from orchestrator.inbox import AudioSource, OneByOne
from orchestrator.publisher import Publisher
from orchestrator.session import Session, SessionLimits
from tests.orchestrator.calls import in_chunks
from tests.orchestrator.fakes import FailingSink, FakeTranscriber, KeptLog, beeps
from tests.orchestrator.files import encoded, wav

pytestmark = pytest.mark.anyio

CONFIG = SessionConfig(AudioFormat(AudioEncoding.PCM_S16LE, 22_050, 1), session_id="s")
FILE = replace(CONFIG, audio=AudioFormat(AudioEncoding.CONTAINER))
SONG = beeps(4.0).tobytes()


@dataclass
class Stage:
    """A session with everything around it, ready to run."""

    config: SessionConfig = CONFIG
    transcriber: FakeTranscriber = field(default_factory=FakeTranscriber)
    sink: KeptLog = field(default_factory=KeptLog)
    limits: SessionLimits = field(default_factory=SessionLimits)
    delivered: list[SessionEvent] = field(default_factory=list)
    moved: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.publisher = Publisher("s", self.sink, self.deliver, lambda: 1_700_000_000_000_000_000, snapshot_after=5)
        self.session = Session(self.config, self.transcriber, self.publisher, self.limits, lambda: 0)

    async def deliver(self, event: SessionEvent) -> None:
        self.delivered.append(event)
        self.moved.set()
        self.moved = anyio.Event()

    async def until(self, kind: type) -> None:
        while not any(isinstance(event.payload, kind) for event in self.delivered):
            await self.moved.wait()

    async def fails(self, chunks: AudioSource) -> GenesisError:
        with pytest.raises(GenesisError) as caught:
            await self.session.run(chunks)
        return caught.value


def once(*chunks: bytes) -> AudioSource:
    return OneByOne(_once(chunks))


async def _once(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def then_silence(*chunks: bytes) -> AudioSource:
    return OneByOne(_then_silence(chunks))


async def _then_silence(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    await anyio.sleep_forever()


def notes_of(events: list[SessionEvent]) -> list[Note]:
    return [event.payload.note for event in events if isinstance(event.payload, NoteRevised)]


async def test_the_log_is_in_order() -> None:
    stage = Stage()
    await stage.session.run(once(*in_chunks(SONG, 2_205 * 2)))
    events = stage.sink.events
    assert stage.delivered == events
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[0].payload == SessionStarted(CONFIG, (stage.transcriber.reference,), 0)
    assert events[-1].payload == SessionEnded(EndReason.COMPLETED, 4 * 22_050)
    assert sum(isinstance(event.payload, SessionStarted | SessionEnded) for event in events) == 2
    durable = [event for event in events if is_durable(event.payload)]
    assert [event.previous_durable_sequence for event in durable] == [0, *(event.sequence for event in durable[:-1])]
    state = fold(events)
    assert len(state.notes) == 8
    assert {note.state for note in state.notes.values()} == {NoteState.ENDED}
    onsets_s = [note.onset / 22_050 for note in state.sorted_notes()]
    assert onsets_s == pytest.approx([0.25 + 0.5 * number for number in range(8)], abs=0.02)
    received = [event.payload.received_until for event in events if isinstance(event.payload, Progressed)]
    assert received == sorted(received)
    assert received[-1] == 4 * 22_050


async def test_progress_is_told_four_times_a_second_and_at_the_end() -> None:
    stage = Stage()
    await stage.session.run(once(*in_chunks(SONG, 441 * 2)))
    received = [e.payload.received_until for e in stage.sink.events if isinstance(e.payload, Progressed)]
    assert 4 <= len(received) <= 4 * 4 + 2
    assert received[-1] == 4 * 22_050


async def test_a_note_is_told_before_the_watermark_passes_it() -> None:
    stage = Stage()
    await stage.session.run(once(*in_chunks(SONG, 441 * 2)))
    first_settled: dict[str, SessionEvent] = {}
    watermark = 0
    for event in stage.sink.events:
        assert event.processed_until >= watermark
        watermark = event.processed_until
        if isinstance(event.payload, NoteRevised) and event.payload.note.state in SETTLED:
            note = event.payload.note
            if first_settled.setdefault(note.id, event) is event:
                assert note.onset >= event.processed_until


@pytest.mark.parametrize("chunk_bytes", [42, 442, 44_100, len(SONG)])
async def test_chunking_changes_no_settled_note(chunk_bytes: int) -> None:
    whole, cut = Stage(), Stage()
    await whole.session.run(once(SONG))
    await cut.session.run(once(*in_chunks(SONG, chunk_bytes)))
    settled = [[n for n in notes_of(stage.sink.events) if n.state in SETTLED] for stage in (whole, cut)]
    assert settled[0] == settled[1]


async def test_snapshots_come_every_so_often_and_at_the_end() -> None:
    stage = Stage()
    await stage.session.run(once(SONG))
    assert len(stage.sink.snapshots) >= 3
    assert stage.sink.snapshots[-1] == len(stage.sink.events)


async def test_bad_input_fails_after_what_was_accepted() -> None:
    stage = Stage()
    failure = await stage.fails(once(SONG, b"!"))
    assert failure.reason is Reason.CHUNK_MISALIGNED
    assert stage.sink.events[-1].payload == SessionFailed(failure.reason, failure.message, 4 * 22_050)
    assert len(fold(stage.sink.events).notes) == 8


@pytest.mark.parametrize("chunks", [[], [b""], [b""] * 50])
async def test_no_audio_is_an_error(chunks: list[bytes]) -> None:
    stage = Stage()
    assert (await stage.fails(once(*chunks))).reason is Reason.AUDIO_EMPTY
    assert isinstance(stage.sink.events[-1].payload, SessionFailed)


async def test_a_truncated_file_is_transcribed_as_far_as_it_goes() -> None:
    stage = Stage(config=FILE)
    failure = await stage.fails(once(wav(SONG, rate_hz=22_050, data_size=10 * len(SONG))))
    assert failure.reason is Reason.AUDIO_TRUNCATED
    assert len(fold(stage.sink.events).notes) == 8


async def test_a_file_says_once_that_nothing_tentative_comes() -> None:
    stage = Stage(config=FILE)
    await stage.session.run(once(*in_chunks(wav(SONG, rate_hz=22_050), 10_000)))
    payloads = [event.payload for event in stage.sink.events]
    assert [p for p in payloads if isinstance(p, CadenceChanged)] == [CadenceChanged(0, "file")]
    assert stage.transcriber.previews == []


@pytest.mark.parametrize(("cadence_s", "frames"), [(None, [2205 // 256]), (0.05, [1102 // 256]), (0.0, [])])
async def test_previews_come_as_often_as_suits_the_transcriber_or_as_is_set(
    cadence_s: float | None, frames: list[int]
) -> None:
    stage = Stage(limits=SessionLimits(cadence_s=cadence_s), config=replace(CONFIG, instrument=Instrument(capo=3)))
    await stage.session.run(once(SONG[:882]))
    assert stage.transcriber.previews == frames
    assert stage.transcriber.instruments == [Instrument(capo=3)]


async def test_a_file_tells_its_length() -> None:
    stage = Stage(config=FILE)
    await stage.session.run(once(*in_chunks(wav(SONG, rate_hz=22_050), 10_000)))
    durations = {event.payload.duration for event in stage.sink.events if isinstance(event.payload, Progressed)}
    assert durations == {4 * 22_050}


async def test_a_caller_that_leaves_is_flushed() -> None:
    stage = Stage()
    async with anyio.create_task_group() as group:
        group.start_soon(stage.session.run, then_silence(SONG))
        await stage.until(Progressed)
        stage.session.stop(EndReason.CANCELLED)
    assert stage.sink.events[-1].payload == SessionEnded(EndReason.CANCELLED, 4 * 22_050)
    assert len(fold(stage.sink.events).notes) == 8


async def test_a_flush_is_cut_short_when_the_network_hangs() -> None:
    stage = Stage(transcriber=FakeTranscriber(gate=anyio.Event()), limits=SessionLimits(flush_s=0.05))
    async with anyio.create_task_group() as group:
        group.start_soon(stage.session.run, then_silence(SONG))
        await stage.until(SessionStarted)
        with anyio.fail_after(1.0):
            stage.session.stop(EndReason.CANCELLED)
            await stage.until(SessionEnded)


async def test_a_drained_session_is_flushed() -> None:
    stage = Stage()
    async with anyio.create_task_group() as group:
        group.start_soon(stage.session.run, then_silence(SONG))
        await stage.until(Progressed)
        stage.session.stop(EndReason.DRAINED)
    assert stage.sink.events[-1].payload == SessionEnded(EndReason.DRAINED, 4 * 22_050)


async def test_a_drain_before_the_first_chunk_ends_the_session() -> None:
    stage = Stage()
    stage.session.stop(EndReason.DRAINED)
    await stage.session.run(then_silence(SONG))
    assert stage.sink.events[-1].payload == SessionEnded(EndReason.DRAINED, 0)


async def test_a_drain_leaves_a_whole_file_its_time() -> None:
    gate = anyio.Event()
    stage = Stage(config=FILE, transcriber=FakeTranscriber(gate=gate))
    heard = anyio.Event()

    async def upload() -> AsyncIterator[bytes]:
        yield encoded("wav", seconds=3.0)
        heard.set()

    async with anyio.create_task_group() as group:
        group.start_soon(stage.session.run, OneByOne(upload()))
        await heard.wait()
        await anyio.wait_all_tasks_blocked()
        stage.session.stop(EndReason.DRAINED)
        gate.set()
    assert stage.sink.events[-1].payload == SessionEnded(EndReason.COMPLETED, 3 * 22_050)


async def test_a_drain_refuses_half_a_file() -> None:
    stage = Stage(config=FILE)

    async def stop_soon() -> None:
        await stage.until(SessionStarted)
        stage.session.stop(EndReason.DRAINED)

    async with anyio.create_task_group() as group:
        group.start_soon(stop_soon)
        failure = await stage.fails(then_silence(encoded("wav")[:10_000]))
    assert failure.reason is Reason.SERVER_DRAINING


async def test_silence_of_the_caller_has_a_limit() -> None:
    stage = Stage(limits=SessionLimits(idle_timeout_s=0.05))
    assert (await stage.fails(then_silence(SONG))).reason is Reason.STREAM_IDLE
    assert len(fold(stage.sink.events).notes) == 8


async def test_empty_chunks_do_not_count_as_life() -> None:
    async def nothing_for_ever() -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            yield b""

    stage = Stage(limits=SessionLimits(idle_timeout_s=0.05))
    assert (await stage.fails(OneByOne(nothing_for_ever()))).reason is Reason.STREAM_IDLE


async def test_a_session_has_a_longest_duration() -> None:
    stage = Stage(limits=SessionLimits(max_duration_s=2.0))
    assert (await stage.fails(once(*in_chunks(SONG, 44_100)))).reason is Reason.AUDIO_TOO_LONG


async def test_a_failure_from_outside_is_recorded() -> None:
    stage = Stage()

    async def fail_soon() -> None:
        await stage.until(Progressed)
        stage.session.stop(Overloaded(Reason.READER_TOO_SLOW, "Read faster."))

    async with anyio.create_task_group() as group:
        group.start_soon(fail_soon)
        failure = await stage.fails(then_silence(SONG))
    assert failure.reason is Reason.READER_TOO_SLOW
    assert isinstance(stage.sink.events[-1].payload, SessionFailed)


async def test_a_caller_that_never_reads_ends_its_session() -> None:
    live = LiveSession("s", slow_reader_s=0.05)
    sink = KeptLog()
    publisher = Publisher("s", sink, live.deliver, lambda: 0)
    session = Session(CONFIG, FakeTranscriber(), publisher, SessionLimits(), lambda: 0)
    async with anyio.create_task_group() as group:
        group.start_soon(live.run, session)
        with anyio.fail_after(20.0):
            while await live.feed(SONG):
                pass
    assert live.failure is not None
    assert live.failure.reason is Reason.READER_TOO_SLOW
    assert sink.events[-1].payload == SessionFailed(
        live.failure.reason, live.failure.message, fold(sink.events).duration or 0
    )
    live.leave()


async def test_a_model_that_fails_ends_the_session_and_its_notes() -> None:
    error = Unavailable(Reason.MODEL_MISMATCH, "The model broke.")
    stage = Stage(transcriber=FakeTranscriber(error=error, pushes_before_error=1))
    failure = await stage.fails(once(SONG, SONG))
    assert failure.reason is Reason.MODEL_MISMATCH
    assert {note.state for note in fold(stage.sink.events).notes.values()} <= {NoteState.ENDED}


async def test_what_nobody_expected_is_internal_and_says_nothing() -> None:
    stage = Stage(transcriber=FakeTranscriber(error=RuntimeError("secret")))
    failure = await stage.fails(once(SONG))
    assert failure.reason is Reason.INTERNAL
    assert "secret" not in failure.message
    assert isinstance(stage.sink.events[-1].payload, SessionFailed)


@pytest.mark.parametrize("error", [Conflict(Reason.SESSION_SUPERSEDED, "x"), Unavailable(Reason.BUS_UNAVAILABLE, "x")])
@pytest.mark.parametrize("good", [0, 1, 4])
async def test_a_log_that_is_lost_ends_the_session_at_once(error: GenesisError, good: int) -> None:
    stage = Stage(sink=FailingSink(good, error))
    with anyio.fail_after(5.0):
        failure = await stage.fails(then_silence(SONG, SONG))
    assert failure.reason is error.reason
    assert len(stage.sink.events) == good


async def test_a_new_attempt_retracts_and_does_not_repeat() -> None:
    whole = Stage()
    await whole.session.run(once(*in_chunks(SONG, 2_000)))
    cut = next(
        number
        for number, event in enumerate(whole.sink.events)
        if event.processed_until > 22_050 and fold(whole.sink.events[:number]).notes
    )
    held = whole.sink.events[:cut]
    dangling = Note("ghost", NoteState.TENTATIVE, 2 * 22_050, 50)
    held.append(
        replace(held[-1], sequence=held[-1].sequence + 1, previous_durable_sequence=0, payload=NoteRevised(dangling))
    )
    again = Stage(sink=KeptLog(held))
    await again.session.run(once(*in_chunks(SONG, 3_000)))
    new = again.sink.events[len(held) :]
    assert {event.attempt for event in new} == {2}
    assert new[0].sequence == held[-1].sequence + 1
    assert isinstance(new[0].payload, SessionStarted)
    assert notes_of(new)[0] == Note("ghost", NoteState.RETRACTED, 2 * 22_050, 50)
    told = {(n.id, n.state) for n in notes_of(held) if n.state in SETTLED}
    assert told
    assert not told & {(n.id, n.state) for n in notes_of(new)}
    assert fold(again.sink.events).sorted_notes() == fold(whole.sink.events).sorted_notes()
    previous = next(event.sequence for event in reversed(held) if is_durable(event.payload))
    assert new[0].previous_durable_sequence == previous


async def test_an_attempt_with_other_audio_does_not_touch_the_log() -> None:
    first = Stage()
    await first.session.run(once(SONG))
    held = first.sink.events[:-1]
    again = Stage(sink=KeptLog(held))
    failure = await again.fails(once(SONG[20_000:]))
    assert failure.reason is Reason.SESSION_EXISTS
    assert not [event for event in again.sink.events[len(held) :] if isinstance(event.payload, SessionFailed)]


async def test_an_attempt_with_another_configuration_is_refused() -> None:
    first = Stage()
    await first.session.run(once(SONG))
    held = first.sink.events[:-1]
    again = Stage(config=replace(CONFIG, instrument=Instrument(capo=3)), sink=KeptLog(held))
    failure = await again.fails(once(SONG))
    assert isinstance(failure, InvalidInput)
    assert failure.reason is Reason.CONFIG_INVALID
    assert again.sink.events == held
