"""WebSockets behind the gate: tickets, origins, and other people's sessions."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from bus.connection import Bus
from bus.session_log import read_end
from music.errors import Reason
from tests.web_edge.accounts.conftest import PASSWORD, Person, Town
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.accounts.tickets import Tickets
from web_edge.accounts.users import Users
from web_edge.database import Database
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("account_settings", ["sqlite", "postgresql"], indirect=True)

LIVE = {"encoding": "pcm_s16le", "sample_rate_hz": 44_100, "channel_count": 1}


async def ticket(who: Person) -> list[Subprotocol]:
    answer = await who.http.post("/api/tickets")
    assert answer.status_code == 201
    return [Subprotocol(protocol) for protocol in answer.json()["protocols"]]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """How the server closes it, which says nothing before."""
    with pytest.raises(ConnectionClosed) as caught:
        await wait_for_nothing(socket)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


async def wait_for_nothing(socket: ClientConnection) -> None:
    with anyio.fail_after(WAIT_S):
        said = await socket.recv()
    raise AssertionError(f"something leaked: {said!r}")


async def frames(socket: ClientConnection) -> list[dict[str, Any]]:
    """Everything until a session's end, or until it is refused."""
    heard: list[dict[str, Any]] = []
    with anyio.fail_after(WAIT_S):
        async for text in socket:
            heard.append(json.loads(text))
            if heard[-1]["type"] in ("snapshot", "job:complete", "job:error", "error"):
                break
    return heard


@BOTH
async def test_a_ticket_opens_one_socket_once(town: Town) -> None:
    async with town.person("alice") as alice:
        session = await town.upload(alice)
        protocols = await ticket(alice)
        async with connect(town.edge.ws + "/ws", subprotocols=protocols) as socket:
            # Answered with our protocol, never with the ticket.
            assert socket.subprotocol == "genesis.v1"
            await socket.send(json.dumps({"type": "subscribe:job", "id": session}))
            assert (await frames(socket))[-1]["type"] == "snapshot"
        for path in ("/ws", "/ws/live"):
            async with connect(town.edge.ws + path, subprotocols=protocols) as socket:
                assert await closed(socket) == (1008, "TOKEN_INVALID")


@pytest.mark.parametrize("path", ["/ws", "/ws/live"])
@pytest.mark.parametrize(
    ("protocols", "reason"),
    [
        (None, "CREDENTIALS_MISSING"),
        (["genesis.v1"], "CREDENTIALS_MISSING"),
        (["genesis.v1", "ticket."], "TOKEN_INVALID"),
        (["genesis.v1", "ticket.guess"], "TOKEN_INVALID"),
        (["ticket.a", "ticket.b"], "CREDENTIALS_MISSING"),
    ],
)
async def test_without_a_good_ticket_nothing_opens(
    town: Town, path: str, protocols: list[str] | None, reason: str
) -> None:
    offered = None if protocols is None else [Subprotocol(name) for name in protocols]
    async with connect(town.edge.ws + path, subprotocols=offered) as socket:
        assert await closed(socket) == (1008, reason)


async def test_old_tickets_and_those_of_disabled_accounts_do_not_count(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town.person("alice") as alice:
        monkeypatch.setattr("web_edge.accounts.tickets.LIFETIME_S", -1)
        old = await ticket(alice)
        monkeypatch.undo()
        fresh = await ticket(alice)
        async with connect(town.edge.ws + "/ws", subprotocols=old) as socket:
            assert await closed(socket) == (1008, "TOKEN_INVALID")
        accounts = Database.open(town.edge.settings.database)
        async with accounts as database:
            await Users(database).set_disabled(alice.id, disabled=True, tokens_from_s=0)
        async with connect(town.edge.ws + "/ws", subprotocols=fresh) as socket:
            assert await closed(socket) == (1008, "TOKEN_INVALID")


@BOTH
async def test_the_open_sockets_of_whom_is_shut_out_are_closed(town: Town, bus: Bus) -> None:
    async with (
        town.person("alice") as alice,
        town.person("bob") as bob,
        town.person("carol") as carol,
        connect(town.edge.ws + "/ws", subprotocols=await ticket(alice)) as following,
        connect(town.edge.ws + "/ws/live", subprotocols=await ticket(alice)) as live,
        connect(town.edge.ws + "/ws", subprotocols=await ticket(bob)) as of_bob,
        connect(town.edge.ws + "/ws", subprotocols=await ticket(carol)) as of_carol,
    ):
        await live.send(json.dumps({"type": "start", "config": LIVE}))
        session = json.loads(await live.recv())["event"]["sessionId"]
        async with Database.open(town.edge.settings.database) as database:
            # As the command line does it, which knows nothing of this process.
            await Users(database).set_disabled(alice.id, disabled=True, tokens_from_s=0)
        assert (await bob.http.request("DELETE", "/api/me", json={"password": PASSWORD})).status_code == 204
        for socket in (following, live, of_bob):
            assert (await frames(socket))[-1]["error"]["reason"] == "TOKEN_INVALID"
            assert await closed(socket) == (1008, "TOKEN_INVALID")
        # What was played until then is over, too.
        with anyio.fail_after(WAIT_S):
            while await read_end(bus, session) is None:  # noqa: ASYNC110 - behind the bus
                await anyio.sleep(0.05)
        await of_carol.send(json.dumps({"type": "resume", "id": "0" * 32, "after_sequence": 0}))
        assert (await frames(of_carol))[-1]["error"]["reason"] == "SESSION_NOT_FOUND"


@BOTH
async def test_sockets_end_with_what_they_were_opened_with(town: Town) -> None:
    async with town.person("alice") as alice, httpx.AsyncClient(base_url=f"http://{town.edge.host}") as by_key:
        made, kept = [(await alice.http.post("/api/keys", json={"name": name})).json() for name in ("made", "kept")]
        shown = {"Authorization": f"Bearer {made['key']}"}
        protocols = (await by_key.post("/api/tickets", headers=shown)).json()["protocols"]
        async with (
            connect(town.edge.ws + "/ws", additional_headers=shown) as by_revoked,
            connect(town.edge.ws + "/ws", subprotocols=protocols) as by_its_ticket,
            connect(town.edge.ws + "/ws", additional_headers={"Authorization": f"Bearer {kept['key']}"}) as by_kept,
            connect(town.edge.ws + "/ws", subprotocols=await ticket(alice)) as signed_in,
        ):
            assert (await alice.http.delete(f"/api/keys/{made['id']}")).status_code == 204
            for socket in (by_revoked, by_its_ticket):
                assert (await frames(socket))[-1]["error"]["reason"] == "TOKEN_INVALID"
                assert await closed(socket) == (1008, "TOKEN_INVALID")
            change = {"password": PASSWORD, "new_password": PASSWORD + " and more"}
            assert (await alice.http.post("/api/me/password", json=change)).status_code == 200
            assert (await frames(signed_in))[-1]["error"]["reason"] == "TOKEN_INVALID"
            # A key is none of those who were signed in with the old password.
            await by_kept.send(json.dumps({"type": "resume", "id": "0" * 32, "after_sequence": 0}))
            assert (await frames(by_kept))[-1]["error"]["reason"] == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_ticket_does_not_open_a_foreign_pages_socket(town: Town, origin: str) -> None:
    async with town.person("alice") as alice:
        protocols = await ticket(alice)
        async with connect(town.edge.ws + "/ws", subprotocols=protocols, origin=Origin(origin)) as socket:
            assert await closed(socket) == (1008, "ORIGIN_NOT_ALLOWED")
        # Refused before it was looked at: it is good still.
        own = Origin(f"http://{town.edge.host}")
        async with connect(town.edge.ws + "/ws", subprotocols=protocols, origin=own) as socket:
            assert socket.subprotocol == "genesis.v1"


async def test_programs_may_show_their_key_instead(town: Town) -> None:
    async with town.person("alice") as alice:
        key = (await alice.http.post("/api/keys", json={"name": "k", "scopes": ["read"]})).json()["key"]
        shown = {"Authorization": f"Bearer {key}"}
        session = await town.upload(alice)
        async with connect(town.edge.ws + "/ws", additional_headers=shown) as socket:
            await socket.send(json.dumps({"type": "subscribe:job", "id": session}))
            assert (await frames(socket))[-1]["type"] == "snapshot"
        async with connect(town.edge.ws + "/ws/live", additional_headers=shown) as socket:
            assert await closed(socket) == (1008, "ACCESS_DENIED")


@BOTH
async def test_somebody_elses_session_is_told_like_none(town: Town, bus: Bus) -> None:
    async with town.person("alice") as alice, town.person("bob") as bob:
        recorded = await town.upload(alice)
        async with connect(town.edge.ws + "/ws/live", subprotocols=await ticket(alice)) as live:
            await live.send(json.dumps({"type": "start", "config": LIVE}))
            running = json.loads(await live.recv())["event"]["sessionId"]
            async with connect(town.edge.ws + "/ws", subprotocols=await ticket(bob)) as socket:
                answers = []
                for session in (recorded, running, "0" * 32):
                    await socket.send(json.dumps({"type": "resume", "id": session, "after_sequence": 0}))
                    answers.append((await socket.recv(decode=True)).replace(session, "…"))
                assert answers[0] == answers[1] == answers[2]
                assert json.loads(answers[0])["error"]["reason"] == Reason.SESSION_NOT_FOUND
                for pattern in ("*", ">", f"{recorded}.durable", ""):
                    await socket.send(json.dumps({"type": "subscribe:job", "id": pattern}))
                    assert json.loads(await socket.recv())["error"]["reason"] == Reason.REQUEST_INVALID
            await live.send(json.dumps({"type": "stop"}))
            await frames(live)
        done = Edge(town.edge.host, alice.http, town.edge.settings)
        assert (await done.until(running, "completed"))["id"] == running
        assert (await bob.http.get(f"/api/transcribe/{running}")).status_code == 404


async def test_one_user_runs_so_many_live_sessions(account_settings: Settings, orchestrator: FakeOrchestrator) -> None:
    few = account_settings.model_copy(update={"live_sessions_per_user": 1})
    async with running_edge(few) as edge:
        await edge.until_ready()
        town = Town(edge, orchestrator)
        async with town.person("alice") as alice, town.person("bob") as bob, begun(edge, alice) as (_, said):
            assert "event" in said
            async with begun(edge, alice) as (second, said):
                assert said["error"]["reason"] == Reason.QUOTA_REACHED
                assert (await closed(second))[0] == 1013
            async with begun(edge, bob) as (_, said):
                assert "event" in said


@asynccontextmanager
async def begun(edge: Edge, who: Person) -> AsyncGenerator[tuple[ClientConnection, dict[str, Any]], None]:
    """A live session, and the first thing that is said of it."""
    async with connect(edge.ws + "/ws/live", subprotocols=await ticket(who)) as socket:
        await socket.send(json.dumps({"type": "start", "config": LIVE}))
        yield socket, json.loads(await socket.recv())


@BOTH
async def test_a_ticket_is_good_once_however_many_come_at_the_same_time(town: Town) -> None:
    from access.caller import Caller
    from music.errors import Unauthenticated

    async with town.person("alice") as alice, Database.open(town.edge.settings.database) as database:
        tickets = Tickets(database)
        text = await tickets.issue(Caller(alice.id))
        opened = []

        async def redeem() -> None:
            with suppress(Unauthenticated):
                opened.append(await tickets.redeem(text))

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(redeem)
        assert len(opened) == 1
