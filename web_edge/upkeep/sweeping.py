"""The sweep: what is older than the server is told to keep goes, and so does what crashes left.

Of several processes that share the database one sweeps at a time (`leases`); its steps can be taken twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from music.errors import NotFound
from web_edge.audio_files import AudioFiles
from web_edge.database import Database
from web_edge.resumable.parts import Parts
from web_edge.settings import Settings
from web_edge.upkeep.ageing import Ageing
from web_edge.upkeep.leases import Lease
from web_edge.upkeep.leftovers import remove_leftovers

_LEASE_S: Final = 600.0
_AT_ONCE: Final = 50
_ORPHAN_S: Final = 3_600.0
"""A recording is stored moments before its row is written: one that is younger may be somebody's yet."""
_DAY_NS: Final = 86_400 * 10**9


@dataclass(slots=True)
class Swept:
    """How much went: whole transcriptions, recordings of others, files that were nobody's, rows."""

    transcriptions: int = 0
    recordings: int = 0
    files: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Args: `delete` removes one transcription with everything of it; it raises NotFound for one that is gone."""

    settings: Settings
    database: Database
    files: AudioFiles
    parts: Parts
    delete: Callable[[str], Awaitable[None]]
    _holder: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def sweep(self) -> Swept | None:
        """None when another process sweeps. Raises Unavailable: DATABASE_UNAVAILABLE, STORAGE_UNAVAILABLE."""
        # Uploads on their way lie in a folder of this machine.
        await self.parts.sweep()
        lease = Lease(self.database, "sweep", self._holder)
        if not await lease.take(_LEASE_S):
            return None
        try:
            return await self._sweep(lease)
        finally:
            await lease.give_back()

    async def _sweep(self, lease: Lease) -> Swept:
        swept, store = Swept(), Ageing(self.database)
        while old := await store.older_than(_before(self.settings.keep_results_days), _AT_ONCE):
            for transcription_id in old:
                with suppress(NotFound):
                    await self.delete(transcription_id)
                    swept.transcriptions += 1
            if not await lease.take(_LEASE_S):
                return swept
        before = _before(self.settings.keep_recordings_days)
        while old := await store.older_than(before, _AT_ONCE, with_recording=True):
            for transcription_id in old:
                if await store.forget_recording(transcription_id):
                    await self.files.remove(transcription_id)
                    swept.recordings += 1
            if not await lease.take(_LEASE_S):
                return swept
        # Stems of sessions that were played have no column of their own; they are too old by when these began.
        swept.files = await self.files.sweep(await store.ids_with_files(before), older_than_s=_ORPHAN_S)
        swept.rows = await remove_leftovers(self.database, _before(self.settings.keep_audit_days))
        return swept


def _before(days: int) -> int:
    """The moment (Unix nanoseconds) before which what is to be kept for `days` is too old; 0 keeps for ever."""
    return time.time_ns() - days * _DAY_NS if days else 0
