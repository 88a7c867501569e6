"""The jobs: every stored upload is fed to the orchestrator, a few at a time, until the recorder has its end."""

from __future__ import annotations

from collections import deque
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import stamina
import structlog

from bus.session_log import delete_session, read_end
from music.errors import Conflict, GenesisError, Reason, Unavailable
from music.events import Progressed, SessionEnded, SessionEvent, SessionFailed
from web_edge.audio_files import AudioFiles
from web_edge.bus_link import BusLink
from web_edge.hub import Hub
from web_edge.recorder import Recorder
from web_edge.rows import Priority
from web_edge.session_tables import is_cut_short
from web_edge.transcriptions import Transcriptions
from web_edge.uplink import Uplink, is_over_already, is_transient
from web_edge.videos.recordings import VideoRecordings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long apart a job is offered to an orchestrator that does not take it."""

    attempts: int = 8
    first_wait_s: float = 0.25
    longest_wait_s: float = 10.0


class JobRunner:
    """Runs jobs; `run` until cancelled. Ids are of transcriptions."""

    def __init__(
        self,
        *,
        transcriptions: Transcriptions,
        files: AudioFiles,
        uplink: Uplink,
        bus: BusLink,
        recorder: Recorder,
        hub: Hub,
        videos: VideoRecordings,
        concurrency: int,
        patience: Patience,
    ) -> None:
        self._transcriptions = transcriptions
        self._files = files
        self._uplink = uplink
        self._bus = bus
        self._recorder = recorder
        self._hub = hub
        self._videos = videos
        self._patience = patience
        self._slots = anyio.CapacityLimiter(concurrency)
        # In the order of taking; bounded by the rows in the database they mirror.
        self._queues: dict[Priority, deque[str]] = {priority: deque() for priority in (Priority.HIGH, Priority.NORMAL)}
        self._news = anyio.Event()
        self._running: dict[str, tuple[anyio.CancelScope, anyio.Event]] = {}
        self._progress: dict[str, float] = {}
        self._again = anyio.Lock()

    def submit(self, transcription_id: str, priority: Priority = Priority.NORMAL) -> None:
        """Queue a job whose row and file stand, behind all of its priority."""
        self._queues[priority].append(transcription_id)
        self._news.set()

    def progress_of(self, transcription_id: str) -> float:
        """Part of the recording that is transcribed, 0..1, of a running job; 0 for any other."""
        return self._progress.get(transcription_id, 0.0)

    async def stop(self, transcription_id: str) -> None:
        """Stop a job, waiting or running; returns once it has stopped."""
        for queue in self._queues.values():
            if transcription_id in queue:
                queue.remove(transcription_id)
        running = self._running.get(transcription_id)
        if running is not None:
            scope, stopped = running
            scope.cancel()
            await stopped.wait()

    async def begin_again(self, transcription_id: str) -> None:
        """Queue a job that failed or was cancelled as if it were new.

        Raises NotFound: TRANSCRIPTION_NOT_FOUND. Conflict: JOB_STATE_CONFLICT. Unavailable: BUS_UNAVAILABLE.
        """
        async with self._again:
            await self._transcriptions.check_retriable(transcription_id)
            # What a cancelled run still holds ends before its log goes.
            await self.stop(transcription_id)
            await self._clear(transcription_id)
            known = await self._transcriptions.get(transcription_id)
            self.submit(transcription_id, known.priority)

    async def run(self) -> None:
        """Take up what an earlier process left unfinished, then whatever is submitted."""
        for transcription_id, priority in await self._transcriptions.unfinished_uploads():
            if transcription_id not in self._queues[priority]:
                self.submit(transcription_id, priority)
        async with anyio.create_task_group() as group:
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                while any(self._queues.values()):
                    await self._slots.acquire_on_behalf_of(slot := object())
                    # Who is first is known once there is a slot: a high one may have come while we waited.
                    queue = next(filter(None, self._queues.values()), None)
                    if queue is None:
                        self._slots.release_on_behalf_of(slot)
                        break
                    group.start_soon(self._run_job, queue.popleft(), slot)

    async def _run_job(self, transcription_id: str, slot: object) -> None:
        scope, stopped = anyio.CancelScope(), anyio.Event()
        self._running[transcription_id] = (scope, stopped)
        try:
            with scope:
                await self._finish(transcription_id)
        finally:
            del self._running[transcription_id]
            self._progress.pop(transcription_id, None)
            self._slots.release_on_behalf_of(slot)
            stopped.set()

    async def _finish(self, transcription_id: str) -> None:
        try:
            async for attempt in stamina.retry_context(
                on=is_transient,
                attempts=self._patience.attempts,
                timeout=None,
                wait_initial=self._patience.first_wait_s,
                wait_max=self._patience.longest_wait_s,
                wait_jitter=self._patience.first_wait_s,
            ):
                with attempt:
                    await self._attempt(transcription_id)
        except GenesisError as error:
            await self._give_up(transcription_id, error)
        except Exception:
            log.exception("job.broke", id=transcription_id)
            broken = GenesisError(Reason.INTERNAL, "The job broke on our side; the log of the edge says why.")
            await self._give_up(transcription_id, broken)

    async def _attempt(self, transcription_id: str) -> None:
        """Raises GenesisError: transient when the job should be offered again."""
        transcription = await self._transcriptions.get(transcription_id)
        if transcription.is_over:
            return
        await self._transcriptions.mark_processing(transcription_id)
        await self._videos.bring(transcription)
        listener = _Listener(self, transcription_id)
        try:
            async with aclosing(self._files.pieces(transcription_id)) as pieces:
                await self._uplink.transcribe(transcription.config, pieces, listener.hear, transcription.owner)
        except GenesisError as error:
            told_by_the_log = (
                is_over_already(error) or listener.was_cut_short or await self._has_failed(transcription_id)
            )
            if not told_by_the_log:
                raise
        if listener.was_cut_short or listener.over is None:
            await self._settle(transcription_id)
        else:
            await self._recorder.hasten(transcription_id)

    async def _has_failed(self, transcription_id: str) -> bool:
        """Whether the log says why the session broke; it does so more surely than the call."""
        try:
            return isinstance(await read_end(self._bus.require(), transcription_id), SessionFailed)
        except GenesisError:
            return False

    async def _settle(self, transcription_id: str) -> None:
        """The log is over, but not by what we heard: record it as it is, or clear it away and begin again."""
        bus = self._bus.require()
        over = await read_end(bus, transcription_id)
        if over is not None and not is_cut_short(over):
            await self._recorder.record_whole(transcription_id)
            return
        # An earlier attempt's caller (an edge that died) went away, and its log says so for good.
        log.info("job.begins_again", id=transcription_id)
        await self._clear(transcription_id)
        raise Conflict(Reason.SESSION_SUPERSEDED, "The job was cut short and kept being cut short. Upload it again.")

    async def _clear(self, transcription_id: str) -> None:
        await delete_session(self._bus.require(), transcription_id)
        self._recorder.forget(transcription_id)
        await self._transcriptions.start_over(transcription_id)

    async def _give_up(self, transcription_id: str, error: GenesisError) -> None:
        log.warning("job.failed", id=transcription_id, reason=error.reason, error=error.message)
        while True:
            try:
                if await self._transcriptions.fail(transcription_id, error):
                    self._hub.note_broken(transcription_id, error)
                return
            except Unavailable:
                # Only the database can remember that this job is over.
                await anyio.sleep(self._patience.longest_wait_s)

    def note_progress(self, transcription_id: str, fraction: float) -> None:
        self._progress[transcription_id] = max(self.progress_of(transcription_id), min(fraction, 1.0))


class _Listener:
    """Hears one attempt's events for progress and for how it ended."""

    def __init__(self, runner: JobRunner, transcription_id: str) -> None:
        self._runner = runner
        self._id = transcription_id
        self._duration: int | None = None
        self.over: SessionEnded | SessionFailed | None = None

    @property
    def was_cut_short(self) -> bool:
        return self.over is not None and is_cut_short(self.over)

    def hear(self, event: SessionEvent) -> None:
        match event.payload:
            case Progressed(_, duration) if duration is not None:
                self._duration = duration
            case SessionEnded() | SessionFailed() as over:
                self.over = over
        if self._duration:
            self._runner.note_progress(self._id, event.processed_until / self._duration)
