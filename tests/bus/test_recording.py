"""The recorder hears every durable event once it is handled, in order, whatever fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest

from bus.connection import Bus
from bus.messages import message_id
from bus.recording import consume_durable
from bus.session_log import SessionLogWriter
from music.events import Payload, SessionEvent
from music.note import NoteState
from tests.bus.events import ENDED, STARTED, Chain, note, progress
from tests.bus.test_writing import write
from tests.support.nats import NatsServer
from wire.subjects import durable_subject

pytestmark = pytest.mark.anyio


class Recorder:
    """A handler that fails when told to and ends the consumption with the last event it was told to expect.

    Attributes:
        tried: the sequences of each call.
        done: all events of the calls that did not fail.
    """

    def __init__(self, last: SessionEvent, failures: dict[int, int] | None = None) -> None:
        self.tried: list[list[int]] = []
        self.done: list[SessionEvent] = []
        self.finished = anyio.Event()
        self._last = last
        self._failures = failures or {}

    async def __call__(self, events: Sequence[SessionEvent]) -> None:
        self.tried.append([event.sequence for event in events])
        for event in events:
            if self._failures.get(event.sequence, 0):
                self._failures[event.sequence] -= 1
                raise OSError("the disk is full")
        self.done += events
        if self._last in events:
            self.finished.set()


async def record(
    bus: Bus,
    recorder: Recorder,
    meanwhile: Callable[[], Awaitable[object]] | None = None,
    gather_s: float = 0.1,
) -> None:
    async def consume() -> None:
        await consume_durable(bus, recorder, gather_s=gather_s, retry_first_s=0.05)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            if meanwhile is not None:
                await meanwhile()
            await recorder.finished.wait()
            group.cancel_scope.cancel()


async def session(bus: Bus, session_id: str = "s") -> list[SessionEvent]:
    """Written whole; returns the durable events."""
    chain = Chain(session_id)
    payloads: list[Payload] = [STARTED, progress(), note(1, NoteState.TENTATIVE), note(1), note(2), ENDED]
    events = await write(await SessionLogWriter.open(bus, session_id), *chain.take(*payloads))
    return [events[0], *events[3:]]


async def test_durable_events_in_order(bus: Bus) -> None:
    events = await session(bus, "a") + await session(bus, "b")
    recorder = Recorder(events[-1])
    await record(bus, recorder)
    assert recorder.done == events


async def test_a_failed_event_comes_again_and_nothing_overtakes_it(bus: Bus) -> None:
    events = await session(bus)
    recorder = Recorder(events[-1], failures={4: 2})
    await record(bus, recorder, gather_s=0)
    assert [tried for tried in recorder.tried if 4 in tried] == [recorder.tried[1]] * 3
    assert recorder.done == events


async def test_what_comes_together_is_handed_over_together_up_to_an_end(bus: Bus) -> None:
    events = await session(bus, "a") + await session(bus, "b")
    recorder = Recorder(events[-1])
    await record(bus, recorder, gather_s=60)
    assert recorder.tried == [[1, 4, 5, 6]] * 2
    assert recorder.done == events


async def test_events_do_not_wait_for_others_for_longer_than_that(bus: Bus) -> None:
    events = (await session(bus))[:-1]
    recorder = Recorder(events[-1])
    other = Chain("c")
    await write(await SessionLogWriter.open(bus, "c"), other.next(STARTED))
    await record(bus, recorder, gather_s=0.2)
    assert recorder.done[: len(events)] == events


async def test_a_second_recorder_goes_on_where_the_first_stopped(bus: Bus) -> None:
    first = await session(bus, "a")
    await record(bus, Recorder(first[-1]))
    await bus.client.flush()
    second = await session(bus, "b")
    recorder = Recorder(second[-1])
    await record(bus, recorder)
    assert [event for event in recorder.done if event.session_id == "b"] == second


async def test_bytes_that_are_no_event_hold_nobody_up(bus: Bus) -> None:
    await bus.jetstream.publish(durable_subject("x"), b"\xff\xff")
    events = await session(bus)
    recorder = Recorder(events[-1])
    await record(bus, recorder)
    assert recorder.done == events


async def test_recording_goes_on_over_a_killed_server(server: NatsServer, bus: Bus) -> None:
    before = await session(bus, "a")
    after: list[SessionEvent] = []
    last = Chain("b", sequence=5, durable_sequence=5).next(ENDED)
    recorder = Recorder(last)

    async def crash() -> None:
        await server.restart()
        after.extend(await session(bus, "b"))

    await record(bus, recorder, crash)
    # The acknowledgement of one event may have died with the server: that one is handled twice.
    assert list(dict.fromkeys(message_id(event, "") for event in recorder.done)) == [
        message_id(event, "") for event in before + after
    ]


async def test_a_recorder_that_is_cancelled_hands_its_events_back_at_once(bus: Bus) -> None:
    events = await session(bus, "a") + await session(bus, "b")
    begun = anyio.Event()

    async def stuck(_events: Sequence[SessionEvent]) -> None:
        begun.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(consume_durable, bus, stuck)
        await begun.wait()
        group.cancel_scope.cancel()
    done: list[SessionEvent] = []
    all_are_done = anyio.Event()

    async def take(some: Sequence[SessionEvent]) -> None:
        done.extend(some)
        if len(done) >= len(events):
            all_are_done.set()

    # Well below the time after which the server takes a silent recorder for dead; in which order, it does not promise.
    with anyio.fail_after(2):
        async with anyio.create_task_group() as group:
            group.start_soon(consume_durable, bus, take)
            await all_are_done.wait()
            group.cancel_scope.cancel()
    assert sorted(done, key=lambda event: (event.session_id, event.sequence)) == events
