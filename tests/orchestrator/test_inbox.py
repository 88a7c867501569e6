from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput, Overloaded, Reason
from orchestrator.inbox import MOST_BYTES, MOST_CHUNKS, Inbox, OneByOne
from orchestrator.intake import Listener

pytestmark = pytest.mark.anyio

FAULT = InvalidInput(Reason.CONFIG_DUPLICATE, "twice")


class Taker:
    """Takes from an inbox in a task of its own."""

    def __init__(self, inbox: Inbox, group: TaskGroup, wanted: int) -> None:
        self.taken: list[bytes] | None = None
        group.start_soon(self._take, inbox, wanted)

    async def _take(self, inbox: Inbox, wanted: int) -> None:
        self.taken = await inbox.take(wanted)


async def test_what_is_not_enough_wakes_nobody() -> None:
    inbox = Inbox()
    async with anyio.create_task_group() as group:
        taker = Taker(inbox, group, 100)
        for _ in range(3):
            await inbox.put(bytes(30))
            await anyio.wait_all_tasks_blocked()
            assert taker.taken is None
        await inbox.put(bytes(10))
        await anyio.wait_all_tasks_blocked()
        assert taker.taken == [bytes(30)] * 3 + [bytes(10)]


async def test_a_full_inbox_gives_what_it_has() -> None:
    inbox = Inbox()
    chunk = bytes(MOST_BYTES // MOST_CHUNKS)
    async with anyio.create_task_group() as group:
        taker = Taker(inbox, group, 10 * MOST_BYTES)
        for _ in range(MOST_CHUNKS):
            await inbox.put(chunk)
        await anyio.wait_all_tasks_blocked()
        assert taker.taken == [chunk] * MOST_CHUNKS


async def test_who_sends_waits_for_room_and_for_no_longer_than_anybody_takes() -> None:
    inbox = Inbox()
    sent: list[bool] = []

    async def send() -> None:
        while True:
            sent.append(await inbox.put(bytes(MOST_BYTES)))
            if not sent[-1]:
                return

    async with anyio.create_task_group() as group:
        group.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        assert sent == [True] * MOST_CHUNKS
        assert len(await inbox.take(1)) == MOST_CHUNKS
        await anyio.wait_all_tasks_blocked()
        assert sent == [True] * 2 * MOST_CHUNKS
        inbox.abandon()
    assert sent[-1] is False


async def test_a_fault_comes_after_what_came_before_it() -> None:
    inbox = Inbox()
    await inbox.put(b"good")
    await inbox.put(FAULT)
    assert await inbox.take(100) == [b"good"]
    with pytest.raises(InvalidInput) as caught:
        await inbox.take(100)
    assert caught.value is FAULT


async def test_the_end_gives_the_rest_and_then_nothing() -> None:
    inbox = Inbox()
    await inbox.put(b"rest")
    inbox.close()
    assert not inbox.is_over
    assert await inbox.take(100) == [b"rest"]
    assert inbox.is_over
    assert await inbox.take(100) == []
    assert await inbox.put(b"late") is False


async def test_a_trickle_is_passed_on_when_the_wait_is_over_and_silence_is_told() -> None:
    inbox = Inbox()
    listener = Listener(inbox, idle_timeout_s=0.05, total_timeout_s=60.0)
    await inbox.put(b"ab")
    assert await listener.next(wanted=1000) == [b"ab"]
    with pytest.raises(Overloaded) as caught:
        await listener.next(wanted=1000)
    assert caught.value.reason is Reason.STREAM_IDLE


@given(
    sizes=st.lists(st.integers(0, 400), max_size=40),
    wanted=st.lists(st.integers(-5, 900), min_size=1, max_size=8),
)
def test_nothing_is_lost_doubled_or_reordered(sizes: list[int], wanted: list[int]) -> None:
    chunks = [bytes([index % 251]) * size for index, size in enumerate(sizes)]

    async def run() -> bytes:
        inbox = Inbox()
        taken: list[bytes] = []

        async def send() -> None:
            for chunk in chunks:
                assert await inbox.put(chunk)
                await checkpoint()
            inbox.close()

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            turn = 0
            while not inbox.is_over:
                taken += await inbox.take(wanted[turn % len(wanted)])
                turn += 1
        assert all(taken)
        return b"".join(taken)

    assert anyio.run(run) == b"".join(chunks)


async def test_chunks_of_others_come_one_by_one_without_the_empty_ones() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"", b"a", b"", b"", b"bc"):
            yield chunk

    source = OneByOne(chunks())
    assert await source.take(100) == [b"a"]
    assert await source.take(100) == [b"bc"]
    assert not source.is_over
    assert await source.take(100) == []
    assert source.is_over
