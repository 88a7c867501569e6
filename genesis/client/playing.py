"""A session that is played: audio up a WebSocket, its events down, and what the player decides about the bars."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from genesis.client.documents import UNSAID, Unsaid, said_of_bars
from genesis.client.errors import error_of_problem, unreachable
from genesis.client.following import event_of, is_end
from genesis.client.transport import Transport
from genesis.client.values import Options
from music.errors import GenesisError, Reason
from music.events import AudioFormat, SessionEvent
from wire.errors import from_reason

_HARMLESS = frozenset({Reason.RHYTHM_LOCK_INVALID, Reason.RHYTHM_LOCK_LIMIT})


class LiveSession:
    """One microphone's session, between `Transcriptions.live` and its end; send from one task and read in another.

    Attributes:
        refused: what was asked of the bars and cannot be, as it was told; the session went on as it was.
    """

    def __init__(self, socket: ClientConnection, transport: Transport) -> None:
        self.refused: list[GenesisError] = []
        self._socket = socket
        self._transport = transport

    async def play(self, audio: bytes) -> None:
        """Send samples, whole frames of them. Raises GenesisError: the session is over; Unavailable: the line is."""
        await self._send(audio)

    async def lock_rhythm(
        self,
        *,
        tempo_bpm: float | Unsaid | None = UNSAID,
        time_signature: str | Unsaid | None = UNSAID,
        bar_one_s: float | Unsaid | None = UNSAID,
        taps_s: Sequence[float] | Unsaid | None = UNSAID,
        at_s: float | None = None,
    ) -> None:
        """Draw the bars around what is decided; None is to be found, what is not said stays. No note moves.

        `RhythmLocked` answers it among the events, unless it says what holds already. Times are on the session's clock;
        it takes effect at `at_s`, or at once. Raises as `play`.
        """
        said = said_of_bars(tempo_bpm, time_signature, bar_one_s, taps_s)
        await self._send(json.dumps({"type": "rhythm:lock", **said, **({} if at_s is None else {"at_s": at_s})}))

    async def stop(self) -> None:
        """No more audio comes; the last events follow. Raises as `play`."""
        await self._send(json.dumps({"type": "stop"}))

    async def events(self) -> AsyncGenerator[SessionEvent, None]:
        """Every event to the session's end.

        Raises:
            GenesisError: the session failed, or something that was sent is wrong. Unavailable: the connection broke;
                `Transcriptions.follow` goes on with what was recorded.
        """
        try:
            async for text in self._socket:
                frame: dict[str, Any] = json.loads(text)
                if "event" in frame:
                    event = event_of(frame)
                    yield event
                    if is_end(event):
                        return
                elif "error" in frame:
                    error = error_of_problem(frame["error"])
                    if error.reason not in _HARMLESS:
                        raise error
                    self.refused.append(error)
        except ConnectionClosed as error:
            raise self._closed(error) from error
        raise unreachable(self._transport.base_url, ConnectionError("the socket was closed"))

    async def _send(self, message: str | bytes) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            raise self._closed(error) from error

    def _closed(self, error: ConnectionClosed) -> GenesisError:
        reason = error.rcvd.reason if error.rcvd else ""
        if reason in Reason.__members__:
            return from_reason(Reason(reason), f"The server closed the socket: {reason}.")
        return unreachable(self._transport.base_url, error)


@asynccontextmanager
async def playing(transport: Transport, audio: AudioFormat, options: Options) -> AsyncGenerator[LiveSession, None]:
    """Begin a session; it ends with the block. Raises GenesisError: the server refuses. Unavailable."""
    address = "ws" + transport.base_url.removeprefix("http") + "/ws/live"
    config = {
        "encoding": audio.encoding.value,
        "sample_rate_hz": audio.sample_rate_hz,
        "channel_count": audio.channel_count,
        **options.told(),
    }
    try:
        socket = await connect(
            address,
            additional_headers=await transport.shown(),
            max_size=None,
            open_timeout=transport.patience.timeout_s,
            proxy=None,
        )
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise unreachable(transport.base_url, error) from error
    async with socket:
        await socket.send(json.dumps({"type": "start", "config": config}))
        yield LiveSession(socket, transport)
