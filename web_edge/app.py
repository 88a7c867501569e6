"""The composition root: what the edge consists of and who is told about whom."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict

import anyio
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bus.recording import consume_durable
from bus.session_log import read_rest
from music.errors import GenesisError
from music.events import SessionEvent
from web_edge.accounts.doors import AccountDoors, AccountParts
from web_edge.accounts.gate import RequestLimit
from web_edge.audio_api import AudioApi
from web_edge.audio_files import AudioFiles
from web_edge.bus_link import BusLink
from web_edge.database import Database
from web_edge.documents import Documents
from web_edge.documents_api import DocumentsApi
from web_edge.exports_api import ExportsApi, Limits
from web_edge.features_api import FeaturesApi
from web_edge.guard import Guard
from web_edge.health import Health
from web_edge.hub import Hub
from web_edge.jobs import JobRunner, Patience
from web_edge.live import LiveSessions
from web_edge.notation_api import NotationApi
from web_edge.openapi.api import Described
from web_edge.openapi.operations import OPERATIONS
from web_edge.pages import page_routes
from web_edge.problems import HANDLERS
from web_edge.recorder import Recorder
from web_edge.relay import Relay
from web_edge.resumable.api import UploadsApi
from web_edge.resumable.parts import Parts
from web_edge.settings import Settings
from web_edge.shared_logs import SharedLogs
from web_edge.sockets import Sockets
from web_edge.stems import Stems
from web_edge.storage.keys import Keyring
from web_edge.storage.stores import open_store
from web_edge.transcriptions import Transcriptions
from web_edge.transcriptions_api import TranscriptionsApi
from web_edge.upkeep.ageing import Ageing
from web_edge.upkeep.sweeping import Sweeper, Swept
from web_edge.uplink import Uplink
from web_edge.versions import note_deprecated
from web_edge.videos.fetching import Videos
from web_edge.videos.recordings import VideoRecordings
from web_edge.videos.settings import VideoSettings

log = structlog.get_logger(__name__)

_AGAIN_S = 1.0


def create_app(settings: Settings) -> Starlette:
    """The ASGI application; everything it holds is opened and closed by its lifespan.

    Raises InvalidInput: CONFIG_INVALID, settings that do not fit together and files that are not what they should be.
    """
    parts = AccountParts.of(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            stack.push_async_callback(parts.close)
            database = await stack.enter_async_context(Database.open(settings.database))
            await database.migrate()
            uplink = await stack.enter_async_context(
                Uplink.open(
                    settings.orchestrator,
                    signer=parts.signer,
                    credentials=parts.uplink_credentials,
                    name=settings.orchestrator_name,
                )
            )
            edge = _Edge(settings, database, uplink, parts)
            stack.callback(edge.close)
            # The mount at "/" takes every path: what the page does not have comes before it.
            app.router.routes[:0] = edge.routes()
            await edge.tidy()
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(edge.bus.run)
            await group.start(edge.logs.run)
            for work in (edge.record, edge.jobs.run, edge.stems.run, edge.purge, edge.sweep, *edge.account_work):
                group.start_soon(_keep_at, work)
            yield

    return Starlette(
        routes=page_routes(settings.ui_dir, settings.demo),
        middleware=[Middleware(Guard, parts.sites), Middleware(RequestLimit, parts.counters)],
        exception_handlers=dict(HANDLERS),
        lifespan=lifespan,
    )


def open_audio_files(settings: Settings) -> AudioFiles:
    """Raises InvalidInput: CONFIG_INVALID."""
    store = open_store(settings.storage_url, settings.audio_dir)
    return AudioFiles(store, Keyring.open(settings.keys), settings.max_upload_bytes)


def open_parts(settings: Settings) -> Parts:
    """Uploads on their way. Raises InvalidInput: CONFIG_INVALID."""
    return Parts(settings.uploads_dir, Keyring.open(settings.keys))


class _Edge:
    """The parts, wired."""

    def __init__(self, settings: Settings, database: Database, uplink: Uplink, parts: AccountParts) -> None:
        self.bus = BusLink(settings.nats_url, parts.bus_tls)
        self._settings = settings
        self._transcriptions = Transcriptions(database)
        self._ageing = Ageing(database)
        self._files = open_audio_files(settings)
        hub = Hub()
        self._recorder = Recorder(database, self._read_rest, hub)
        patience = Patience(settings.job_attempts, settings.job_backoff_s, settings.job_backoff_max_s)
        videos = Videos(VideoSettings())
        self._video_recordings = VideoRecordings(
            self._transcriptions, self._files, videos, settings.data_dir / "videos"
        )
        self.jobs = JobRunner(
            transcriptions=self._transcriptions,
            files=self._files,
            uplink=uplink,
            bus=self.bus,
            recorder=self._recorder,
            hub=hub,
            videos=self._video_recordings,
            concurrency=settings.concurrent_jobs,
            patience=patience,
        )
        self.logs = SharedLogs(self.bus)
        relay = Relay(self.bus, self.logs, self._transcriptions, hub, settings.record_wait_s)
        live = LiveSessions(settings.max_live_sessions, settings.live_sessions_per_user)
        self._sockets = Sockets(settings, relay, uplink, self._recorder, live)
        self._health = Health(database, self.bus, uplink)
        documents = DocumentsApi(self._transcriptions, Documents(database))
        limits = Limits(settings.export_limit_s, settings.export_memory_bytes, settings.concurrent_exports)
        self._exports = ExportsApi(self._transcriptions, documents, limits)
        self._notation = NotationApi(documents)
        self._api = TranscriptionsApi(
            transcriptions=self._transcriptions,
            documents=documents,
            files=self._files,
            jobs=self.jobs,
            live=live,
            hub=hub,
            bus=self.bus,
            max_upload_bytes=settings.max_upload_bytes,
            upload_idle_s=settings.upload_idle_s,
            videos=videos,
        )
        self.stems = Stems(self._transcriptions, self._files, uplink, hub)
        self._features = FeaturesApi(settings.max_upload_bytes, videos.settings)
        self._audio = AudioApi(self._transcriptions, self._files, self.stems)
        self._parts = open_parts(settings)
        self._uploads = UploadsApi(
            self._transcriptions,
            self._files,
            self.jobs,
            self._parts,
            settings.max_upload_bytes,
            settings.upload_idle_s,
        )
        self._sweeper = Sweeper(settings, database, self._files, self._parts, self._api.delete_one)
        self._doors = AccountDoors(parts, database, self.bus, self._transcriptions)
        self._doors.on_deletion(self._delete_owned)

    @property
    def account_work(self) -> list[Callable[[], Awaitable[None]]]:
        return [*self._doors.work, self._watch_sockets] if self._doors.accounts else []

    async def _watch_sockets(self) -> None:
        await self._sockets.watch(self._doors.standing)

    def routes(self) -> list[BaseRoute]:
        """Every one of them behind the gate."""
        files = (self._api, self._uploads, self._audio, self._notation, self._exports)
        ours = (self._health, self._features, *files, self._sockets, self._doors)
        routes = [route for api in ours for route in api.routes()]
        described = Described(routes, accounts=self._doors.accounts is not None)
        return note_deprecated(self._doors.gate.before([*routes, *described.routes()]), OPERATIONS)

    def close(self) -> None:
        self._doors.close()

    async def _delete_owned(self, account_id: str) -> None:
        for transcription_id in await self._transcriptions.owned_by(account_id):
            await self._api.delete_one(transcription_id)
        await self._parts.remove_owned(account_id)

    async def tidy(self) -> None:
        """Clear away what a crash left half done."""
        await self._video_recordings.sweep()
        await self._parts.sweep()
        await self._files.tidy(await self._ageing.ids_with_files())

    async def record(self) -> None:
        await consume_durable(await self.bus.wait(), self._recorder.record)

    async def purge(self) -> None:
        """Also what the command line has deleted, which does not know the bus."""
        while True:
            await self.bus.wait()
            await self._api.purge_deleted()
            await anyio.sleep(self._settings.sweep_s)

    async def sweep(self) -> None:
        while True:
            swept = await self._sweeper.sweep()
            if swept is not None and swept != Swept():
                log.info("edge.swept", **asdict(swept))
            await anyio.sleep(self._settings.sweep_s)

    def _read_rest(self, session_id: str, after_sequence: int) -> AsyncGenerator[SessionEvent, None]:
        return read_rest(self.bus.require(), session_id, after_sequence)


async def _keep_at(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` again when a neighbour's absence, or a mistake of ours, has ended it: the rest of the edge goes on."""
    while True:
        try:
            await work()
        except GenesisError as error:
            log.warning("edge.tries_again", work=getattr(work, "__name__", ""), error=error.message)
        except Exception:
            log.exception("edge.broke", work=getattr(work, "__name__", ""))
        await anyio.sleep(_AGAIN_S)
