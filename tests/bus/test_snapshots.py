"""What a writer leaves for late readers: true, as large as a message may be, and no dearer the longer it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from bus.connection import Bus
from bus.messages import from_bytes
from bus.session_log import SessionLogWriter, follow, read_state
from bus.snapshots import SnapshotDraft, load_snapshot
from music.events import NoteRevised, SessionEvent, SnapshotTaken, snapshot_event
from music.note import NoteState
from music.session_state import by_onset, fold
from tests.bus.events import ENDED, STARTED, Chain, note
from tests.bus.test_following import collect
from tests.bus.test_writing import write
from tests.music.test_session_state import logs

NOTES = 20_000
LIMIT_BYTES = 1 << 20


def fat(number: int, state: NoteState = NoteState.ENDED) -> NoteRevised:
    """A note of ten kilobytes, so that a few of them fill a message."""
    return NoteRevised(replace(note(number, state).note, flags=("x" * 10_000,)))


def in_order(data: bytes | None) -> SnapshotTaken:
    snapshot = from_bytes(data).payload
    assert isinstance(snapshot, SnapshotTaken)
    return replace(snapshot, notes=tuple(sorted(snapshot.notes, key=by_onset)))


@given(log=logs())
def test_a_draft_holds_what_the_log_says(log: list[SessionEvent]) -> None:
    draft = SnapshotDraft("s", LIMIT_BYTES)
    for at, event in enumerate(log):
        draft.add(event)
        assert in_order(draft.to_bytes()) == fold(log[: at + 1]).snapshot()


@given(log=logs())
def test_a_new_writers_draft_goes_on_from_what_was_read(log: list[SessionEvent]) -> None:
    half = len(log) // 2
    draft = SnapshotDraft("s", LIMIT_BYTES)
    draft.add(snapshot_event("s", fold(log[:half]).snapshot()))
    for event in log[half:]:
        draft.add(event)
    assert in_order(draft.to_bytes()).notes == fold(log).snapshot().notes


def test_a_long_session_costs_its_writer_no_more_than_a_message() -> None:
    draft, chain = SnapshotDraft("s", LIMIT_BYTES), Chain("s")
    draft.add(chain.next(STARTED))
    fitted = 0
    for number in range(NOTES):
        draft.add(chain.next(note(number)))
        draft.add(chain.next(note(number, NoteState.ENDED)))
        assert draft.size_bytes <= LIMIT_BYTES
        if number % 1_000 == 0 and (data := draft.to_bytes()) is not None:
            fitted = number
            assert len(data) <= LIMIT_BYTES
    assert fitted > 5_000, "an hour of music fits"
    assert draft.to_bytes() is None
    assert draft.size_bytes == 0


@pytest.mark.anyio
async def test_the_largest_snapshot_is_kept_and_read(bus: Bus) -> None:
    writer, chain = await SessionLogWriter.open(bus, "s"), Chain("s")
    events = await write(writer, *chain.take(STARTED, *(fat(number) for number in range(98))))
    kept = 0
    for number in range(98, 110):
        events += await write(writer, chain.next(fat(number)))
        await writer.save_snapshot()
        stored = await load_snapshot(bus, "s")
        assert stored is not None
        if stored.event.sequence == events[-1].sequence:
            kept = number
            assert stored.snapshot == fold(events).snapshot()
    assert kept in range(100, 105), "a mebibyte, and no more"
    assert bus.is_connected


@pytest.mark.anyio
async def test_who_comes_late_to_a_session_too_long_for_a_snapshot_reads_all_of_it(bus: Bus) -> None:
    writer, chain = await SessionLogWriter.open(bus, "s"), Chain("s")
    events = await write(writer, *chain.take(STARTED, fat(0)))
    await writer.save_snapshot()
    events += await write(writer, *(chain.next(fat(number)) for number in range(1, 120)))
    await writer.save_snapshot()
    whole = fold(events)
    read = await collect_some(bus, len(events) - 1)
    assert [event.sequence for event in read] == list(range(2, len(events) + 1))
    assert fold(read).snapshot() == whole.snapshot()
    assert (await read_state(bus, "s")).snapshot() == whole.snapshot()

    again = await SessionLogWriter.open(bus, "s")
    assert again.state.snapshot() == whole.snapshot()
    after = await write(again, *Chain.after(again).take(STARTED, fat(120), ENDED))
    await again.save_snapshot()
    assert fold(await collect(follow(bus, "s"))).snapshot() == fold([*events, *after]).snapshot()


async def collect_some(bus: Bus, number: int) -> list[SessionEvent]:
    read: list[SessionEvent] = []
    followed = follow(bus, "s")
    async for event in followed:
        read.append(event)
        if len(read) == number:
            break
    await followed.aclose()
    return read
