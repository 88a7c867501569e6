"""Slow readers lose what may expire, nothing else, and never the order."""

from __future__ import annotations

import json

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.errors import Overloaded, Reason
from music.events import NoteRevised, Payload, Progressed, SessionEvent, is_durable
from music.note import Note, NoteState
from web_edge.frames import EventFrame
from web_edge.outbox import Outbox

pytestmark = pytest.mark.anyio


def event(sequence: int, payload: Payload) -> EventFrame:
    return EventFrame(SessionEvent("s", sequence, 1, 0, 0, 0, payload))


def tentative(note: int) -> Payload:
    return NoteRevised(Note(f"n{note}", NoteState.TENTATIVE, 0, 60))


def committed(note: int) -> Payload:
    return NoteRevised(Note(f"n{note}", NoteState.COMMITTED, 0, 60))


async def sequences(outbox: Outbox) -> list[int]:
    return [json.loads(await outbox.get())["sequence"] for _ in range(len(outbox))]


payloads = st.one_of(
    st.integers(0, 5).map(tentative), st.integers(0, 5).map(committed), st.integers(0, 9).map(Progressed)
)


@given(history=st.lists(payloads, max_size=60), room=st.integers(1, 30))
@settings(deadline=None)
async def test_order_is_kept_and_durable_frames_are_all_there(history: list[Payload], room: int) -> None:
    events = [event(sequence, payload) for sequence, payload in enumerate(history, start=1)]
    outbox = Outbox(max_frames=room, max_bytes=1 << 20, patience_s=5)
    seen: list[int] = []

    async def read() -> None:
        while True:
            seen.append(json.loads(await outbox.get())["sequence"])

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for each in events:
            await outbox.put_event(each)
        await outbox.drained()
        group.cancel_scope.cancel()
    assert seen == sorted(set(seen))
    assert {each.event.sequence for each in events if is_durable(each.event.payload)} <= set(seen)
    assert len(seen) + outbox.coalesced == len(events)


async def test_a_newer_word_about_a_note_replaces_the_one_that_waits() -> None:
    outbox = Outbox(100, 1 << 20, 1)
    history = [tentative(1), Progressed(1), tentative(2), tentative(1), Progressed(2), committed(2)]
    for sequence, payload in enumerate(history, start=1):
        await outbox.put_event(event(sequence, payload))
    assert await sequences(outbox) == [4, 5, 6]
    assert outbox.coalesced == 3


async def test_durable_frames_take_the_room_of_those_that_may_expire() -> None:
    outbox = Outbox(2, 1 << 20, 1)
    for sequence, payload in enumerate([tentative(1), tentative(2), committed(3), committed(4)], start=1):
        await outbox.put_event(event(sequence, payload))
    await outbox.put_event(event(5, tentative(5)))
    assert await sequences(outbox) == [3, 4]
    assert outbox.coalesced == 3


async def test_a_durable_frame_waits_for_the_reader() -> None:
    outbox = Outbox(1, 1 << 20, 5)
    await outbox.put_event(event(1, committed(1)))
    async with anyio.create_task_group() as group:
        group.start_soon(outbox.put_event, event(2, committed(2)))
        await anyio.wait_all_tasks_blocked()
        assert await sequences(outbox) == [1]
        assert json.loads(await outbox.get())["sequence"] == 2


async def test_a_reader_that_does_not_read_is_too_slow() -> None:
    outbox = Outbox(100, 200, patience_s=0.02)
    await outbox.put_event(event(1, committed(1)))
    with pytest.raises(Overloaded) as caught:
        await outbox.put_event(event(2, committed(2)))
    assert caught.value.reason is Reason.READER_TOO_SLOW


async def test_a_reader_that_has_gone_holds_nobody_up() -> None:
    outbox = Outbox(1, 1, patience_s=60)
    outbox.close()
    with anyio.fail_after(1):
        for sequence in range(1, 5):
            await outbox.put_event(event(sequence, committed(sequence)))
    assert len(outbox) == 0


async def test_one_sign_of_life_waits_at_most() -> None:
    outbox = Outbox(10, 1 << 20, 1)
    outbox.put_heartbeat("a")
    outbox.put_heartbeat("b")
    assert len(outbox) == 1
