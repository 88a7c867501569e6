"""Who may call the orchestrator, over real sockets and a real bus."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from access.api_keys import KeyRecord, make_key
from access.caller import Role, Scope
from access.directory import drop_key, put_key, revoke_before
from access.tokens import TokenSigner, load_signing_key, write_key_pair
from bus.connection import Bus
from bus.session_log import read_end, read_owner
from music.errors import Forbidden, GenesisError, InvalidInput, NotFound, Overloaded, Reason, Unauthenticated
from music.events import EndReason, SessionEnded
from orchestrator.settings import Settings, check_listen
from tests.orchestrator.calls import Client, audio_message, config_message, pb
from tests.orchestrator.test_servicer import plucks, serving
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from wire.errors import from_rpc

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("built_model_repo")]


class Doorbell:
    """Calls with what a test shows; `signer` makes tokens that count."""

    def __init__(self, client: Client, signer: TokenSigner, bus: Bus) -> None:
        self.client, self.signer, self.bus = client, signer, bus

    def token(self, who: str, *scopes: Scope) -> str:
        return self.signer.sign(who, Role.USER, scopes or {Scope.READ, Scope.WRITE})

    async def stream(self, shown: str | None, session_id: str = "", messages: int = 2) -> str:
        """Id of a session that ran to its end."""
        sent = [config_message(session_id=session_id), *[audio_message(plucks(1.0))] * messages]
        call = self.client.stub.StreamTranscribe(iter(sent), metadata=metadata(shown))
        try:
            found = [response.event.session_id async for response in call]
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.INTERNAL) from error
        return str(found[0])

    async def watch(self, shown: str | None, session_id: str) -> int:
        request = pb.WatchSessionRequest(session_id=session_id)
        try:
            return len([r async for r in self.client.stub.WatchSession(request, metadata=metadata(shown))])
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.INTERNAL) from error

    async def get(self, shown: str | None, session_id: str) -> Any:
        request = pb.GetSessionRequest(session_id=session_id)
        try:
            return await self.client.stub.GetSession(request, metadata=metadata(shown))
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.INTERNAL) from error

    async def arrange(self, shown: str | None) -> Any:
        try:
            return await self.client.stub.ArrangeNotes(pb.ArrangeNotesRequest(), metadata=metadata(shown))
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.INTERNAL) from error


async def read_out(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs lack it
        pass


def metadata(shown: str | None) -> tuple[tuple[str, str], ...]:
    return () if shown is None else (("authorization", f"Bearer {shown}"),)


@asynccontextmanager
async def guarded(tmp_path: Path, **settings: object) -> AsyncIterator[Doorbell]:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    write_key_pair(private, public)
    async with (
        serving(tmp_path, public_key=public, **settings) as (_, client, nats),
        Bus.connect(nats.url, name="edge") as bus,
    ):
        yield Doorbell(client, TokenSigner(load_signing_key(private), 600), bus)


async def test_strangers_are_refused_at_every_method(tmp_path: Path) -> None:
    stranger = TokenSigner(Ed25519PrivateKey.generate(), 600).sign("alice", Role.ADMIN)
    async with guarded(tmp_path) as door:
        for shown, reason in (
            (None, Reason.CREDENTIALS_MISSING),
            ("", Reason.CREDENTIALS_MISSING),
            ("nonsense", Reason.TOKEN_INVALID),
            (stranger, Reason.TOKEN_INVALID),
            (make_key().text, Reason.TOKEN_INVALID),
            ("gm_x", Reason.TOKEN_INVALID),
        ):
            for call in (
                door.stream(shown),
                door.watch(shown, "x"),
                door.get(shown, "x"),
                door.arrange(shown),
            ):
                with pytest.raises(Unauthenticated) as caught:
                    await call
                assert caught.value.reason is reason
        health: Any = health_pb2_grpc.HealthStub(door.client.channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING


async def test_a_session_is_its_callers_alone(tmp_path: Path) -> None:
    async with guarded(tmp_path) as door:
        alice, bob = door.token("alice"), door.token("bob")
        session = await door.stream(alice)
        assert await read_owner(door.bus, session) == "alice"
        assert await door.watch(alice, session) >= 1
        assert (await door.get(alice, session)).session.started.owner == "alice"
        for asked in (door.watch, door.get):
            answers = []
            for name in (session, "0" * 32):
                with pytest.raises(NotFound) as caught:
                    await asked(bob, name)
                answers.append((caught.value.reason, caught.value.message.replace(name, "…")))
            assert answers[0] == answers[1] == (Reason.SESSION_NOT_FOUND, "There is no session '…'.")


async def test_nobody_goes_on_with_somebody_elses_session(tmp_path: Path) -> None:
    async with guarded(tmp_path) as door:
        sent = [config_message(session_id="mine"), audio_message(plucks(1.0))]
        call = door.client.stub.StreamTranscribe(metadata=metadata(door.token("alice")))
        await call.write(sent[0])
        assert (await call.read()).event.session_id == "mine"
        with pytest.raises(GenesisError) as caught:
            await door.stream(door.token("bob"), "mine")
        assert caught.value.reason is Reason.SESSION_EXISTS
        running = caught.value.message
        await call.write(audio_message(plucks(1.0)))
        await call.done_writing()
        await read_out(call)
        with pytest.raises(GenesisError) as caught:
            await door.stream(door.token("bob"), "mine")
        assert (caught.value.reason, caught.value.message) == (Reason.SESSION_EXISTS, running)


async def test_keys_and_their_scopes(tmp_path: Path) -> None:
    async with guarded(tmp_path) as door:
        reader, writer, old = make_key(), make_key(), make_key()
        for key, scopes, ends in (
            (reader, {Scope.READ}, 0),
            (writer, {Scope.READ, Scope.WRITE}, int(time.time()) + 600),
            (old, {Scope.READ, Scope.WRITE}, int(time.time()) - 1),
        ):
            await put_key(door.bus, KeyRecord(key.id, key.sha256, "alice", frozenset(scopes), ends))
        session = await door.stream(writer.text)
        assert await door.watch(reader.text, session) >= 1
        with pytest.raises(Forbidden) as denied:
            await door.stream(reader.text)
        assert denied.value.reason is Reason.ACCESS_DENIED
        with pytest.raises(Unauthenticated):
            await door.get(old.text, session)
        await drop_key(door.bus, writer.id)
        with pytest.raises(Unauthenticated):
            await door.get(writer.text, session)


async def test_tokens_that_were_taken_back_do_not_count(tmp_path: Path) -> None:
    async with guarded(tmp_path) as door:
        before = door.token("alice")
        await door.arrange(before)
        await revoke_before(door.bus, "alice", int(time.time()) + 1, keep_s=60)
        with pytest.raises(Unauthenticated, match="taken back"):
            await door.arrange(before)
        await door.arrange(door.token("bob"))


async def test_calls_that_last_end_when_what_was_shown_is_taken_back(tmp_path: Path) -> None:
    made = make_key()
    async with guarded(tmp_path) as door:
        await put_key(door.bus, KeyRecord(made.id, made.sha256, "bob", frozenset({Scope.READ, Scope.WRITE}), 0))
        calls = []
        for shown in (door.token("alice"), made.text, door.token("carol")):
            call = door.client.stub.StreamTranscribe(metadata=metadata(shown))
            await call.write(config_message())
            calls.append((call, (await call.read()).event.session_id))
        await revoke_before(door.bus, "alice", int(time.time()) + 1, 60)
        await drop_key(door.bus, made.id)
        for call, session in calls[:2]:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await read_out(call)
            assert from_rpc(caught.value, Reason.INTERNAL).reason is Reason.TOKEN_INVALID
            with anyio.fail_after(10):
                while (end := await read_end(door.bus, session)) is None:  # noqa: ASYNC110 - another process's
                    await anyio.sleep(0.05)
            assert isinstance(end, SessionEnded)
            assert end.reason is EndReason.CANCELLED
        # Hers goes on.
        await calls[2][0].write(audio_message(plucks(1.0)))
        await calls[2][0].done_writing()
        await read_out(calls[2][0])


async def test_one_caller_takes_no_more_than_its_share(tmp_path: Path) -> None:
    async with guarded(tmp_path, sessions_per_caller=1, hourly_sessions_per_caller=3) as door:
        alice = door.token("alice")
        call = door.client.stub.StreamTranscribe(metadata=metadata(alice))
        await call.write(config_message())
        await call.read()
        with pytest.raises(Overloaded) as caught:
            await door.stream(alice)
        assert (caught.value.reason, caught.value.about["limit"]) == (Reason.QUOTA_REACHED, "1")
        await door.stream(door.token("bob"))
        await call.write(audio_message(plucks(1.0)))
        await call.done_writing()
        await read_out(call)
        await door.stream(alice)
        await door.stream(alice)
        with pytest.raises(Overloaded, match="within an hour"):
            await door.stream(alice)
        # What the edge passes on it has counted itself.
        await door.stream(door.token("alice", Scope.READ, Scope.WRITE, Scope.RELAY))


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:1", "192.168.1.5:80"])
def test_it_refuses_addresses_that_others_reach_without_a_key(listen: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="PUBLIC_KEY"):
        check_listen(Settings(listen=listen))
    check_listen(Settings(listen=listen, public_key=tmp_path))
    check_listen(Settings(listen="127.0.0.1:0"))
