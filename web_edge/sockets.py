"""The WebSocket routes, and how many sockets there may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from access.caller import Caller
from music.errors import Reason, Unauthenticated
from web_edge.accounts.identity import caller_of
from web_edge.accounts.standing import Admission, Standing
from web_edge.conversation import TRY_AGAIN_LATER, Conversation, SocketLimits
from web_edge.following import Following
from web_edge.live import LiveSession, LiveSessions
from web_edge.recorder import Recorder
from web_edge.relay import Relay
from web_edge.settings import Settings
from web_edge.uplink import Uplink

_WATCH_S: Final = 2.0


class Sockets:
    """`/ws` and `/ws/live`."""

    def __init__(
        self, settings: Settings, relay: Relay, uplink: Uplink, recorder: Recorder, live: LiveSessions
    ) -> None:
        self._settings = settings
        self._relay = relay
        self._uplink = uplink
        self._recorder = recorder
        self._live = live
        self._limits = SocketLimits(
            outbox_frames=settings.outbox_frames,
            outbox_bytes=settings.outbox_bytes,
            slow_reader_s=settings.slow_reader_s,
            heartbeat_s=settings.heartbeat_s,
        )
        self._open: dict[Conversation, Admission] = {}

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute("/ws", self.follow), WebSocketRoute("/ws/live", self.play)]

    async def follow(self, socket: WebSocket) -> None:
        """Follow and resume sessions."""
        caller = caller_of(socket)

        async def talk(conversation: Conversation) -> None:
            await Following(conversation, caller, self._relay, self._settings.max_followed_sessions).talk()

        await self._converse(socket, caller, talk)

    async def play(self, socket: WebSocket) -> None:
        """One live session."""
        caller = caller_of(socket)

        async def talk(conversation: Conversation) -> None:
            session = LiveSession(
                conversation,
                caller,
                self._uplink,
                self._relay,
                self._recorder,
                flush_s=self._settings.live_flush_s,
                record_wait_s=self._settings.record_wait_s,
            )
            await session.talk(self._live)

        await self._converse(socket, caller, talk)

    async def watch(self, standing: Standing) -> None:
        """Until cancelled, end the sockets of those who would not be let in any more."""
        while True:
            await anyio.sleep(_WATCH_S)
            lost = await standing.lost(set(self._open.values()))
            for conversation, admission in tuple(self._open.items()):
                if admission in lost:
                    conversation.leave(
                        Unauthenticated(
                            Reason.TOKEN_INVALID, "What this socket was opened with counts no more; sign in again."
                        )
                    )

    async def _converse(
        self, socket: WebSocket, caller: Caller, talk: Callable[[Conversation], Awaitable[None]]
    ) -> None:
        if len(self._open) >= self._settings.max_sockets:
            await socket.accept()
            await socket.close(TRY_AGAIN_LATER, Reason.SESSION_LIMIT_REACHED.value)
            return
        conversation = Conversation(socket, self._limits)
        self._open[conversation] = Admission.now(caller)
        try:
            await conversation.run(talk)
        finally:
            del self._open[conversation]
