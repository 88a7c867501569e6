"""Writing a session's log: order, fencing, new attempts, lost acknowledgements. Every test on a real server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import anyio
import nats.errors
import pytest
from nats.js.api import PubAck

from bus.connection import Bus
from bus.session_log import SessionLogWriter, delete_session, read_state
from music.errors import Conflict, InvalidInput, NotFound, Reason, Unavailable
from music.events import Payload, SessionEvent
from music.note import NoteState
from music.session_state import fold
from tests.bus.events import ENDED, STARTED, Chain, note, progress
from tests.support.nats import NatsServer
from wire.subjects import SESSIONS_STREAM, tentative_subject

pytestmark = pytest.mark.anyio


async def write(writer: SessionLogWriter, *events: SessionEvent) -> list[SessionEvent]:
    for event in events:
        await writer.append(event)
    return list(events)


async def stored(bus: Bus) -> int:
    return int((await bus.jetstream.stream_info(SESSIONS_STREAM)).state.messages)


async def test_what_is_written_is_read(bus: Bus) -> None:
    writer = await SessionLogWriter.open(bus, "s")
    assert (writer.attempt, writer.last_sequence, writer.last_durable_sequence) == (1, 0, 0)
    chain = Chain("s")
    events = await write(
        writer,
        *chain.take(STARTED, note(1, NoteState.TENTATIVE), progress(), note(1), note(1, NoteState.ENDED), ENDED),
    )
    assert (writer.last_sequence, writer.last_durable_sequence) == (6, 6)
    state = await read_state(bus, "s")
    assert vars(state) == vars(fold(events))


async def test_sessions_do_not_mix(bus: Bus) -> None:
    for session_id in ("a", "b"):
        chain = Chain(session_id)
        await write(await SessionLogWriter.open(bus, session_id), chain.next(STARTED), chain.next(note(1)))
    assert (await read_state(bus, "a")).session_id == "a"


@pytest.mark.parametrize("session_id", ["*", ">", "a.b", "", "a b", "x" * 65, "a\r\nPUB b"])
async def test_an_id_that_would_reach_other_sessions_is_refused(bus: Bus, session_id: str) -> None:
    with pytest.raises(InvalidInput):
        await SessionLogWriter.open(bus, session_id)
    with pytest.raises(InvalidInput):
        await read_state(bus, session_id)
    with pytest.raises(InvalidInput):
        await delete_session(bus, session_id)


async def test_a_session_that_is_over_takes_no_new_attempt(bus: Bus) -> None:
    chain = Chain("s")
    await write(await SessionLogWriter.open(bus, "s"), chain.next(STARTED), chain.next(ENDED))
    with pytest.raises(Conflict) as raised:
        await SessionLogWriter.open(bus, "s")
    assert raised.value.reason is Reason.SESSION_EXISTS


async def test_a_new_attempt_continues_above_the_tentative_tail(bus: Bus) -> None:
    chain = Chain("s")
    await write(
        await SessionLogWriter.open(bus, "s"),
        chain.next(STARTED),
        chain.next(note(1)),
        chain.next(note(2, NoteState.TENTATIVE)),
    )
    again = await SessionLogWriter.open(bus, "s")
    assert (again.attempt, again.last_sequence, again.last_durable_sequence) == (2, 3, 2)
    assert set(again.state.notes) == {"n1", "n2"}
    await write(again, Chain.after(again).next(STARTED))
    assert (await read_state(bus, "s")).attempt == 2


async def test_a_new_attempt_skips_when_the_tentative_tail_has_expired(bus: Bus) -> None:
    chain = Chain("s")
    first = await SessionLogWriter.open(bus, "s", tentative_ttl=timedelta(seconds=1))
    await write(first, chain.next(STARTED), chain.next(progress()), chain.next(progress()))
    await expired(bus, "s")
    again = await SessionLogWriter.open(bus, "s")
    assert again.last_sequence > 3
    assert again.last_durable_sequence == 1
    await write(again, Chain.after(again).next(STARTED))
    assert set((await read_state(bus, "s")).notes) == set()


async def test_a_writer_that_was_overtaken_is_refused(bus: Bus) -> None:
    chain = Chain("s")
    stale = await SessionLogWriter.open(bus, "s")
    await write(stale, chain.next(STARTED))
    newer = await SessionLogWriter.open(bus, "s")
    await write(newer, Chain.after(newer).next(STARTED))
    with pytest.raises(Conflict) as raised:
        await stale.append(chain.next(note(1)))
    assert raised.value.reason is Reason.SESSION_SUPERSEDED
    assert not (await read_state(bus, "s")).notes


async def test_two_first_writers_do_not_both_begin(bus: Bus) -> None:
    one, other = await SessionLogWriter.open(bus, "s"), await SessionLogWriter.open(bus, "s")
    await write(one, Chain("s").next(STARTED))
    with pytest.raises(Conflict):
        await other.append(Chain("s").next(replace(STARTED, started_at_ns=2_000)))


async def test_an_event_out_of_order_is_a_mistake_of_the_caller(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    event = chain.next(STARTED)
    await writer.append(event)
    with pytest.raises(ValueError, match="after 1/1"):
        await writer.append(event)


class LostAcknowledgements:
    """Stands before the server's `publish`: lets every message through and loses the first answers to it."""

    def __init__(self, bus: Bus, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
        self.calls = 0
        self._lost = lost
        self._publish = bus.jetstream.publish
        monkeypatch.setattr(bus.jetstream, "publish", self)

    async def __call__(
        self, subject: str, payload: bytes, *, headers: dict[str, str], msg_ttl: float | None = None
    ) -> PubAck:
        self.calls += 1
        ack = await self._publish(subject, payload, headers=headers, msg_ttl=msg_ttl)
        if self.calls <= self._lost:
            raise nats.errors.TimeoutError
        return ack


@pytest.mark.parametrize("payload", [STARTED, progress()])
async def test_a_lost_acknowledgement_does_not_double_an_event(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, payload: Payload
) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    losing = LostAcknowledgements(bus, monkeypatch, lost=2)
    await write(writer, chain.next(payload), chain.next(note(1)))
    assert losing.calls > 2
    assert await stored(bus) == 2


async def test_an_append_that_was_cancelled_is_settled_by_the_next(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    await writer.append(chain.next(STARTED))
    publish, reached = bus.jetstream.publish, anyio.Event()

    async def stuck(subject: str, payload: bytes, *, headers: dict[str, str], msg_ttl: float | None = None) -> PubAck:
        await publish(subject, payload, headers=headers)
        reached.set()
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(bus.jetstream, "publish", stuck)
    async with anyio.create_task_group() as group:
        group.start_soon(writer.append, chain.next(note(1)))
        await reached.wait()
        group.cancel_scope.cancel()
    monkeypatch.undo()
    assert (writer.last_sequence, writer.last_durable_sequence) == (2, 2)
    await writer.append(chain.next(ENDED))
    state = await read_state(bus, "s")
    assert set(state.notes) == {"n1"}
    assert state.is_over


async def test_writing_goes_on_over_a_killed_server(server: NatsServer, bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    await writer.append(chain.next(STARTED))
    await server.kill()
    async with anyio.create_task_group() as group:
        group.start_soon(write, writer, chain.next(note(1)), chain.next(progress()), chain.next(ENDED))
        await server.start()
    assert (await read_state(bus, "s")).is_over
    assert await stored(bus) == 4


async def test_a_deleted_id_can_be_written_again(bus: Bus) -> None:
    for _ in range(2):
        await write(await SessionLogWriter.open(bus, "s"), Chain("s").next(STARTED))
        assert (await read_state(bus, "s")).started == STARTED
        await delete_session(bus, "s")


async def test_a_bus_that_stays_away_is_reported(server: NatsServer, bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s", timeout_s=0.3)
    await server.kill()
    with pytest.raises(Unavailable) as raised:
        await writer.append(chain.next(STARTED))
    assert raised.value.reason is Reason.BUS_UNAVAILABLE
    assert server.url in raised.value.message


async def test_a_deleted_session_is_gone_and_its_writer_fenced(bus: Bus) -> None:
    chain = Chain("s")
    writer = await SessionLogWriter.open(bus, "s")
    await write(writer, chain.next(STARTED), chain.next(note(1)), chain.next(progress()))
    await writer.save_snapshot()
    await delete_session(bus, "s")
    await delete_session(bus, "s")
    with pytest.raises(NotFound):
        await read_state(bus, "s")
    with pytest.raises(Conflict):
        await writer.append(chain.next(ENDED))
    assert (await SessionLogWriter.open(bus, "s")).attempt == 1


async def expired(bus: Bus, session_id: str) -> None:
    """Wait until the server has let the session's tentative events go."""
    subject = tentative_subject(session_id)
    with anyio.fail_after(10):
        while True:
            info = await bus.jetstream.stream_info(SESSIONS_STREAM, subjects_filter=subject)
            if not info.state.subjects:
                return
            await anyio.sleep(0.05)
