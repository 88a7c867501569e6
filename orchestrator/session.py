"""One session: one call, one task group, bounded queues from the caller's bytes to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from inference.ports import Transcriber
from music.audio import SAMPLE_RATE_HZ
from music.beats_live import FILE_STEP, STEP
from music.errors import GenesisError, InvalidInput, Reason, Unavailable
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionFailed,
    SessionStarted,
)
from music.live_music import LiveMusic
from music.rhythm_locks import LockRequest
from music.scribe import Scribe
from music.stability import curve_of
from orchestrator.cadence import Cadence
from orchestrator.container import DecodeLimits
from orchestrator.ears import Ear
from orchestrator.inbox import AudioSource
from orchestrator.intake import Listener
from orchestrator.publisher import Publisher
from orchestrator.separating import NO_SEPARATION, SeparationPlan
from orchestrator.stages import (
    HEARD_SLOTS,
    KNOWN_SLOTS,
    STEP_SLOTS,
    Heard,
    Hearing,
    Known,
    Scribing,
    Step,
    Telling,
    Transcribing,
)
from orchestrator.stems import StemFile

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one session may cost.

    Attributes:
        idle_timeout_s: longest silence of a caller that has not ended its stream.
        max_duration_s: of the audio, and of the call.
        flush_s: how long a session whose caller has gone may still transcribe what it had accepted.
        decode: of an encoded file.
        cadence_s: how often tentative notes of a live stream are looked for, while there is room; 0 for never, None
            for as often as suits the transcriber.
        backlog_s: how much signal may wait before they are not.
    """

    idle_timeout_s: float = 60.0
    max_duration_s: float = 24 * 3600
    flush_s: float = 0.7
    decode: DecodeLimits = field(default_factory=DecodeLimits)
    cadence_s: float | None = None
    backlog_s: float = 0.4


class Session:
    """From `SessionStarted` to `SessionEnded` or `SessionFailed`.

    Args:
        config: completed by `intake.complete_config`.
        now_ns: Unix time.
        separation: settled together with `config`.
        owner: the account whose session it is; "" for nobody's.
        stem: where the stem is kept, if one is heard.
    """

    def __init__(
        self,
        config: SessionConfig,
        transcriber: Transcriber,
        publisher: Publisher,
        limits: SessionLimits,
        now_ns: Callable[[], int],
        separation: SeparationPlan = NO_SEPARATION,
        owner: str = "",
        stem: StemFile | None = None,
    ) -> None:
        self._config = config
        self._transcriber = transcriber
        self._publisher = publisher
        self._limits = limits
        self._now_ns = now_ns
        self._separation = separation
        self._owner = owner
        self._stem = stem
        is_file = config.audio.encoding is AudioEncoding.CONTAINER
        self._music = LiveMusic(publisher.held.rhythm_locks, FILE_STEP if is_file else STEP)
        self._models = (transcriber.reference, *separation.models)
        self._listener: Listener | None = None
        self._hearing_scope = anyio.CancelScope()
        self._flush_scope = anyio.CancelScope()
        self._reason: EndReason | None = None
        self._failure: GenesisError | None = None
        self._log_is_lost = False
        self._has_begun = False

    async def begin(self) -> None:
        """Publish `SessionStarted`, which fences an earlier attempt that may still write, and what is heard if known.

        Raises:
            InvalidInput: CONFIG_INVALID, an earlier attempt was configured otherwise.
            Conflict: SESSION_SUPERSEDED, another attempt wrote since the log was opened.
            Unavailable: BUS_UNAVAILABLE.
        """
        self._check_resumable()
        started = SessionStarted(self._config, self._models, self._now_ns(), self._owner)
        await self._publisher.publish(started, 0)
        await self._separation.begin(self._tell)
        self._has_begun = True

    async def run(self, source: AudioSource) -> None:
        """Transcribe everything that comes; what was accepted is transcribed and ended also when the rest is bad.

        Raises:
            GenesisError: why the session failed; it stands in the log too, where the log can still be written.
        """
        if not self._has_begun:
            await self.begin()
        await self._publisher.retract_leftovers()
        self._listener = Listener(source, self._limits.idle_timeout_s, self._limits.max_duration_s)
        if self._reason is not None or self._failure is not None:
            self._listener.stop()
        transcriber = self._transcriber
        curve = curve_of(transcriber.reference.name)
        scribe = Scribe(
            self._config.instrument,
            transcriber.grid,
            transcriber.tracking,
            curve,
            preferences=self._config.player.preferences,
        )
        scribing = Scribing(scribe, self._music)
        telling = Telling(self._publisher)
        try:
            await self._work(self._listener, scribing, telling)
        except Exception:
            _log.exception("Session %s broke", self._publisher.session_id)
            self._fail(
                GenesisError(Reason.INTERNAL, "Something went wrong on our side; the log of the server says what.")
            )
        if self._is_half_a_file(self._listener):
            self._fail(
                Unavailable(Reason.SERVER_DRAINING, "The server is stopping and had not got the whole file yet.")
            )
        await self._conclude(scribing.taken, telling.watermark)

    def lock_rhythm(self, request: LockRequest) -> None:
        """Draw the bars around what a person decides. Raises Overloaded: RHYTHM_LOCK_LIMIT."""
        self._music.ask(request)

    def stop(self, cause: EndReason | GenesisError) -> None:
        """Take no more audio and flush.

        DRAINED leaves the flush its time, and lets a file that has arrived whole be finished. CANCELLED, or a failure
        outside the session, leaves it `flush_s`.
        """
        if isinstance(cause, GenesisError):
            self._fail(cause)
        elif self._reason is None and not (cause is EndReason.DRAINED and self._has_heard_all()):
            self._reason = cause
        if self._listener is not None:
            self._listener.stop()
        if cause is not EndReason.DRAINED:
            self.hurry()

    def hurry(self) -> None:
        """Finish within `flush_s`; half of it for what is still being decoded."""
        now = anyio.current_time()
        self._hearing_scope.deadline = min(self._hearing_scope.deadline, now + self._limits.flush_s / 2)
        self._flush_scope.deadline = min(self._flush_scope.deadline, now + self._limits.flush_s)

    async def _work(self, listener: Listener, scribing: Scribing, telling: Telling) -> None:
        heard_out, heard = anyio.create_memory_object_stream[Heard](HEARD_SLOTS)
        known_out, known = anyio.create_memory_object_stream[Known](KNOWN_SLOTS)
        steps_out, steps = anyio.create_memory_object_stream[Step](STEP_SLOTS)
        cadence = self._cadence()
        hearing = Hearing(
            self._config,
            listener,
            self._limits.decode,
            self._limits.max_duration_s,
            self._open_ear,
            lambda: cadence.grain,
        )
        transcribing = Transcribing(self._transcriber, self._config.instrument, cadence, lambda: hearing.heard_until)
        with heard_out, heard, known_out, known, steps_out, steps:
            async with anyio.create_task_group() as group:
                group.start_soon(self._hear, hearing, heard_out)
                group.start_soon(self._transcribe, transcribing, heard, known_out)
                group.start_soon(scribing.run, known, steps_out)
                try:
                    await telling.run(steps)
                except GenesisError as error:
                    self._log_is_lost = True
                    self._fail(error)
                    group.cancel_scope.cancel()

    async def _hear(self, hearing: Hearing, out: MemoryObjectSendStream[Heard]) -> None:
        try:
            with self._hearing_scope, out:
                await hearing.run(out)
        except GenesisError as error:
            self._fail(error)

    def _cadence(self) -> Cadence:
        # Nobody watches a file being read.
        wished_s = self._limits.cadence_s
        live = self._transcriber.cadence if wished_s is None else round(wished_s * SAMPLE_RATE_HZ)
        backlog = round(self._limits.backlog_s * SAMPLE_RATE_HZ)
        return Cadence(0 if self._is_file else live, backlog, self._transcriber.grain)

    def _open_ear(self, audio: AudioFormat) -> Ear:
        return self._separation.open_ear(audio, self._tell, is_file=self._is_file, sink=self._stem)

    async def _tell(self, chosen: SeparationChosen) -> None:
        # It says nothing of the watermark; the publisher keeps that from falling.
        await self._publisher.publish(chosen, 0)

    async def _transcribe(
        self, transcribing: Transcribing, heard: MemoryObjectReceiveStream[Heard], out: MemoryObjectSendStream[Known]
    ) -> None:
        try:
            with self._flush_scope, out:
                await transcribing.run(heard, out)
        except GenesisError as error:
            self._fail(error)
        # Nobody takes what is still heard.
        self._hearing_scope.cancel()

    async def _conclude(self, duration: int, watermark: int) -> None:
        if self._stem is not None:
            # Before the end is told: who hears of it may ask for the stem at once.
            await anyio.to_thread.run_sync(self._stem.finish)
        if self._failure is None:
            await self._publisher.publish(SessionEnded(self._reason or EndReason.COMPLETED, duration), watermark)
        elif not self._log_is_lost:
            failed = SessionFailed(self._failure.reason, self._failure.message, duration)
            try:
                await self._publisher.publish(failed, watermark)
            except GenesisError as error:
                _log.warning("Session %s failed unrecorded: %s", self._publisher.session_id, error.message)
        if not self._log_is_lost:
            await self._publisher.save_snapshot()
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: GenesisError) -> None:
        # The first failure is the cause, later ones are its echoes.
        self._failure = self._failure or error

    def _has_heard_all(self) -> bool:
        return self._listener is not None and self._listener.over

    @property
    def _is_file(self) -> bool:
        return self._config.audio.encoding is AudioEncoding.CONTAINER

    def _is_half_a_file(self, listener: Listener) -> bool:
        return self._is_file and listener.stopped and self._reason is EndReason.DRAINED

    def _check_resumable(self) -> None:
        """Raises InvalidInput: CONFIG_INVALID, an earlier attempt of this session was configured otherwise."""
        started = self._publisher.held.started
        if started is not None and (started.config, started.models) != (self._config, self._models):
            raise InvalidInput(
                Reason.CONFIG_INVALID,
                f"Session {self._publisher.session_id} was begun with another configuration or model; name a new one.",
            )
