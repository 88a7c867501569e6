"""The error table is whole, and an error survives its way over a real gRPC call."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_status import rpc_status

from music.errors import Conflict, GenesisError, InvalidInput, NotFound, Reason, Unavailable
from wire.errors import DOMAIN, FACES, PROBLEM_TYPE_BASE, from_rpc, to_problem, to_status
from wire.gen.genesis.v1 import error_pb2

pytestmark = pytest.mark.anyio


def test_every_reason_has_a_face_and_a_place_in_the_contract() -> None:
    assert set(FACES) == set(Reason)
    on_the_wire = {name.removeprefix("ERROR_REASON_") for name in dict(error_pb2.ErrorReason.items())} - {"UNSPECIFIED"}
    assert on_the_wire == {reason.value for reason in Reason}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_client_fault_is_never_answered_as_ours(reason: Reason) -> None:
    face = FACES[reason]
    assert 400 <= face.http <= 599
    assert (face.http >= 500) == (
        face.grpc in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
        or reason in {Reason.MODEL_MISSING, Reason.MODEL_MISMATCH}
    )


def test_a_problem_names_the_reason_twice_and_keeps_the_facts() -> None:
    problem = to_problem(InvalidInput(Reason.CAPO_INVALID, "The capo sits on fret 0 to 12, not 40.", found=40))
    assert problem["type"] == PROBLEM_TYPE_BASE + "CAPO_INVALID"
    assert problem["reason"] == "CAPO_INVALID"
    assert problem["status"] == 422
    assert problem["about"] == {"found": "40"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput(Reason.CHUNK_TOO_LARGE, "Send at most 1 MiB.", limit=1048576), InvalidInput),
        (NotFound(Reason.SESSION_NOT_FOUND, "There is no session 'x'."), NotFound),
        (Conflict(Reason.SESSION_SUPERSEDED, "Another writer has taken over."), Conflict),
        (Unavailable(Reason.BUS_UNAVAILABLE, "NATS does not answer."), Unavailable),
    ],
)
async def test_an_error_comes_back_as_it_was_raised(error: GenesisError, kind: type[GenesisError]) -> None:
    async def refuse(_request: bytes, context: Any) -> bytes:
        await context.abort_with_status(rpc_status.to_status(to_status(error)))
        return b""

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(refuse)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", {"refuse": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/t/refuse", request_serializer=bytes, response_deserializer=bytes)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
    await server.stop(None)
    # What the server still has to say must find this test's loop: the next test's would be told of a closed one.
    await server.wait_for_termination()
    came_back = from_rpc(caught.value, otherwise=Reason.INTERNAL)
    assert type(came_back) is kind
    assert (came_back.reason, came_back.message, came_back.about) == (error.reason, error.message, error.about)


async def test_a_broken_connection_gets_the_reason_the_caller_names() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        call = channel.unary_unary("/t/refuse", request_serializer=bytes, response_deserializer=bytes)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
    error = from_rpc(caught.value, otherwise=Reason.ORCHESTRATOR_UNAVAILABLE)
    assert isinstance(error, Unavailable)
    assert error.reason is Reason.ORCHESTRATOR_UNAVAILABLE


def test_a_status_carries_exactly_one_error_info_of_ours() -> None:
    status = to_status(InvalidInput(Reason.AUDIO_EMPTY, "There is no audio."))
    assert len(status.details) == 1
    assert DOMAIN.encode() in status.details[0].value
