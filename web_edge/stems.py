"""Stems: brought into the store from the orchestrator, which keeps them for a while; `audio_api` gives them out."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import structlog

from music.errors import Conflict, GenesisError, NotFound, Reason
from music.events import Separation
from web_edge.audio_files import AudioFiles, stem_of
from web_edge.hub import Hub
from web_edge.rows import Transcription
from web_edge.transcriptions import Transcriptions
from web_edge.uplink import Uplink

_WAITING = 256
"""Sessions whose stem is still to be brought. Those beyond are brought when somebody asks for them."""

log = structlog.get_logger(__name__)


class Stems:
    """The stems of transcriptions that are over."""

    def __init__(self, transcriptions: Transcriptions, files: AudioFiles, uplink: Uplink, hub: Hub) -> None:
        self._transcriptions = transcriptions
        self._files = files
        self._uplink = uplink
        self._hub = hub
        self._turn = anyio.Lock()

    async def run(self) -> None:
        """Bring the stem of every session that this edge records the end of, until cancelled."""
        ended, sessions = anyio.create_memory_object_stream[str](_WAITING)

        def note(session_id: str) -> None:
            try:
                ended.send_nowait(session_id)
            except anyio.WouldBlock:
                log.warning("stem.postponed", id=session_id)

        with ended, sessions, self._hub.on_each_recorded(note):
            async for session_id in sessions:
                try:
                    known = await self._transcriptions.find(session_id)
                    if known is not None and has_stem(known):
                        await self._bring(known)
                except GenesisError as error:
                    log.warning("stem.not_brought", id=session_id, error=error.message)

    async def size(self, known: Transcription) -> int:
        """Bytes of a transcription's stem, brought now if it is not here yet.

        Raises:
            Conflict: RESULT_NOT_READY. NotFound: STEM_NOT_FOUND.
            Unavailable: ORCHESTRATOR_UNAVAILABLE, STORAGE_UNAVAILABLE.
        """
        if not known.is_over:
            raise Conflict(Reason.RESULT_NOT_READY, "The stem is there once the transcription is over.")
        if not has_stem(known):
            raise NotFound(Reason.STEM_NOT_FOUND, "Nothing was separated in this transcription.", id=known.id)
        size = await self._files.size(stem_of(known.id))
        if size is None:
            await self._bring(known)
            size = await self._files.size(stem_of(known.id))
        if size is None:
            raise NotFound(Reason.STEM_NOT_FOUND, "This transcription's stem is kept no more.", id=known.id)
        return size

    async def _bring(self, known: Transcription) -> None:
        async with self._turn, self._files.receive(stem_of(known.id)) as incoming:
            async with aclosing(self._uplink.stem(known.id, known.owner)) as pieces:
                async for piece in pieces:
                    await incoming.write(piece)
            await incoming.finish(known.title)
            # It may have been deleted meanwhile, and its files with it.
        if await self._transcriptions.find(known.id) is None:
            await self._files.remove(known.id)


def has_stem(known: Transcription) -> bool:
    """Whether a stem of the recording was heard."""
    return known.separation is not None and known.separation.separation is not Separation.OFF
