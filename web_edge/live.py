"""`/ws/live`: the microphone goes up, the session's events come down.

The events are read from the bus, like every other reader's, and not from the call that carries the audio: what the page
shows is what is stored.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from access.caller import Caller
from music.beats import NO_LOCK
from music.errors import GenesisError, InvalidInput, Overloaded, Reason, Unavailable
from music.events import SessionConfig
from music.rhythm_locks import MOST_LOCKS, LockRequest, too_many_locks
from web_edge.bars_options import request_from_json
from web_edge.conversation import Conversation, ReaderGone, parse_message
from web_edge.frames import broken_frame, error_frame
from web_edge.options import live_audio, session_config
from web_edge.recorder import Recorder
from web_edge.relay import Relay
from web_edge.uplink import Uplink

_AUDIO_SLOTS = 16
"""Frames between the socket and the call; when they are taken the socket is not read, and the browser waits."""

_FIRST_MESSAGE_S = 10.0
_LAST_WORDS_S = 3.0


@dataclass
class LiveSessions:
    """The live sessions of this process, by id; a deletion stops one."""

    limit: int
    limit_per_owner: int
    running: dict[str, LiveSession] = field(default_factory=dict)

    def admit(self, session: LiveSession) -> None:
        """Raises Overloaded: SESSION_LIMIT_REACHED, QUOTA_REACHED."""
        if len(self.running) >= self.limit:
            raise Overloaded(
                Reason.SESSION_LIMIT_REACHED, f"{self.limit} live sessions run already. Try again when one has ended."
            )
        of_owner = sum(session.owner == other.owner for other in self.running.values())
        if session.owner and of_owner >= self.limit_per_owner:
            raise Overloaded(
                Reason.QUOTA_REACHED,
                f"You run {self.limit_per_owner} live sessions, your limit; end one first.",
                limit=self.limit_per_owner,
            )
        self.running[session.id] = session

    def stop(self, session_id: str, error: GenesisError) -> None:
        """End a session's audio and its conversation because of `error`; unknown ids are none of ours."""
        session = self.running.get(session_id)
        if session is not None:
            session.abandon(error)


class LiveSession:
    """One microphone's session.

    Args:
        flush_s: how long a session whose browser has gone may take to transcribe what it was given.
        record_wait_s: how long after its audio's end a session's last event may take to come down.
    """

    def __init__(
        self,
        conversation: Conversation,
        caller: Caller,
        uplink: Uplink,
        relay: Relay,
        recorder: Recorder,
        *,
        flush_s: float,
        record_wait_s: float,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.owner = caller.id
        self._caller = caller
        self._conversation = conversation
        self._uplink = uplink
        self._relay = relay
        self._recorder = recorder
        self._flush_s = flush_s
        self._record_wait_s = record_wait_s
        self._call_scope = anyio.CancelScope()
        self._begun = anyio.Event()
        self._up_is_done = anyio.Event()
        self._down_is_done = anyio.Event()
        self._reader_is_gone = False
        self._failure: GenesisError | None = None
        self._lock = NO_LOCK
        self._locks = 0

    async def talk(self, live: LiveSessions) -> None:
        """From the first message to the session's end.

        Raises:
            ReaderGone: before a session had begun.
            GenesisError: what was wrong with the first message, or SESSION_LIMIT_REACHED.
        """
        config = await self._configured()
        live.admit(self)
        try:
            await self._run(config)
        finally:
            del live.running[self.id]

    def abandon(self, error: GenesisError) -> None:
        """Take the audio's call back and end the conversation because of `error`."""
        self._failure = self._failure or error
        self._call_scope.cancel()

    async def _configured(self) -> SessionConfig:
        try:
            with anyio.fail_after(_FIRST_MESSAGE_S):
                message = await self._conversation.receive()
        except TimeoutError:
            raise Overloaded(
                Reason.STREAM_IDLE, f"No configuration came within {_FIRST_MESSAGE_S:g} s. Send start at once."
            ) from None
        if isinstance(message, bytes):
            raise InvalidInput(Reason.CONFIG_MISSING, 'Audio came first; send {"type": "start", "config": …}.')
        request = parse_message(message)
        if request["type"] != "start":
            raise InvalidInput(Reason.CONFIG_MISSING, 'The first message is {"type": "start", "config": …}.')
        options = request.get("config")
        if not isinstance(options, dict):
            raise InvalidInput(Reason.CONFIG_MISSING, 'The start message carries no "config".')
        return session_config(options, live_audio(options), self.id)

    async def _run(self, config: SessionConfig) -> None:
        audio_in, audio_out = anyio.create_memory_object_stream[bytes | LockRequest](_AUDIO_SLOTS)
        async with anyio.create_task_group() as group:
            group.start_soon(self._carry_up, config, audio_out)
            group.start_soon(self._bring_down)
            group.start_soon(self._hear, audio_in)
            await self._up_is_done.wait()
            # What went up ends in the log; its last event is on its way down.
            with anyio.move_on_after(self._patience_s()):
                await self._down_is_done.wait()
            group.cancel_scope.cancel()
        self._conclude()

    async def _carry_up(self, config: SessionConfig, audio: MemoryObjectReceiveStream[bytes | LockRequest]) -> None:
        with audio, self._call_scope:
            try:
                await self._uplink.transcribe(config, audio, lambda _event: self._begun.set(), self.owner)
                await self._recorder.hasten(self.id)
            except GenesisError as error:
                self._failure = self._failure or error
        self._up_is_done.set()

    async def _bring_down(self) -> None:
        await self._begun.wait()
        try:
            await self._relay.relay(self.id, 0, self._conversation.outbox, self._caller, is_begun=True)
        except GenesisError as error:
            self.abandon(error)
        else:
            # The log has said how it ended; what the call says as well is the same.
            self._failure = None
        self._down_is_done.set()

    async def _hear(self, audio: MemoryObjectSendStream[bytes | LockRequest]) -> None:
        """Pass frames on until the client goes or errs; then end the audio, so that the tail is transcribed."""
        with audio:
            try:
                await self._pass_on(audio)
            except GenesisError as error:
                self._conversation.end(error)
            except ReaderGone:
                self._reader_is_gone = True
        with anyio.move_on_after(self._flush_s):
            await self._up_is_done.wait()
        self._up_is_done.set()

    async def _pass_on(self, audio: MemoryObjectSendStream[bytes | LockRequest]) -> None:
        has_stopped = False
        while True:
            message = await self._conversation.receive()
            if isinstance(message, bytes):
                if not has_stopped:
                    await self._offer(audio, message)
                continue
            request = parse_message(message)
            kind = request["type"]
            if kind == "stop":
                has_stopped = True
                audio.close()
            elif kind == "rhythm:lock":
                await self._lock_rhythm(request, audio)
            elif kind == "start":
                raise InvalidInput(Reason.CONFIG_DUPLICATE, "The session is configured already; open another socket.")
            else:
                raise InvalidInput(
                    Reason.REQUEST_INVALID, f"Unknown message {kind[:40]!r}. Send audio, rhythm:lock or stop."
                )

    async def _lock_rhythm(self, asked: dict[str, Any], audio: MemoryObjectSendStream[bytes | LockRequest]) -> None:
        """Pass on what the player decides about the bars; a slip of the hand is told and ends nothing."""
        try:
            request = request_from_json(asked, self._lock)
            if self._locks >= MOST_LOCKS:
                raise too_many_locks()
        except GenesisError as error:
            await self._conversation.outbox.put(error_frame(error))
            return
        self._lock = request.lock
        self._locks += 1
        await self._offer(audio, request)

    async def _offer(self, audio: MemoryObjectSendStream[bytes | LockRequest], piece: bytes | LockRequest) -> None:
        try:
            await audio.send(piece)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            # The call has ended, and `_carry_up` knows why; or the player had stopped.
            return

    def _patience_s(self) -> float:
        if self._reader_is_gone or not self._begun.is_set():
            return 0
        return self._record_wait_s if self._failure is None else _LAST_WORDS_S

    def _conclude(self) -> None:
        if self._reader_is_gone:
            return
        if self._failure is None and not self._down_is_done.is_set():
            self._failure = Unavailable(
                Reason.BUS_UNAVAILABLE, "The session's end did not come through. Resume it in a moment."
            )
        if self._failure is not None:
            self._conversation.end(self._failure, broken_frame(self.id, self._failure))
