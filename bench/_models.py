"""The transcribers that benchmarks listen with: every one of the model repository that is built."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import anyio
import numpy as np
from numpy.typing import NDArray

from inference.ports import ActivationStream, Transcriber
from inference.registry import default_model_repo, list_models, load_transcriber
from music.events import AudioEncoding, AudioFormat, SessionConfig, SessionEvent
from music.note import SETTLED, Note
from music.scribe import Scribe
from music.session_state import SessionState
from music.stability import curve_of
from music.tuning import Instrument
from orchestrator.inbox import OneByOne
from orchestrator.intake import complete_config
from orchestrator.publisher import MemorySink, Publisher
from orchestrator.separating import NO_SEPARATION, SeparationPlan
from orchestrator.session import Session, SessionLimits

_CHUNK = 1 << 16


def transcriber_names() -> tuple[list[str], list[str]]:
    """The transcribers that are ready, and a line for each that is not, saying why."""
    models = [status for status in list_models(default_model_repo()) if status.role == "transcriber"]
    ready = [status.name for status in models if status.problem is None]
    return ready, [f"{status.name}: left out, {status.problem.message}" for status in models if status.problem]


def load(name: str = "", *, threads: int = 2) -> Transcriber:
    """A transcriber of the project's own repository; "" is the default one."""
    return load_transcriber(name, default_model_repo(), threads=threads)


def open_stream(transcriber: Transcriber, instrument: Instrument) -> ActivationStream:
    """The one place where benchmarks open a stream by themselves."""
    return transcriber.open_stream(instrument)


def open_scribe(transcriber: Transcriber, instrument: Instrument) -> Scribe:
    """The one place where benchmarks open a scribe by themselves, as a session does."""
    return Scribe(instrument, transcriber.grid, transcriber.tracking, curve_of(transcriber.reference.name))


def session_notes(
    transcriber: Transcriber,
    samples: NDArray[np.float32],
    rate_hz: int,
    instrument: Instrument,
    separation: SeparationPlan = NO_SEPARATION,
) -> list[Note]:
    """The settled notes of a whole session in this process, nothing previewed.

    Args:
        transcriber: one that is loaded.
        samples: f32[n] mono, or f32[n, channels], within ±1.
        rate_hz: of the samples; the session resamples them as it does a caller's.
        instrument: what they were played on.
        separation: what the session does about it.
    """
    return anyio.run(notes_heard, transcriber, samples, rate_hz, instrument, separation)


def session_state(
    transcriber: Transcriber, samples: NDArray[np.float32], rate_hz: int, instrument: Instrument
) -> SessionState:
    """What the log of such a session folds to; arguments as those of `session_notes`."""
    return anyio.run(_state_heard, transcriber, samples, rate_hz, instrument)


async def notes_heard(
    transcriber: Transcriber,
    samples: NDArray[np.float32],
    rate_hz: int,
    instrument: Instrument,
    separation: SeparationPlan = NO_SEPARATION,
) -> list[Note]:
    """`session_notes`, for a transcriber that belongs to an event loop."""
    state = await _state_heard(transcriber, samples, rate_hz, instrument, separation)
    return [note for note in state.notes.values() if note.state in SETTLED]


async def _state_heard(
    transcriber: Transcriber,
    samples: NDArray[np.float32],
    rate_hz: int,
    instrument: Instrument,
    separation: SeparationPlan = NO_SEPARATION,
) -> SessionState:
    audio = AudioFormat(AudioEncoding.PCM_F32LE, rate_hz, 1 if samples.ndim == 1 else samples.shape[1])
    config = complete_config(SessionConfig(audio, instrument))
    data = samples.astype("<f4").tobytes()

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(data), _CHUNK):
            yield data[begin : begin + _CHUNK]

    async def nobody(_event: SessionEvent) -> None:
        pass

    sink = MemorySink()
    publisher = Publisher(config.session_id, sink, nobody, time.time_ns)
    limits = SessionLimits(cadence_s=0.0)
    await Session(config, transcriber, publisher, limits, time.time_ns, separation).run(OneByOne(chunks()))
    return sink.folded
