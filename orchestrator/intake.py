"""What the caller sends, put in order: the first message configures, later ones carry audio, silence has a limit."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

import anyio

from music.errors import GenesisError, InvalidInput, Overloaded, Reason
from music.events import AudioEncoding, SessionConfig
from orchestrator.audio_limits import check_chunk_size, check_rate_and_channels
from orchestrator.inbox import AudioSource

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
    """The caller's chunks until there are no more, none comes for too long, or we are told to stop.

    Args:
        source: where they come from.
        idle_timeout_s: longest wait for a chunk that holds something.
        total_timeout_s: longest life of the whole stream.

    Attributes:
        over: the caller has said everything.
        stopped: we were told to take no more, before it had.
    """

    def __init__(self, source: AudioSource, idle_timeout_s: float, total_timeout_s: float) -> None:
        self.over = False
        self.stopped = False
        self._source = source
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

    async def next(self, wanted: int = 1) -> list[bytes]:
        """The next chunks; none when the audio is over or we were stopped.

        Args:
            wanted: bytes below which nothing can be done yet; fewer come when no more do.

        Raises:
            InvalidInput: CHUNK_TOO_LARGE, AUDIO_TOO_LONG, and whatever the caller's side raises.
            Overloaded: STREAM_IDLE.
        """
        now = anyio.current_time()
        if self._ends_at is None:
            self._ends_at = now + self._total_timeout_s
        chunks: list[bytes] = []
        with anyio.CancelScope(deadline=min(now + self._idle_timeout_s, self._ends_at)) as scope:
            self._waiting = scope
            if not self.stopped:
                chunks = await self._source.take(wanted)
        self._waiting = None
        if self.stopped:
            return []
        if not chunks and self._source.is_over:
            self.over = True
            return []
        # The deadline may have come before what was wanted had.
        chunks = chunks or self._source.take_now()
        if not chunks:
            raise self._too_late()
        for chunk in chunks:
            check_chunk_size(chunk)
        return chunks

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
