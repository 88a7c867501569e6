"""Following a session's log: late, in the middle, over crashes; nothing missing and nothing doubled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.connection import Bus
from bus.messages import EventMissed, Place
from bus.ordered import skip_known
from bus.session_log import SessionLogWriter, follow, read_end, read_rest, read_state
from music.errors import NotFound, Reason
from music.events import Payload, SessionEvent, SnapshotTaken, UnknownEvent
from music.note import NoteState
from music.session_state import fold
from tests.bus.events import ENDED, STARTED, Chain, note, progress
from tests.bus.test_writing import expired, write
from tests.support.nats import NatsServer
from wire.subjects import SESSIONS_STREAM, durable_subject

pytestmark = pytest.mark.anyio


async def collect(events: AsyncGenerator[SessionEvent, None]) -> list[SessionEvent]:
    async with aclosing(events):
        return [event async for event in events]


async def whole_session(bus: Bus, notes: int = 3) -> list[SessionEvent]:
    chain = Chain("s")
    payloads: list[Payload] = [
        STARTED,
        *(p for i in range(notes) for p in (note(i, NoteState.TENTATIVE), note(i))),
        ENDED,
    ]
    return await write(await SessionLogWriter.open(bus, "s"), *chain.take(*payloads))


async def test_the_whole_log_then_the_end(bus: Bus) -> None:
    events = await whole_session(bus)
    assert await collect(follow(bus, "s")) == events


async def test_more_than_one_batch(bus: Bus) -> None:
    events = await whole_session(bus, notes=300)
    assert await collect(follow(bus, "s")) == events


@pytest.mark.parametrize("after", range(9))
async def test_resuming_in_the_middle_misses_nothing_and_doubles_nothing(bus: Bus, after: int) -> None:
    events = await whole_session(bus)
    assert await collect(follow(bus, "s", after)) == [event for event in events if event.sequence > after]


async def test_a_live_follower_hears_each_event_as_it_is_written(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    await writer.append(chain.next(STARTED))
    with anyio.fail_after(5):
        async with aclosing(follow(bus, "s")) as events:
            await anext(events)
            for payload in (note(1, NoteState.TENTATIVE), progress(), note(1)):
                event = chain.next(payload)
                await writer.append(event)
                assert await anext(events) == event


async def test_a_late_reader_gets_the_snapshot_and_the_rest(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    before = await write(writer, *chain.take(STARTED, note(1), note(2, NoteState.TENTATIVE), note(2)))
    await writer.save_snapshot()
    rest = await write(writer, *chain.take(note(3, NoteState.TENTATIVE), note(3), ENDED))
    read = await collect(follow(bus, "s"))
    assert isinstance(read[0].payload, SnapshotTaken)
    assert read[0].sequence == 4
    assert read[1:] == rest
    assert fold(read).notes == fold(before + rest).notes
    assert await collect(follow(bus, "s", 5)) == rest[1:]
    assert (await read_state(bus, "s")).notes == fold(before + rest).notes


async def test_a_snapshot_that_a_superseded_writer_leaves_late_is_no_hole(bus: Bus) -> None:
    stale = await SessionLogWriter.open(bus, "s")
    await write(stale, *Chain("s").take(STARTED, note(1)))
    again = await SessionLogWriter.open(bus, "s")
    rest = await write(again, *Chain.after(again).take(STARTED, note(2), ENDED))
    await stale.save_snapshot()
    assert (await collect(follow(bus, "s")))[1:] == rest


async def test_a_snapshot_of_the_end_is_the_end(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    await write(writer, *chain.take(STARTED, note(1), ENDED))
    await writer.save_snapshot()
    assert [event.sequence for event in await collect(follow(bus, "s"))] == [3]
    assert await collect(follow(bus, "s", 3)) == []


async def test_what_only_a_newer_version_knows_is_handed_on_in_its_place(bus: Bus) -> None:
    later, passing = UnknownEvent(is_durable=True), UnknownEvent(is_durable=False)
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    events = await write(writer, *chain.take(STARTED, later, note(1), passing, later, ENDED))
    assert await collect(follow(bus, "s")) == events


async def test_expired_tentative_events_leave_no_hole(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s", tentative_ttl=timedelta(seconds=1))
    events = await write(writer, *chain.take(STARTED, note(1, NoteState.TENTATIVE), note(1), progress(), ENDED))
    await expired(bus, "s")
    assert await collect(follow(bus, "s")) == [events[0], events[2], events[4]]


async def test_an_unknown_session(bus: Bus) -> None:
    with pytest.raises(NotFound) as raised:
        await collect(follow(bus, "nobody"))
    assert raised.value.reason is Reason.SESSION_NOT_FOUND


async def test_waiting_for_a_session_to_begin(bus: Bus) -> None:
    read: list[SessionEvent] = []

    async def reader() -> None:
        read.extend(await collect(follow(bus, "s", wait=True)))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            events = await whole_session(bus)
    assert read == events


async def test_a_new_attempt_is_followed_through(bus: Bus) -> None:
    first = Chain("s")
    before = await write(await SessionLogWriter.open(bus, "s"), *first.take(STARTED, note(1, NoteState.TENTATIVE)))
    again = await SessionLogWriter.open(bus, "s")
    after = await write(again, *Chain.after(again).take(STARTED, note(1), ENDED))
    assert await collect(follow(bus, "s")) == before + after


async def test_a_superseded_writers_tentative_event_is_left_out(bus: Bus) -> None:
    stale, again = await SessionLogWriter.open(bus, "s"), await SessionLogWriter.open(bus, "s")
    chain = Chain("s")
    await write(stale, chain.next(STARTED))
    again = await SessionLogWriter.open(bus, "s")
    chain2 = Chain.after(again)
    await write(again, chain2.next(STARTED))
    chain.sequence = again.last_sequence + 5
    late = await write(stale, chain.next(progress()))
    await write(again, chain2.next(ENDED))
    assert late[0] not in await collect(follow(bus, "s"))


async def test_killed_and_restarted_in_the_middle(server: NatsServer, bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    events = await write(writer, *chain.take(STARTED, note(1)))
    read: list[SessionEvent] = []
    halfway = anyio.Event()

    async def reader() -> None:
        async with aclosing(follow(bus, "s")) as followed:
            async for event in followed:
                read.append(event)
                if event.sequence == 2:
                    halfway.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await halfway.wait()
            await server.restart()
            events += await write(writer, *chain.take(progress(), note(2), ENDED))
    assert read == events


async def test_leaving_early_leaves_no_consumer_behind(bus: Bus) -> None:
    await whole_session(bus)
    async with aclosing(follow(bus, "s")) as events:
        await anext(events)
        assert len(await bus.jetstream.consumers_info(SESSIONS_STREAM)) == 1
    with anyio.move_on_after(0.2):
        await collect(follow(bus, "later", wait=True))
    assert await bus.jetstream.consumers_info(SESSIONS_STREAM) == []


async def test_a_log_with_a_hole_is_not_passed_off_as_whole(bus: Bus) -> None:
    await whole_session(bus)
    first = await bus.jetstream.get_msg(SESSIONS_STREAM, seq=1, subject=durable_subject("s"), next=True)
    assert first.seq is not None
    await bus.jetstream.delete_msg(SESSIONS_STREAM, first.seq)
    for read in (collect(follow(bus, "s")), read_state(bus, "s")):
        with pytest.raises(NotFound):
            await read


async def test_a_hole_that_a_snapshot_covers_is_mended(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    before = await write(writer, *chain.take(STARTED, note(1), note(2)))
    async with aclosing(follow(bus, "s")) as followed:
        assert await anext(followed) == before[0]
        await writer.save_snapshot()
        rest = await write(writer, chain.next(ENDED))
        read = [event async for event in followed]
    assert read == before[1:] + rest

    place = Place(sequence=1, durable_sequence=1, stream_sequence=1, attempt=1)
    with pytest.raises(EventMissed):
        place.admit(before[2], 3)
    assert place.stand_on(fold(before).snapshot(), 3)
    assert place.admit(rest[0], 4)


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 9))
def test_a_place_hands_on_each_event_at_most_once_and_no_durable_one_out_of_turn(order: list[int], after: int) -> None:
    chain = Chain("s")
    log = [chain.next(STARTED), *(chain.next(note(i) if i % 2 else progress()) for i in range(8)), chain.next(ENDED)]
    place, read = Place(sequence=after), []
    for index in order:
        try:
            if place.admit(log[index], index + 1):
                read.append(log[index].sequence)
        except EventMissed:
            continue
    assert read == sorted(set(read))
    assert all(sequence > after for sequence in read)


async def test_wherever_a_reader_resumes_it_gets_what_is_missing(bus: Bus) -> None:
    ours, theirs = Chain("s"), Chain("t")
    writer, other = await SessionLogWriter.open(bus, "s"), await SessionLogWriter.open(bus, "t")
    events = await write(writer, ours.next(STARTED))
    await write(other, theirs.next(STARTED))
    for number in range(6):
        events += await write(writer, *ours.take(note(number, NoteState.TENTATIVE), note(number), progress()))
        await write(other, *theirs.take(note(number), progress()))
    again = await SessionLogWriter.open(bus, "s")
    events += await write(again, *Chain.after(again).take(STARTED, note(7, NoteState.TENTATIVE), note(7), ENDED))
    for after in range(events[-1].sequence + 2):
        missing = [event for event in events if event.sequence > after]
        assert await collect(follow(bus, "s", after)) == missing
        assert await collect(read_rest(bus, "s", after)) == missing


async def test_what_a_resuming_reader_has_is_not_read_again(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    events = await write(writer, *chain.take(STARTED, *(note(number) for number in range(40)), progress(), progress()))
    for after in (17, 30, len(events) - 1, len(events), 10**6):
        place = Place(sequence=after)
        await skip_known(bus, "s", place)
        assert place.stream_sequence == min(after, 41) - 1
        assert place.durable_sequence == min(after, 41) - 1


async def test_how_a_session_ended_is_read_from_its_last_event(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    assert await read_end(bus, "s") is None
    await write(writer, *chain.take(STARTED, note(1)))
    assert await read_end(bus, "s") is None
    await write(writer, *chain.take(ENDED))
    assert await read_end(bus, "s") == ENDED
