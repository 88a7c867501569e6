"""What a pen remembers: what sounds, and what it has still to tell again; never the session."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from music.events import (
    AudioEncoding,
    AudioFormat,
    NoteRevised,
    Payload,
    Progressed,
    SessionConfig,
    SessionEvent,
    SessionStarted,
)
from music.note import Note, NoteState
from music.session_state import fold
from orchestrator.publisher import SNAPSHOT_AFTER, EventSink, MemorySink, Publisher
from tests.orchestrator.fakes import KeptLog

pytestmark = pytest.mark.anyio

NOTES = 20_000
NOTE_SAMPLES = 3_000
SOUNDING = 6
STARTED = SessionStarted(SessionConfig(AudioFormat(AudioEncoding.PCM_S16LE, 22_050, 1), session_id="s"), (), 0)


class Nowhere(MemorySink):
    """A log that is stored elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.durable = 0
        self.snapshots: list[int] = []

    async def append(self, event: SessionEvent) -> None:
        self.last_sequence = event.sequence
        self.durable += event.previous_durable_sequence > 0

    async def save_snapshot(self) -> None:
        self.snapshots.append(self.durable)


def publisher(sink: EventSink) -> Publisher:
    async def deliver(_event: SessionEvent) -> None:
        pass

    return Publisher("s", sink, deliver, lambda: 0)


def note(number: int, state: NoteState) -> NoteRevised:
    end = (number + 1) * NOTE_SAMPLES if state is NoteState.ENDED else None
    return NoteRevised(Note(f"n{number}", state, number * NOTE_SAMPLES, 40 + number % 40, end))


def playing(notes: int) -> Iterator[tuple[Payload, int]]:
    """What is told, and the watermark: each note rings on over the next few."""
    for number in range(notes + SOUNDING):
        at = number * NOTE_SAMPLES
        if number < notes:
            yield note(number, NoteState.TENTATIVE), at
            yield note(number, NoteState.COMMITTED), at
        if number >= SOUNDING:
            yield note(number - SOUNDING, NoteState.ENDED), at
        yield Progressed(at + NOTE_SAMPLES), at + 1


async def tell(pen: Publisher, told: Sequence[tuple[Payload, int]]) -> None:
    for payload, watermark in told:
        await pen.publish(payload, watermark)


def living_notes() -> int:
    gc.collect()
    return sum(type(thing) is Note for thing in gc.get_objects())


async def test_however_many_notes_it_writes_it_keeps_none_that_has_ended() -> None:
    pen = publisher(Nowhere())
    await pen.publish(STARTED, 0)
    before = living_notes()
    for payload, watermark in playing(NOTES):
        await pen.publish(payload, watermark)
    del payload
    assert living_notes() - before <= SOUNDING


async def test_snapshots_are_as_many_as_the_sessions_doublings() -> None:
    sink = Nowhere()
    pen = publisher(sink)
    await pen.publish(STARTED, 0)
    for payload, watermark in playing(NOTES):
        await pen.publish(payload, watermark)
    assert sink.snapshots[0] == pytest.approx(SNAPSHOT_AFTER, abs=2)
    assert all(next_one / one < 2.1 for one, next_one in pairwise(sink.snapshots)), "a late reader has little to read"
    assert sum(sink.snapshots) < 4 * 2 * NOTES, "and all together they cost as much as a few at the end"


async def test_what_has_been_told_again_is_forgotten() -> None:
    whole = list(playing(2_000))
    first = KeptLog()
    await tell(publisher(first), [(STARTED, 0), *whole[:5_000]])
    again = KeptLog(first.events)
    pen = publisher(again)
    assert len(pen.held.notes) > 1_000
    await pen.publish(STARTED, 0)
    await pen.retract_leftovers()
    await tell(pen, whole)
    assert not pen.held.notes
    straight = KeptLog()
    await tell(publisher(straight), [(STARTED, 0), *whole])
    assert fold(again.events).notes == fold(straight.events).notes
    settled = [event.payload.note for event in again.events if isinstance(event.payload, NoteRevised)]
    ends = [told.id for told in settled if told.state is NoteState.ENDED]
    assert len(ends) == len(set(ends)), "and told once"
