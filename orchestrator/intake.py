"""What the caller sends, put in order: the first message configures, later ones carry audio, silence has a limit."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterable
from dataclasses import replace

import anyio
import anyio.lowlevel

from music.errors import GenesisError, InvalidInput, Overloaded, Reason
from music.events import AudioEncoding, SessionConfig
from orchestrator.audio_limits import check_chunk_size, check_rate_and_channels

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_session_id(session_id: str) -> str:
    """The id itself.

    Raises:
        InvalidInput: CONFIG_INVALID.
    """
    if not _SESSION_ID.fullmatch(session_id):
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            "A session id is 1 to 64 of the characters A-Z, a-z, 0-9, _ and -; or leave it empty.",
        )
    return session_id


def complete_config(config: SessionConfig) -> SessionConfig:
    """The configuration with its session id, checked as far as it can be without a model.

    Raises:
        InvalidInput: CONFIG_INVALID, SAMPLE_RATE_OUT_OF_RANGE, CHANNEL_COUNT_OUT_OF_RANGE.
    """
    session_id = check_session_id(config.session_id) if config.session_id else uuid.uuid4().hex
    if config.audio.encoding is not AudioEncoding.CONTAINER:
        check_rate_and_channels(config.audio.sample_rate_hz, config.audio.channel_count)
    return replace(config, session_id=session_id)


class Listener:
    """The caller's chunks, one at a time, until there are no more, none comes for too long, or we are told to stop.

    Args:
        idle_timeout_s: longest wait for a chunk that holds something.
        total_timeout_s: longest life of the whole stream.

    Attributes:
        over: the caller has said everything.
        stopped: we were told to take no more, before it had.
    """

    def __init__(self, chunks: AsyncIterable[bytes], idle_timeout_s: float, total_timeout_s: float) -> None:
        self.over = False
        self.stopped = False
        self._chunks = aiter(chunks)
        self._idle_timeout_s = idle_timeout_s
        self._total_timeout_s = total_timeout_s
        self._ends_at: float | None = None
        self._waiting: anyio.CancelScope | None = None

    def stop(self) -> None:
        """Take no further chunk."""
        if self.over:
            return
        self.stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def next(self) -> bytes | None:
        """The next chunk that is not empty; None when the audio is over or we were stopped.

        Raises:
            InvalidInput: CHUNK_TOO_LARGE, AUDIO_TOO_LONG, and whatever the caller's side raises.
            Overloaded: STREAM_IDLE.
        """
        if self._ends_at is None:
            self._ends_at = anyio.current_time() + self._total_timeout_s
        chunk: bytes | None = b""
        with anyio.CancelScope(deadline=min(anyio.current_time() + self._idle_timeout_s, self._ends_at)) as scope:
            self._waiting = scope
            while chunk == b"" and not self.stopped:
                chunk = await anext(self._chunks, None)
                # An endless run of empty chunks must leave the clock its turn.
                await anyio.lowlevel.checkpoint_if_cancelled()
        self._waiting = None
        if chunk:
            check_chunk_size(chunk)
            return chunk
        if self.stopped:
            return None
        if chunk is None:
            self.over = True
            return None
        raise self._too_late()

    def _too_late(self) -> GenesisError:
        if self._ends_at is not None and anyio.current_time() >= self._ends_at:
            return too_long(self._total_timeout_s)
        return Overloaded(
            Reason.STREAM_IDLE,
            f"No audio came for {self._idle_timeout_s:g} s; end the stream when there is nothing to send.",
        )


def too_long(limit_s: float) -> InvalidInput:
    return InvalidInput(
        Reason.AUDIO_TOO_LONG, f"A session takes {limit_s / 3600:g} h of audio; begin another.", limit_s=limit_s
    )
