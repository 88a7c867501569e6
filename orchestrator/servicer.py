"""The gRPC face: translates calls to sessions and errors to statuses, and thinks no further."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, NoReturn

import anyio
import anyio.to_thread
import grpc
import structlog
from grpc_status import rpc_status

from access.caller import Scope
from bus.session_log import follow, read_state
from music.errors import GenesisError, InvalidInput, Overloaded, Reason
from music.events import SessionConfig, SnapshotTaken
from music.player_settings import arrange_for
from orchestrator.desk import LiveSession, SessionDesk
from orchestrator.door import check_may_see, present_caller
from orchestrator.intake import check_session_id
from orchestrator.neighbours import BusLink
from orchestrator.stems import StemShelf, no_stem
from wire.codec import encode_event, encode_snapshot
from wire.config_codec import decode_config, decode_instrument, decode_player
from wire.errors import to_status
from wire.gen.genesis.v1 import note_pb2, transcription_service_pb2, transcription_service_pb2_grpc
from wire.note_codec import decode_note, encode_note
from wire.rhythm_codec import decode_lock_request

SESSION_ID_KEY = "session-id"
"""Initial metadata of StreamTranscribe."""

_LAST_MESSAGES_S = 0.5
"""How long a refused caller may still send before it gets its status."""

pb = transcription_service_pb2
Context = Any
"""grpc.aio.ServicerContext; its stubs lack `abort_with_status`."""

log = structlog.get_logger(__name__)


class TranscriptionServicer(transcription_service_pb2_grpc.TranscriptionServiceServicer):
    """`genesis.v1.TranscriptionService` over this server's sessions and the bus they are written to.

    Args:
        first_message_s: how long a new stream may take to send its configuration.
        stems: where stems are kept; None for nowhere.
    """

    def __init__(
        self, desk: SessionDesk, link: BusLink, first_message_s: float, stems: StemShelf | None = None
    ) -> None:
        self._desk = desk
        self._stems = stems
        self._link = link
        self._first_message_s = first_message_s

    async def StreamTranscribe(  # noqa: N802 - the name is the contract's
        self, request_iterator: AsyncIterator[pb.StreamTranscribeRequest], context: Context
    ) -> AsyncGenerator[pb.StreamTranscribeResponse, None]:
        async with _answering(context):
            reader = _Reader(request_iterator)
            try:
                caller = present_caller()
                caller.require(Scope.WRITE)
                live = await self._desk.open(await self._read_config(reader), caller)
                # The generator may be left suspended when the call is cancelled; this comes in every case.
                context.add_done_callback(lambda _context: live.leave())
                reader.start(live, context)
                try:
                    await context.send_initial_metadata(((SESSION_ID_KEY, live.session_id),))
                    async for event in live.events:
                        yield pb.StreamTranscribeResponse(event=encode_event(event))
                finally:
                    live.leave()
                if live.failure is not None:
                    raise live.failure
            except GenesisError:
                await reader.let_finish(_LAST_MESSAGES_S)
                raise
            else:
                await reader.let_finish(_LAST_MESSAGES_S)
            finally:
                reader.stop()

    async def WatchSession(  # noqa: N802
        self, request: pb.WatchSessionRequest, context: Context
    ) -> AsyncGenerator[pb.WatchSessionResponse, None]:
        async with _answering(context):
            session_id = await self._visible(request.session_id)
            async with aclosing(follow(self._link.bus, session_id, request.after_sequence)) as events:
                async for event in events:
                    if isinstance(event.payload, SnapshotTaken):
                        # An hour's notes: too long a work for everybody else to wait.
                        yield pb.WatchSessionResponse(event=await anyio.to_thread.run_sync(encode_event, event))
                    else:
                        yield pb.WatchSessionResponse(event=encode_event(event))

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:  # noqa: N802
        async with _answering(context):
            session_id = await self._visible(request.session_id)
            state = await read_state(self._link.bus, session_id)
            session = await anyio.to_thread.run_sync(lambda: encode_snapshot(session_id, state.snapshot()))
            return pb.GetSessionResponse(session=session)

    async def GetStem(  # noqa: N802
        self, request: pb.GetStemRequest, context: Context
    ) -> AsyncGenerator[pb.GetStemResponse, None]:
        async with _answering(context):
            session_id = await self._visible(request.session_id)
            if self._stems is None:
                raise no_stem(session_id)
            async with aclosing(self._stems.pieces(session_id)) as pieces:
                async for piece in pieces:
                    yield pb.GetStemResponse(data=piece)

    async def ArrangeNotes(self, request: pb.ArrangeNotesRequest, context: Context) -> pb.ArrangeNotesResponse:  # noqa: N802
        async with _answering(context):
            instrument = decode_instrument(request.instrument)
            for message in request.notes:
                _check_times(message)
            notes = [decode_note(message) for message in request.notes]
            settings = decode_player(request.player).settings(instrument, dict(request.pins))
            placed = await anyio.to_thread.run_sync(arrange_for, notes, settings)
            return pb.ArrangeNotesResponse(notes=[encode_note(note) for note in placed])

    async def _visible(self, session_id: str) -> str:
        """The id of a session that the caller may see. Raises as `check_session_id` and `check_may_see`; Forbidden."""
        caller = present_caller()
        caller.require(Scope.READ)
        await check_may_see(self._link, check_session_id(session_id), caller)
        return session_id

    async def _read_config(self, reader: _Reader) -> SessionConfig:
        try:
            async with asyncio.timeout(self._first_message_s):
                first = await reader.first()
        except TimeoutError:
            raise Overloaded(
                Reason.STREAM_IDLE, f"No configuration came for {self._first_message_s:g} s; send it first."
            ) from None
        if first is None or first.WhichOneof("message") != "config":
            raise InvalidInput(Reason.CONFIG_MISSING, "The first message must carry the configuration, and only that.")
        return decode_config(first.config)


class _Reader:
    """Reads a call's messages in a task of its own, to their end: a status that crosses a message on its way is lost in
    some clients (grpc.aio shows an internal error instead), so what is not wanted any more is still taken.
    """

    def __init__(self, requests: AsyncIterator[pb.StreamTranscribeRequest]) -> None:
        self._requests = aiter(requests)
        self._task: asyncio.Task[None] | None = None

    async def first(self) -> pb.StreamTranscribeRequest | None:
        return await anext(self._requests, None)

    def start(self, live: LiveSession, context: Context) -> None:
        """Hand all further messages to a session."""
        self._task = asyncio.create_task(self._feed(live, context))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def let_finish(self, timeout_s: float) -> None:
        """Return when the caller has ended its stream, or after `timeout_s`."""
        if self._task is None:
            self._task = asyncio.create_task(self._discard())
        await asyncio.wait({self._task}, timeout=timeout_s)

    async def _feed(self, live: LiveSession, context: Context) -> None:
        async for request in self._requests:
            if not await _hand_over(request, live):
                break
        else:
            # A cancelled call reads like one that was half-closed; its callback says that the caller has left.
            if not context.cancelled():
                live.end_audio()
        await self._discard()

    async def _discard(self) -> None:
        async for _ in self._requests:
            pass


async def _hand_over(request: pb.StreamTranscribeRequest, live: LiveSession) -> bool:
    """One message after the first; False when the session takes no more audio."""
    match request.WhichOneof("message"):
        case "config":
            twice = InvalidInput(Reason.CONFIG_DUPLICATE, "The configuration came twice; it comes first and once.")
            await live.feed(twice)
        case "lock_rhythm":
            try:
                live.lock_rhythm(decode_lock_request(request.lock_rhythm))
            except GenesisError as error:
                await live.feed(error)
        case _:
            return await live.feed(request.audio.data)
    return True


@asynccontextmanager
async def _answering(context: Context) -> AsyncIterator[None]:
    """Turns what the block raises into the call's status: ours with their reason, others as INTERNAL and no more."""
    try:
        yield
    except GenesisError as error:
        await _abort(context, error)
    except grpc.aio.AbortError:
        raise
    except Exception:
        log.exception("call.broke")
        await _abort(
            context, GenesisError(Reason.INTERNAL, "Something went wrong on our side; the server's log says what.")
        )


async def _abort(context: Context, error: GenesisError) -> NoReturn:
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
    raise AssertionError("abort returned")


def _check_times(note: note_pb2.Note) -> None:
    """Raises InvalidInput: REQUEST_INVALID for a time that is no number; the codec rounds them to samples."""
    times = [note.onset_s, note.offset_s, *(bend.time_s for bend in note.bends)]
    if not all(math.isfinite(time_s) and 0 <= time_s < 1e6 for time_s in times):
        raise InvalidInput(Reason.REQUEST_INVALID, f"Note {note.id[:64]!r} has a time that is not a number of seconds.")
