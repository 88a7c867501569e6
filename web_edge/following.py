"""`/ws`: follow and resume sessions."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.abc import TaskGroup

from access.caller import Caller
from music.errors import GenesisError, InvalidInput, Overloaded, Reason
from web_edge.conversation import Conversation, ReaderGone, parse_message
from web_edge.frames import broken_frame, error_frame
from web_edge.relay import Relay
from wire.subjects import checked_session_id

MAX_SEQUENCE = 2**63


class Following:
    """What a client of `/ws` may ask for, one instance a socket.

    Args:
        max_sessions: followed at the same time.
    """

    def __init__(self, conversation: Conversation, caller: Caller, relay: Relay, max_sessions: int) -> None:
        self._conversation = conversation
        self._caller = caller
        self._relay = relay
        self._max_sessions = max_sessions
        self._followed: dict[str, anyio.CancelScope] = {}

    async def talk(self) -> None:
        """Serve requests until the reader has gone. A bad request is answered and forgotten."""
        async with anyio.create_task_group() as group:
            try:
                await self._serve_all(group)
            except ReaderGone:
                group.cancel_scope.cancel()
            except GenesisError as error:
                self._conversation.leave(error)

    async def _serve_all(self, group: TaskGroup) -> None:
        while True:
            message = await self._conversation.receive()
            try:
                self._serve(parse_message(message), group)
            except GenesisError as error:
                await self._conversation.outbox.put(error_frame(error))

    def _serve(self, request: dict[str, Any], group: TaskGroup) -> None:
        match request["type"]:
            case "subscribe:job" | "resume":
                self._follow(_session_id(request), _sequence(request), group)
            case "unsubscribe":
                scope = self._followed.pop(_session_id(request), None)
                if scope is not None:
                    scope.cancel()
            case unknown:
                raise InvalidInput(
                    Reason.REQUEST_INVALID,
                    f"Unknown message {unknown[:40]!r}. Send subscribe:job, resume or unsubscribe.",
                )

    def _follow(self, session_id: str, after_sequence: int, group: TaskGroup) -> None:
        before = self._followed.pop(session_id, None)
        if before is not None:
            before.cancel()
        elif len(self._followed) >= self._max_sessions:
            raise Overloaded(
                Reason.SESSION_LIMIT_REACHED,
                f"One socket follows at most {self._max_sessions} sessions. Unsubscribe from one first.",
            )
        scope = self._followed[session_id] = anyio.CancelScope()
        group.start_soon(self._relay_session, session_id, after_sequence, scope)

    async def _relay_session(self, session_id: str, after_sequence: int, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                try:
                    await self._relay.relay(session_id, after_sequence, self._conversation.outbox, self._caller)
                except GenesisError as error:
                    if error.reason is Reason.READER_TOO_SLOW:
                        raise
                    await self._conversation.outbox.put(broken_frame(session_id, error))
            except GenesisError as error:
                self._conversation.leave(error)
        if self._followed.get(session_id) is scope:
            del self._followed[session_id]


def _session_id(request: dict[str, Any]) -> str:
    session_id = request.get("id")
    if not isinstance(session_id, str):
        raise InvalidInput(Reason.REQUEST_INVALID, 'Say which session: "id" is missing.')
    return checked_session_id(session_id)


def _sequence(request: dict[str, Any]) -> int:
    sequence = request.get("after_sequence", 0)
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < MAX_SEQUENCE:
        raise InvalidInput(Reason.REQUEST_INVALID, '"after_sequence" is the last sequence you have, 0 for none.')
    return sequence
