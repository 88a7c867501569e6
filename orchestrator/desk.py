"""Where sessions are opened, counted, and asked to finish."""

from __future__ import annotations

import time

import anyio
import structlog
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from access.caller import LOCAL, Caller
from bus.session_log import SessionLogWriter
from music.errors import Conflict, GenesisError, Overloaded, Reason, Unavailable
from music.events import EndReason, SessionConfig, SessionEvent
from music.rhythm_locks import LockRequest
from orchestrator.door import Shares
from orchestrator.inbox import Inbox
from orchestrator.intake import complete_config
from orchestrator.neighbours import BusLink, TranscriberShelf
from orchestrator.publisher import Publisher
from orchestrator.separating import SeparatorShelf
from orchestrator.session import Session
from orchestrator.settings import Settings
from orchestrator.stems import StemShelf

EVENT_SLOTS = 64
_BEGIN_TRIES = 10
_LAST_SECONDS_S = 1.5
"""Before a drain's deadline sessions are hurried, so that their last events still reach the log."""

log = structlog.get_logger(__name__)


class LiveSession:
    """A session on this server, seen from its call: bytes in, events out, both bounded."""

    def __init__(self, session_id: str, slow_reader_s: float, caller: Caller = LOCAL) -> None:
        self.session_id = session_id
        self.caller = caller
        self.failure: GenesisError | None = None
        self._slow_reader_s = slow_reader_s
        self._audio = Inbox()
        self._events_in, self._events = anyio.create_memory_object_stream[SessionEvent](EVENT_SLOTS)
        self._caller_is_here = True
        self._session: Session | None = None

    @property
    def events(self) -> MemoryObjectReceiveStream[SessionEvent]:
        """Everything the log has acknowledged; ends with the session. Then `failure` says whether it failed."""
        return self._events

    async def feed(self, data: bytes | GenesisError) -> bool:
        """Hand over bytes, or what is wrong with the stream; False when the session takes no more."""
        return await self._audio.put(data)

    def lock_rhythm(self, request: LockRequest) -> None:
        """What the caller decides about the bars. Raises Overloaded: RHYTHM_LOCK_LIMIT."""
        if self._session is not None:
            self._session.lock_rhythm(request)

    def end_audio(self) -> None:
        """The caller has said everything."""
        self._audio.close()

    def leave(self) -> None:
        """The caller is gone: what was accepted is flushed. After the session's end this does nothing."""
        self._events.close()
        if self._caller_is_here:
            self._caller_is_here = False
            self.stop(EndReason.CANCELLED)

    def close(self) -> None:
        """Close the session's ends; events that lie ready can still be read."""
        self._audio.abandon()
        self._events_in.close()

    def stop(self, cause: EndReason | GenesisError) -> None:
        if self._session is not None:
            self._session.stop(cause)

    def hurry(self) -> None:
        if self._session is not None:
            self._session.hurry()

    async def deliver(self, event: SessionEvent) -> None:
        """Pass an event on; a caller that reads nothing for too long ends its session."""
        if not self._caller_is_here:
            return
        try:
            self._events_in.send_nowait(event)
        except anyio.WouldBlock:
            await self._deliver_to_slow(event)
        except anyio.BrokenResourceError:
            self._caller_is_here = False

    async def _deliver_to_slow(self, event: SessionEvent) -> None:
        try:
            with anyio.fail_after(self._slow_reader_s):
                await self._events_in.send(event)
        except anyio.BrokenResourceError:
            self._caller_is_here = False
        except TimeoutError:
            self._caller_is_here = False
            message = f"No event was read for {self._slow_reader_s:g} s; read events while you send audio."
            self.stop(Overloaded(Reason.READER_TOO_SLOW, message))

    def attend(self, session: Session) -> None:
        """What is asked from now on is asked of `session`."""
        self._session = session

    async def run(self, session: Session) -> None:
        """The session from begin to end; its failure is kept for the call."""
        self.attend(session)
        if not self._caller_is_here:
            session.stop(EndReason.CANCELLED)
        try:
            await session.run(self._audio)
        except GenesisError as error:
            self.failure = error
        except Exception:
            log.exception("session.broke", session=self.session_id)
            self.failure = GenesisError(
                Reason.INTERNAL, "Something went wrong on our side; the server's log says what."
            )
        finally:
            self.close()


class SessionDesk:
    """All sessions of this server.

    Args:
        group: runs the sessions; they outlive their calls until they are flushed.
        separators: what takes a mix apart.
        stems: where stems are kept; None for nowhere.
    """

    def __init__(
        self,
        group: TaskGroup,
        link: BusLink,
        shelf: TranscriberShelf,
        separators: SeparatorShelf,
        settings: Settings,
        stems: StemShelf | None = None,
    ) -> None:
        self._stems = stems
        self._group = group
        self._link = link
        self._shelf = shelf
        self._separators = separators
        self._settings = settings
        self._shares = Shares(settings.sessions_per_caller, settings.hourly_sessions_per_caller)
        self._live: set[LiveSession] = set()
        self._all_over = anyio.Event()
        self.draining = False

    @property
    def count(self) -> int:
        return len(self._live)

    async def open(self, config: SessionConfig, caller: Caller = LOCAL) -> LiveSession:
        """Begin a session of the caller's, or the next attempt at one.

        Raises:
            Unavailable: SERVER_DRAINING, BUS_UNAVAILABLE, MODEL_MISSING, MODEL_MISMATCH.
            Overloaded: SESSION_LIMIT_REACHED, QUOTA_REACHED.
            Conflict: SESSION_EXISTS, also for one of somebody else's; SESSION_SUPERSEDED.
            InvalidInput: those of `complete_config`, TRANSCRIBER_UNKNOWN and SEPARATION_UNAVAILABLE.
        """
        if self.draining:
            raise Unavailable(Reason.SERVER_DRAINING, "The server is stopping; call another one, or this one later.")
        config = complete_config(config)
        if self.count >= self._settings.max_sessions:
            limit = self._settings.max_sessions
            raise Overloaded(
                Reason.SESSION_LIMIT_REACHED,
                f"The server runs {limit} sessions, its limit; try again later.",
                limit=limit,
            )
        await self._shares.take(caller)
        live = LiveSession(config.session_id, self._settings.slow_reader_s, caller)
        self._live.add(live)
        try:
            session = await self._begin(config, live)
        except BaseException:
            self._release(live)
            live.leave()
            raise
        live.attend(session)
        self._group.start_soon(self._run, live, session)
        return live

    async def drain(self, timeout_s: float) -> None:
        """Refuse new sessions, flush the live ones; return when the last is over or the time is."""
        self.draining = True
        for live in self._live:
            live.stop(EndReason.DRAINED)
        with anyio.move_on_after(max(0.0, timeout_s - _LAST_SECONDS_S)):
            await self._wait_until_over()
        for live in self._live:
            live.hurry()
        with anyio.move_on_after(_LAST_SECONDS_S):
            await self._wait_until_over()
        if self._live:
            log.warning("drain.given_up", sessions=self.count)

    async def _begin(self, config: SessionConfig, live: LiveSession) -> Session:
        """Begin an attempt; where an earlier one still writes, its event may win the race for the log a few times."""
        for tries_left in reversed(range(_BEGIN_TRIES)):
            session = await self._prepare(config, live)
            try:
                await session.begin()
                break
            except Conflict as error:
                if error.reason is not Reason.SESSION_SUPERSEDED or not tries_left:
                    raise
        return session

    async def _prepare(self, config: SessionConfig, live: LiveSession) -> Session:
        transcriber = await self._shelf.get(config.transcriber)
        sink = await SessionLogWriter.open(self._link.bus, config.session_id, timeout_s=self._settings.bus_timeout_s)
        held = sink.state.started
        if held is not None and not live.caller.may_see(held.owner):
            # As one that is over: whose it is, and whether it runs, is nobody else's business.
            raise Conflict(
                Reason.SESSION_EXISTS,
                f"Session {config.session_id!r} is over already; begin a new one under another id.",
                session_id=config.session_id,
            )
        publisher = Publisher(config.session_id, sink, live.deliver, time.time_ns)
        config, plan = await self._separators.settle(config, sink.state.started)
        stem = None
        if self._stems is not None and plan.separator is not None:
            stem = self._stems.open(config.session_id, plan.separator.sample_rate_hz)
        return Session(
            config, transcriber, publisher, self._settings.session_limits, time.time_ns, plan, live.caller.id, stem
        )

    async def _run(self, live: LiveSession, session: Session) -> None:
        log.info("session.begun", session=live.session_id)
        try:
            if self.draining:
                session.stop(EndReason.DRAINED)
            await live.run(session)
        finally:
            self._release(live)
        reason = None if live.failure is None else live.failure.reason.value
        log.info("session.over", session=live.session_id, failure=reason)

    def _release(self, live: LiveSession) -> None:
        live.close()
        if live in self._live:
            self._live.discard(live)
            self._shares.give_back(live.caller)
        if not self._live:
            self._all_over.set()

    async def _wait_until_over(self) -> None:
        while self._live:
            self._all_over = anyio.Event()
            await self._all_over.wait()
