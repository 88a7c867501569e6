"""One WebSocket: what every kind of socket needs: sending, signs of life, an orderly end."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from music.errors import GenesisError, InvalidInput, Overloaded, Reason, Unavailable
from web_edge.frames import error_frame, heartbeat_frame
from web_edge.outbox import Outbox

log = structlog.get_logger(__name__)

NORMAL, POLICY_VIOLATION, TRY_AGAIN_LATER = 1000, 1008, 1013
SUBPROTOCOL = "genesis.v1"
"""What is spoken on our sockets."""
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Of one socket; see the settings of the same names."""

    outbox_frames: int
    outbox_bytes: int
    slow_reader_s: float
    heartbeat_s: float


class ReaderGone(Exception):
    """The other side has closed, or the connection broke."""


class Conversation:
    """A socket between accept and close.

    Attributes:
        outbox: what is put here is sent.
    """

    def __init__(self, socket: WebSocket, limits: SocketLimits) -> None:
        self.outbox = Outbox(limits.outbox_frames, limits.outbox_bytes, limits.slow_reader_s)
        self._socket = socket
        self._limits = limits
        self._talk_scope = anyio.CancelScope()
        self._fatal: GenesisError | None = None

    async def run(self, talk: Callable[[Conversation], Awaitable[None]]) -> None:
        """Accept, `talk`, close: 1000 when it returns, 1008 or 1013 when it raises GenesisError or called `end`."""
        await self._socket.accept(subprotocol_of(self._socket))
        async with anyio.create_task_group() as group:
            group.start_soon(self._send)
            group.start_soon(self._show_life)
            await self._talk(talk)
            await self._close()
            group.cancel_scope.cancel()
        if self.outbox.coalesced:
            log.info("socket.coalesced", frames=self.outbox.coalesced)

    def end(self, error: GenesisError, frame: str | None = None) -> None:
        """Say what was wrong, in `frame` or an error frame, and note the code to close with. The first error counts."""
        if self._fatal is not None:
            return
        self._fatal = error
        if error.reason is not Reason.READER_TOO_SLOW:
            self.outbox.put_at_once(error_frame(error) if frame is None else frame)

    def leave(self, error: GenesisError) -> None:
        """`end`, and stop talking, from any task within the conversation."""
        self.end(error)
        self._talk_scope.cancel()

    async def receive(self) -> str | bytes:
        """The next message. Raises ReaderGone."""
        try:
            message = await self._socket.receive()
        except WebSocketDisconnected as error:
            raise ReaderGone from error
        if message["type"] == "websocket.disconnect":
            self.outbox.close()
            raise ReaderGone
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def _talk(self, talk: Callable[[Conversation], Awaitable[None]]) -> None:
        with self._talk_scope:
            try:
                await talk(self)
            except ReaderGone:
                self.outbox.close()
            except GenesisError as error:
                self.end(error)

    async def _close(self) -> None:
        """Send what waits and close, both within seconds, for the other side may not read."""
        with anyio.move_on_after(_CLOSE_S):
            await self.outbox.drained()
        code, reason = (NORMAL, "") if self._fatal is None else (close_code(self._fatal), self._fatal.reason.value)
        with anyio.move_on_after(_CLOSE_S):
            try:
                await self._socket.close(code, reason)
            except (WebSocketDisconnected, WebSocketDisconnect, RuntimeError):
                log.debug("socket.closed_by_peer")

    async def _send(self) -> None:
        try:
            while True:
                await self._socket.send_text(await self.outbox.get())
        except (WebSocketDisconnect, WebSocketDisconnected):
            # The receiving side learns of it too, and ends the conversation.
            self.outbox.close()

    async def _show_life(self) -> None:
        while True:
            await anyio.sleep(self._limits.heartbeat_s)
            self.outbox.put_heartbeat(heartbeat_frame())


def subprotocol_of(socket: WebSocket) -> str | None:
    """What is answered to the subprotocols that a client offers: ours if it is among them, never its ticket."""
    return SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None


def close_code(error: GenesisError) -> int:
    """1013 when trying again later helps, 1008 when the caller must change something."""
    return TRY_AGAIN_LATER if isinstance(error, Overloaded | Unavailable) else POLICY_VIOLATION


def parse_message(message: str | bytes) -> dict[str, Any]:
    """A text frame's JSON object. Raises InvalidInput: REQUEST_INVALID."""
    if isinstance(message, bytes):
        raise InvalidInput(Reason.REQUEST_INVALID, "A text frame with JSON was expected, not a binary one.")
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Reason.REQUEST_INVALID, "This text frame is not JSON.") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
        raise InvalidInput(Reason.REQUEST_INVALID, 'A message is a JSON object with a "type".')
    return parsed
