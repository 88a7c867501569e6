"""The session without a server: same code, its log in memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Callable
from pathlib import Path

from anyio import to_thread

from inference.registry import default_model_repo, load_transcriber
from music.beats import NO_LOCK, RhythmLock
from music.events import SessionConfig, SessionEvent
from music.rhythm_locks import LockRequest
from music.session_state import SessionState
from orchestrator.inbox import OneByOne
from orchestrator.intake import complete_config
from orchestrator.publisher import MemorySink, Publisher
from orchestrator.separating import SeparatorShelf
from orchestrator.session import Session, SessionLimits
from orchestrator.stems import StemFile


def _ignore(_event: SessionEvent) -> None:
    pass


async def transcribe_locally(
    chunks: AsyncIterable[bytes],
    config: SessionConfig,
    *,
    model_repo: Path | None = None,
    on_event: Callable[[SessionEvent], None] = _ignore,
    stem: Path | None = None,
    lock: RhythmLock = NO_LOCK,
) -> SessionState:
    """Transcribe a stream of audio in this process.

    Args:
        chunks: the bytes `config.audio` describes, at most 1 MiB at once.
        config: what is played and how it is encoded; the session id may be empty.
        model_repo: folder of the models; None for the project's own.
        on_event: called with every event of the session's log, in order.
        stem: where the stem is written as FLAC, if one is heard.
        lock: what is known of the bars.

    Raises:
        GenesisError: as a server would answer; everything accepted before it has reached `on_event`.
    """
    config = complete_config(config)
    models = model_repo or default_model_repo()
    transcriber = await to_thread.run_sync(load_transcriber, config.transcriber, models)
    config, separation = await SeparatorShelf(models, threads=2).settle(config, None)

    async def deliver(event: SessionEvent) -> None:
        on_event(event)

    sink = MemorySink()
    publisher = Publisher(config.session_id, sink, deliver, time.time_ns)
    kept = None if stem is None or separation.separator is None else StemFile(stem, separation.separator.sample_rate_hz)
    session = Session(config, transcriber, publisher, SessionLimits(), time.time_ns, separation, stem=kept)
    if lock != NO_LOCK:
        session.lock_rhythm(LockRequest(lock, 0))
    await session.run(OneByOne(chunks))
    return sink.folded
