"""A session's events over a WebSocket, gone on with after a cut."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import anyio
from google.protobuf import json_format
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from genesis.client.errors import error_of_problem, unreachable
from genesis.client.transport import Transport
from music.errors import GenesisError, Overloaded, Reason, Unauthenticated, Unavailable
from music.events import SessionEnded, SessionEvent, SessionFailed, SnapshotTaken
from wire.codec import decode_event
from wire.errors import from_reason
from wire.gen.genesis.v1 import event_pb2

_REFUSED: Final = 1008
_LONGEST_PAUSE_S: Final = 5.0


class _Cut(Exception):
    """The connection broke, or the server asked to come again; `error` is what to raise when patience ends."""

    def __init__(self, error: GenesisError) -> None:
        super().__init__(error.message)
        self.error = error


async def follow(transport: Transport, session_id: str, after_sequence: int = 0) -> AsyncGenerator[SessionEvent, None]:
    """Every event after `after_sequence`, in order, each once, until the session is over.

    A snapshot stands for all that it folds. What a session failed with is raised after the event that says so.

    Raises:
        GenesisError: the session failed, or cannot be followed. NotFound: SESSION_NOT_FOUND. Unavailable: the server
            was away for as many attempts as there is patience for.
    """
    sequence, cuts = after_sequence, 0
    while True:
        try:
            async with aclosing(_events(transport, session_id, sequence)) as events:
                async for event in events:
                    sequence, cuts = event.sequence, 0
                    yield event
            return
        except _Cut as cut:
            cuts += 1
            if cuts >= transport.patience.attempts:
                raise cut.error from cut
            await anyio.sleep(random.uniform(0, min(0.2 * 2**cuts, _LONGEST_PAUSE_S)))  # noqa: S311 - no secret


async def _events(transport: Transport, session_id: str, sequence: int) -> AsyncGenerator[SessionEvent, None]:
    """Of one socket, up to the session's end. Raises _Cut; GenesisError."""
    shown = await transport.shown()
    address = "ws" + transport.base_url.removeprefix("http") + "/ws"
    ask = {"type": "resume", "id": session_id, "after_sequence": sequence}
    try:
        async with connect(
            address, additional_headers=shown, max_size=None, open_timeout=transport.patience.timeout_s, proxy=None
        ) as socket:
            await socket.send(json.dumps(ask))
            async for text in socket:
                frame: dict[str, Any] = json.loads(text)
                if "event" in frame:
                    event = event_of(frame)
                    yield event
                    if is_end(event):
                        return
                elif "error" in frame:
                    raise _worth_another_try(error_of_problem(frame["error"]))
        raise _Cut(unreachable(transport.base_url, ConnectionError("the socket was closed")))
    except ConnectionClosed as error:
        raise _closed(transport, shown, error) from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise _Cut(unreachable(transport.base_url, error)) from error


def event_of(frame: dict[str, Any]) -> SessionEvent:
    """What a frame that carries one says."""
    message = json_format.ParseDict(frame["event"], event_pb2.SessionEvent(), ignore_unknown_fields=True)
    return decode_event(message)


def is_end(event: SessionEvent) -> bool:
    """Whether nothing follows. Raises what the session failed with."""
    payload = event.payload
    failed = payload if isinstance(payload, SessionFailed) else None
    ended = isinstance(payload, SessionEnded)
    if isinstance(payload, SnapshotTaken):
        failed, ended = payload.failed, payload.ended is not None
    if failed is not None:
        raise from_reason(failed.reason, failed.message)
    return ended


def _worth_another_try(error: GenesisError) -> Exception:
    return _Cut(error) if isinstance(error, Overloaded | Unavailable) else error


def _closed(transport: Transport, shown: dict[str, str], error: ConnectionClosed) -> Exception:
    code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (0, "")
    if reason not in Reason.__members__:
        return _Cut(unreachable(transport.base_url, error))
    known = from_reason(Reason(reason), f"The server closed the socket: {reason}.")
    if isinstance(known, Unauthenticated) and shown:
        return _Cut(known) if transport.credentials.spoil(shown["Authorization"].removeprefix("Bearer ")) else known
    return known if code == _REFUSED else _worth_another_try(known)
