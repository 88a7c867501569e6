"""From the log into the database: once, whole, and in one step with the end."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import RowMapping

from music.errors import NotFound, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    GapFound,
    NoteRevised,
    Payload,
    Progressed,
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    UnknownEvent,
    is_durable,
    snapshot_event,
)
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.session_state import SessionState, fold
from music.tuning import Instrument, Position
from tests.web_edge.fakes import MODELS
from web_edge.database import Database
from web_edge.frames import event_frame
from web_edge.hub import Hub
from web_edge.recorder import Recorder
from web_edge.rows import Status, note_from_row, note_to_row
from web_edge.transcriptions import StoredAudio, Transcriptions

pytestmark = pytest.mark.anyio

CONFIG = SessionConfig(
    AudioFormat(AudioEncoding.PCM_S16LE, 48_000, 2), Instrument(capo=2), transcriber="basic_pitch", session_id="s"
)
NOTE = Note(
    "n1",
    NoteState.COMMITTED,
    100,
    64,
    velocity=0.5,
    confidence=0.75,
    stability=1.0,
    position=Position(1, 0),
    alternatives=(Alternative(Position(2, 5), 1.5),),
    bends=(PitchBend(120, 0.5),),
    techniques=(Technique("slide", "n2", 0.25),),
    flags=("loud",),
    string_evidence=(0.75, 0.25),
)
ENDED_NOTE = Note("n1", NoteState.ENDED, 100, 64, 900, 0.5, 0.75, 1.0, Position(1, 0))
LOST_PLACE = Note("n2", NoteState.ENDED, 200, 20, 300, stability=1.0, flags=("out_of_range",))
PAYLOADS: tuple[Payload, ...] = (
    SessionStarted(CONFIG, MODELS, 5),
    NoteRevised(Note("n1", NoteState.TENTATIVE, 90, 63)),
    NoteRevised(NOTE),
    Progressed(1000),
    NoteRevised(LOST_PLACE),
    SeparationChosen(Separation.VOCALS_REMOVED, 250, "voice", 60, 0.25),
    GapFound(400, 500, "the network"),
    NoteRevised(ENDED_NOTE),
    SessionEnded(EndReason.COMPLETED, 1000),
)


def log_of(payloads: Sequence[Payload], session_id: str = "s") -> list[SessionEvent]:
    events, previous = [], 0
    for sequence, payload in enumerate(payloads, start=1):
        durable = is_durable(payload)
        events.append(
            SessionEvent(session_id, sequence, 1, previous if durable else 0, sequence * 10, sequence, payload)
        )
        previous = sequence if durable else previous
    return events


LOG = log_of(PAYLOADS)


def test_a_row_of_an_earlier_version_is_read() -> None:
    row = note_to_row("t", NOTE)
    assert note_from_row(cast("RowMapping", row)) == NOTE
    del row["extra"]["string_evidence"]
    assert note_from_row(cast("RowMapping", row)) == replace(NOTE, string_evidence=())


@dataclass
class House:
    """A recorder with its database; `log` is what the bus would answer."""

    database: Database
    transcriptions: Transcriptions
    recorder: Recorder
    hub: Hub
    log: list[SessionEvent]

    async def recorded(self) -> SessionState:
        return await self.transcriptions.state("s")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    log: list[SessionEvent] = []

    async def read_rest(_session_id: str, after: int) -> AsyncGenerator[SessionEvent, None]:
        if not log:
            raise NotFound(Reason.SESSION_NOT_FOUND, "gone")
        for event in log:
            if event.sequence > after:
                yield event

    async with Database.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}") as database:
        await database.migrate()
        hub = Hub()
        yield House(database, Transcriptions(database), Recorder(database, read_rest, hub), hub, log)


def durable_part(state: SessionState) -> object:
    snapshot = state.snapshot()
    over = snapshot.ended, snapshot.failed
    return (snapshot.sequence, snapshot.started, snapshot.notes, snapshot.gaps, snapshot.separation, over)


async def test_the_database_holds_the_durable_part_of_the_log(house: House) -> None:
    for event in LOG:
        await house.recorder.record([event])
    assert durable_part(await house.recorded()) == durable_part(fold(LOG))
    assert (await house.transcriptions.get("s")).status is Status.COMPLETED


@given(cuts=st.lists(st.integers(0, len(LOG))))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_events_may_come_in_any_pieces_and_mixed_with_those_of_others(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    other = log_of([SessionStarted(replace(CONFIG, session_id="t"), MODELS, 5), *PAYLOADS[1:]], "t")
    both = [event for pair in zip(LOG, other, strict=True) for event in pair]
    places = sorted({0, len(both), *(2 * cut for cut in cuts)})
    folder = tmp_path_factory.mktemp("db")

    async def read_rest(_session_id: str, _after: int) -> AsyncGenerator[SessionEvent, None]:
        raise AssertionError("nothing is missing")
        yield

    async with Database.open(f"sqlite+aiosqlite:///{folder / 'test.db'}") as database:
        await database.migrate()
        recorder = Recorder(database, read_rest, Hub())
        for begin, end in pairwise(places):
            await recorder.record(both[begin:end])
        for session_id, log in (("s", LOG), ("t", other)):
            assert durable_part(await Transcriptions(database).state(session_id)) == durable_part(fold(log))


async def test_a_session_is_over_only_when_its_end_is_recorded(house: House) -> None:
    told: list[str] = []
    with house.hub.on_recorded("s", lambda: told.append("over")):
        for event in LOG[:-1]:
            await house.recorder.record([event])
            assert (await house.transcriptions.get("s")).status is Status.PROCESSING
        assert told == []
        await house.recorder.record([LOG[-1]])
        assert told == ["over"]


@given(order=st.lists(st.lists(st.sampled_from(LOG), max_size=6), max_size=8))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_whatever_is_delivered_twice_late_or_not_at_all_the_end_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, order: list[list[SessionEvent]]
) -> None:
    folder = tmp_path_factory.mktemp("db")
    async with Database.open(f"sqlite+aiosqlite:///{folder / 'test.db'}") as database:
        await database.migrate()

        async def read_rest(_session_id: str, after: int) -> AsyncGenerator[SessionEvent, None]:
            for event in LOG:
                if event.sequence > after:
                    yield event

        recorder = Recorder(database, read_rest, Hub())
        for events in [*order, LOG[-1:]]:
            await recorder.record(events)
        recorded = await Transcriptions(database).state("s")
    assert durable_part(recorded) == durable_part(fold(LOG))


async def test_a_missing_event_is_fetched_from_the_log(house: House) -> None:
    house.log += LOG[:5]
    await house.recorder.record([LOG[0]])
    await house.recorder.record([LOG[4]])
    assert durable_part(await house.recorded()) == durable_part(fold(LOG[:5]))


def long_log(notes: int) -> list[SessionEvent]:
    played = [
        NoteRevised(Note(f"n{number}", state, number * 10, 64))
        for number in range(notes)
        for state in (NoteState.TENTATIVE, NoteState.COMMITTED, NoteState.ENDED)
    ]
    return log_of([PAYLOADS[0], *played, PAYLOADS[-1]])


@pytest.mark.parametrize("recorded", [0, 1, 300, 1_400])
@pytest.mark.parametrize("snapshot_at", [0, 1_000])
async def test_a_long_log_is_recorded_in_pieces_from_where_the_database_stands(
    house: House, recorded: int, snapshot_at: int
) -> None:
    log = long_log(700)
    for event in log[:recorded]:
        await house.recorder.record([event])
    if snapshot_at > recorded:
        snapshot = fold(log[:snapshot_at]).snapshot()
        house.log.append(snapshot_event("s", snapshot))
        house.log += [event for event in log if event.sequence > snapshot.sequence]
    else:
        house.log += log
    told: list[str] = []
    with house.hub.on_recorded("s", lambda: told.append("over")):
        await house.recorder.hasten("s")
    assert told == ["over"]
    assert durable_part(await house.recorded()) == durable_part(fold(log))
    await house.recorder.record([log[-1]])
    assert durable_part(await house.recorded()) == durable_part(fold(log))


async def test_a_log_that_is_read_while_its_job_begins_again_is_let_go(house: House) -> None:
    await house.transcriptions.create_upload(CONFIG, StoredAudio("a.wav", 1, "0"), "")
    log = long_log(700)

    async def read_rest(_session_id: str, _after: int) -> AsyncGenerator[SessionEvent, None]:
        for at, event in enumerate(log):
            if at == 1_000:
                await house.transcriptions.start_over("s")
            yield event

    await Recorder(house.database, read_rest, house.hub).record_whole("s")
    assert (await house.recorded()).notes == {}
    assert not (await house.transcriptions.get("s")).is_over


async def test_an_event_of_a_log_that_is_gone_is_let_go(house: House) -> None:
    await house.recorder.record([LOG[0]])
    await house.recorder.record([LOG[4]])
    assert (await house.recorded()).notes == {}


async def test_a_deleted_session_does_not_come_back(house: House) -> None:
    await house.recorder.record([LOG[0]])
    await house.transcriptions.delete("s")
    for event in LOG:
        await house.recorder.record([event])
    assert await house.transcriptions.find("s") is None
    assert await house.transcriptions.unpurged() == ["s"]


async def test_what_only_a_newer_version_knows_keeps_its_place(house: House) -> None:
    log = log_of([*PAYLOADS[:3], UnknownEvent(is_durable=True), UnknownEvent(is_durable=False), *PAYLOADS[3:]])
    for event in log[:5]:
        await house.recorder.record([event])
    house.log += log
    await house.recorder.record([log[-1]])
    assert durable_part(await house.recorded()) == durable_part(fold(log))
    frames = [json.loads(event_frame(event)) for event in log[3:5]]
    assert [frame["type"] for frame in frames] == ["unknown", "unknown"]
    assert [frame["event"].get("previousDurableSequence") for frame in frames] == ["3", None]


async def test_an_ended_note_never_changes(house: House) -> None:
    for event in LOG[:-1]:
        await house.recorder.record([event])
    late = SessionEvent("s", 50, 2, 7, 80, 1, NoteRevised(NOTE))
    await house.recorder.record([late])
    assert (await house.recorded()).notes["n1"] == ENDED_NOTE


async def test_a_failed_session_keeps_its_notes_and_its_reason(house: House) -> None:
    failed = SessionFailed(Reason.AUDIO_TRUNCATED, "It ends early.", 700)
    for event in log_of([*PAYLOADS[:3], failed]):
        await house.recorder.record([event])
    recorded = await house.transcriptions.get("s")
    assert recorded.status is Status.FAILED
    assert recorded.error is not None
    assert recorded.error.reason is Reason.AUDIO_TRUNCATED
    assert list((await house.recorded()).notes) == ["n1"]


@pytest.mark.parametrize(
    ("over", "stream", "upload"),
    [
        (SessionEnded(EndReason.COMPLETED, 9), Status.COMPLETED, Status.COMPLETED),
        (SessionEnded(EndReason.CANCELLED, 9), Status.CANCELLED, Status.PENDING),
        (SessionEnded(EndReason.DRAINED, 9), Status.COMPLETED, Status.PENDING),
        (SessionFailed(Reason.SERVER_DRAINING, "Stopping.", 9), Status.FAILED, Status.PENDING),
        (SessionFailed(Reason.AUDIO_UNREADABLE, "Text.", 9), Status.FAILED, Status.FAILED),
    ],
)
async def test_an_upload_whose_session_was_cut_short_is_not_over(
    house: House, over: SessionEnded | SessionFailed, stream: Status, upload: Status
) -> None:
    await house.transcriptions.create_upload(CONFIG, StoredAudio("a.wav", 1, "0"), "")
    for event in log_of([PAYLOADS[0], over]):
        await house.recorder.record([event])
    assert (await house.transcriptions.get("s")).status is upload
    other = SessionConfig(CONFIG.audio, session_id="t")
    for event in log_of([SessionStarted(other, MODELS, 5), over], "t"):
        await house.recorder.record([event])
    assert (await house.transcriptions.get("t")).status is stream


async def test_a_job_begun_again_starts_from_nothing(house: House) -> None:
    await house.transcriptions.create_upload(CONFIG, StoredAudio("a.wav", 1, "0"), "")
    for event in log_of([*PAYLOADS[:7], SessionEnded(EndReason.CANCELLED, 9)]):
        await house.recorder.record([event])
    await house.transcriptions.start_over("s")
    assert (await house.recorded()).notes == {}
    for event in LOG:
        await house.recorder.record([event])
    assert durable_part(await house.recorded()) == durable_part(fold(LOG))
