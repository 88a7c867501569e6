"""What waits to be sent to one reader: bounded, in order, and kind to slow readers where the contract allows it."""

from __future__ import annotations

import anyio
import anyio.to_thread

from music.errors import Overloaded, Reason
from music.events import NoteRevised, SnapshotTaken, is_durable
from web_edge.frames import EventFrame

_HEARTBEAT = ("", "heartbeat")


class Outbox:
    """Frames for one socket.

    A frame that may expire gives way to a newer one about the same thing, and to durable ones when room is short; both
    are counted in `coalesced`. A durable one waits for room, and after `patience_s` the reader is too slow.

    Args:
        max_frames, max_bytes: what may wait (characters of JSON, which is mostly ASCII); one frame always may.
        patience_s: how long a durable frame waits for room.
    """

    def __init__(self, max_frames: int, max_bytes: int, patience_s: float) -> None:
        self.coalesced = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._patience_s = patience_s
        self._waiting: dict[object, str] = {}  # in the order of sending; durable frames have an int as key
        self._bytes = 0
        self._numbered = 0
        self._closed = False
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    async def put_event(self, frame: EventFrame) -> None:
        """Raises Overloaded: READER_TOO_SLOW."""
        event = frame.event
        note = event.payload.note.id if isinstance(event.payload, NoteRevised) else ""
        about = (event.session_id, type(event.payload).__name__, note)
        if about in self._waiting:
            # Whatever follows says more about this note than the frame that still waits.
            self._drop(about)
        if isinstance(event.payload, SnapshotTaken):
            # A whole session's notes: too long a work for everybody else to wait.
            await self.put(await anyio.to_thread.run_sync(lambda: frame.text))
        elif is_durable(event.payload):
            await self.put(frame.text)
        else:
            self._put_perishable(about, frame.text)

    async def put(self, frame: str) -> None:
        """Queue a frame that must arrive. Raises Overloaded: READER_TOO_SLOW."""
        while self._is_full_for(frame) and self._drop_oldest_perishable():
            pass
        try:
            with anyio.fail_after(self._patience_s):
                while self._is_full_for(frame):
                    await self._change()
        except TimeoutError:
            raise Overloaded(
                Reason.READER_TOO_SLOW,
                f"You did not read for {self._patience_s:g} s and {len(self)} messages wait. Connect again and resume.",
            ) from None
        self.put_at_once(frame)

    def put_at_once(self, frame: str) -> None:
        """Queue a last word, whatever waits."""
        self._numbered += 1
        self._add(self._numbered, frame)

    def put_heartbeat(self, frame: str) -> None:
        """Queue a sign of life unless one waits already."""
        if _HEARTBEAT not in self._waiting:
            self._add(_HEARTBEAT, frame)

    async def get(self) -> str:
        """The next frame, waiting for one."""
        while not self._waiting:
            await self._change()
        frame = self._waiting.pop(next(iter(self._waiting)))
        self._bytes -= len(frame)
        self._note_change()
        return frame

    async def drained(self) -> None:
        """Returns once nothing waits."""
        while self._waiting:
            await self._change()

    def close(self) -> None:
        """Throw away what waits and whatever comes: the reader is gone."""
        self._closed = True
        self._waiting.clear()
        self._bytes = 0
        self._note_change()

    def _put_perishable(self, about: object, frame: str) -> None:
        while self._is_full_for(frame):
            if not self._drop_oldest_perishable():
                self.coalesced += 1
                return
        self._add(about, frame)

    def _add(self, key: object, frame: str) -> None:
        if self._closed:
            return
        self._waiting[key] = frame
        self._bytes += len(frame)
        self._note_change()

    def _drop(self, key: object) -> None:
        self._bytes -= len(self._waiting.pop(key))
        self.coalesced += 1

    def _drop_oldest_perishable(self) -> bool:
        for key in self._waiting:
            if not isinstance(key, int):
                self._drop(key)
                return True
        return False

    def _is_full_for(self, frame: str) -> bool:
        if not self._waiting or self._closed:
            return False
        return len(self._waiting) >= self._max_frames or self._bytes + len(frame) > self._max_bytes

    def _note_change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _change(self) -> None:
        await self._changed.wait()
