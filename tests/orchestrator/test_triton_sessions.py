"""Sessions whose network runs on a real Triton server: the same notes, also when it is killed, paused or slow."""

from __future__ import annotations

import wave
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from inference.ports import Separator, Transcriber
from inference.registry import load_transcriber
from inference.separators import load_separator
from inference.triton_models import TritonModels, TritonPolicy
from music.audio import SAMPLE_RATE_HZ
from music.errors import Reason, Unavailable
from music.events import (
    AudioEncoding,
    AudioFormat,
    NoteRevised,
    RunnerChanged,
    Separation,
    SessionConfig,
    SessionEvent,
)
from music.note import Note, NoteState
from music.session_state import fold
from orchestrator.inbox import OneByOne
from orchestrator.publisher import Publisher
from orchestrator.separating import NO_SEPARATION, SeparationPlan
from orchestrator.session import Session, SessionLimits
from tests.orchestrator.fakes import KeptLog
from tests.support.data import shared_data
from tests.support.demo import demo_wav
from tests.support.plucked import phrase, render
from tests.support.triton import TritonServer, needs_triton, running_triton, slow_road

pytestmark = [pytest.mark.anyio, needs_triton]

AUDIO = AudioFormat(AudioEncoding.PCM_F32LE, SAMPLE_RATE_HZ, 1)
CHUNK = 1024
TROUBLE_AT = 3 * SAMPLE_RATE_HZ // CHUNK
PATIENT = TritonPolicy(deadline_s=20.0, check_s=20.0, fallback=False)
# The machine that runs the tests may be busy: slow enough to be a paused server's, quick enough for the promise.
SWIFT = TritonPolicy(deadline_s=0.45, check_s=5.0, slow_s=0.25)
PROMISE_S = 1.0

Signal = NDArray[np.float32]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, built_model_repo: Path) -> Generator[TritonServer, None, None]:
    with running_triton(tmp_path_factory.mktemp("triton"), built_model_repo) as running:
        yield running


@pytest.fixture(scope="module")
def local(built_model_repo: Path) -> Transcriber:
    return load_transcriber("guitar", built_model_repo)


async def chunks_of(
    signal: Signal, at: int = -1, trouble: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[bytes]:
    """The signal, and after `at` chunks some trouble."""
    for number, begin in enumerate(range(0, len(signal), CHUNK)):
        if number == at and trouble is not None:
            await trouble()
        yield signal[begin : begin + CHUNK].astype("<f4").tobytes()


class Told:
    """A session's log, and when each event came."""

    def __init__(self) -> None:
        self.log = KeptLog()
        self.times = list[float]()

    async def run(
        self, transcriber: Transcriber, chunks: AsyncIterator[bytes], separator: Separator | None = None
    ) -> None:
        async def deliver(_event: SessionEvent) -> None:
            self.times.append(anyio.current_time())

        publisher = Publisher("s", self.log, deliver, lambda: 0)
        config = SessionConfig(AUDIO, session_id="s")
        plan = NO_SEPARATION
        if separator is not None:
            schedule = separator.choose_schedule(live=False, budget_cores=1)
            plan = SeparationPlan(Separation.VOCALS_REMOVED, separator, schedule)
        await Session(config, transcriber, publisher, SessionLimits(), lambda: 0, plan).run(OneByOne(chunks))

    @property
    def places(self) -> list[tuple[str, float]]:
        """Where the network ran, and when that was told."""
        told = zip(self.log.events, self.times, strict=True)
        return [(event.payload.runner, time) for event, time in told if isinstance(event.payload, RunnerChanged)]

    @property
    def committed(self) -> list[Note]:
        revised = (event.payload.note for event in self.log.events if isinstance(event.payload, NoteRevised))
        return [note for note in revised if note.state is NoteState.COMMITTED]

    @property
    def ended(self) -> list[Note]:
        return fold(self.log.events).sorted_notes()


async def notes_of(transcriber: Transcriber, signal: Signal) -> list[Note]:
    told = Told()
    await told.run(transcriber, chunks_of(signal))
    assert all(note.state is NoteState.ENDED for note in told.ended)
    return told.ended


def differences(ours: list[Note], theirs: list[Note]) -> list[str]:
    """Notes of either that the other has not got: same pitch, string and fret, the onset within a millisecond."""
    left = list(theirs)
    missing = []
    for note in ours:
        twin = next(
            (
                n
                for n in left
                if (n.pitch, n.position) == (note.pitch, note.position) and abs(n.onset - note.onset) <= 22
            ),
            None,
        )
        if twin is None:
            missing.append(f"only in this process: {note.pitch} at {note.onset}")
        else:
            left.remove(twin)
    return missing + [f"only on the server: {note.pitch} at {note.onset}" for note in left]


@pytest.mark.parametrize("piece", ["demo", "rendered", "guitarset"])
@pytest.mark.parametrize("name", ["guitar", "basic_pitch"])
async def test_the_same_notes_come_from_the_server(
    server: TritonServer, built_model_repo: Path, name: str, piece: str
) -> None:
    signal = {"demo": demo, "rendered": rendered, "guitarset": guitarset}[piece]()
    models = TritonModels(server.address, PATIENT)
    far = await models.load(name, built_model_repo)
    parts = [name] if name == "guitar" else ["basic_pitch_frontend", "basic_pitch_head"]
    before = server.metrics()
    theirs = await notes_of(far, signal)
    answered = sum(before["nv_inference_request_success", part] for part in parts) + models.counts.on_server
    after = server.metrics_after(answered, parts)
    ours = await notes_of(load_transcriber(name, built_model_repo), signal)
    counted = sum(
        after["nv_inference_request_success", part] - before["nv_inference_request_success", part] for part in parts
    )
    assert counted == models.counts.on_server > 0
    assert models.counts.in_process == 0
    assert len(ours) > 20
    found = differences(ours, theirs)
    assert len(found) <= 0.001 * len(ours), found
    await models.client.close()


@pytest.mark.parametrize("is_killed", [False, True], ids=["serving", "killed"])
async def test_a_separated_session_is_the_same_from_the_server(
    server: TritonServer, built_model_repo: Path, local: Transcriber, is_killed: bool
) -> None:
    signal, ours, theirs = demo(), Told(), Told()
    here = load_separator(Separation.VOCALS_REMOVED, built_model_repo, threads=1)
    await ours.run(local, chunks_of(signal), here)
    models = TritonModels(server.address, replace(PATIENT, separation_s=20.0, fallback=is_killed))
    far = await models.load("guitar", built_model_repo)
    separator = await models.load_separator(Separation.VOCALS_REMOVED, built_model_repo)
    before = server.metrics()

    async def kill() -> None:
        if is_killed:
            await anyio.to_thread.run_sync(server.kill)

    try:
        await theirs.run(far, chunks_of(signal, 4 * SAMPLE_RATE_HZ // CHUNK, kill), separator)
        if not is_killed:
            counted = "nv_inference_request_success", "spleeter_2stem"
            assert server.metrics()[counted] - before[counted] > 2
            assert models.counts.in_process == 0
    finally:
        if is_killed:
            await anyio.to_thread.run_sync(server.start)
    assert len(ours.ended) > 20
    assert differences(ours.ended, theirs.ended) == []
    assert (models.counts.in_process > 0) is is_killed
    await models.client.close()


def demo() -> Signal:
    return resampled(demo_wav(), 10.0)


def rendered() -> Signal:
    return render(phrase(5, 10.0), 10.0, noise=1e-3)


def guitarset() -> Signal:
    return resampled(shared_data("guitarset/00_BN1-129-Eb_comp_mic.wav"), 10.0)


def resampled(path: Path, length_s: float) -> Signal:
    """The beginning of a mono 16-bit WAV at the session's rate."""
    with wave.open(str(path)) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(round(length_s * rate_hz)), "<i2")
    signal: Signal = soxr.resample(samples.astype(np.float32) / 32768, rate_hz, SAMPLE_RATE_HZ)
    return signal


@asynccontextmanager
async def probing(
    address: str, built_model_repo: Path, policy: TritonPolicy
) -> AsyncGenerator[tuple[TritonModels, Transcriber], None]:
    models = TritonModels(address, policy)
    async with anyio.create_task_group() as group:
        group.start_soon(models.keep_probing)
        yield models, await models.load("guitar", built_model_repo)
        group.cancel_scope.cancel()


async def until(models: TritonModels, runner: str) -> None:
    with anyio.fail_after(60):
        while models.runs_on.runner != runner:  # noqa: ASYNC110 - as a caller sees it
            await anyio.sleep(0.02)


class Trouble:
    """Brought about, and ended once the session has gone on elsewhere; then the server is waited for."""

    def __init__(self, models: TritonModels, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self.begun_at = self.noticed_at = 0.0
        self._models = models
        self._begin = begin
        self._end = end

    async def begin(self) -> None:
        self.begun_at = anyio.current_time()
        self._begin()

    async def end(self) -> None:
        await until(self._models, "in_process")
        self.noticed_at = self._models.breaker.changed_at
        await anyio.to_thread.run_sync(self._end)
        await until(self._models, "triton")


async def through_trouble(
    local: Transcriber, models: TritonModels, far: Transcriber, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """A live session that the server leaves at three seconds and is back for at six."""
    signal = render(phrase(7, 9.0), 9.0, noise=1e-3)
    trouble, told = Trouble(models, begin, end), Told()

    async def chunks() -> AsyncIterator[bytes]:
        number = 0
        async for chunk in chunks_of(signal):
            if number == TROUBLE_AT:
                await trouble.begin()
            if number == 2 * TROUBLE_AT:
                await trouble.end()
            number += 1
            yield chunk

    await told.run(far, chunks())
    (first, _), (second, _), (third, back_at) = told.places
    assert (first, second, third) == ("triton", "in_process", "triton")
    # From then on every step is run here; live, that is told with the next one, and here after what waits already.
    assert trouble.noticed_at - trouble.begun_at < PROMISE_S
    assert models.counts.in_process > 0.5 * TROUBLE_AT
    # Chunks that come faster than sound are gathered, so the trouble finds the server some three seconds behind.
    assert models.counts.on_server > 0.75 * TROUBLE_AT
    assert any(time > back_at for time in told.times)
    assert differences(await notes_of(local, signal), told.ended) == []


async def test_killed(server: TritonServer, built_model_repo: Path, local: Transcriber) -> None:
    async with probing(server.address, built_model_repo, SWIFT) as (models, far):
        await through_trouble(local, models, far, server.kill, server.start)


async def test_paused(server: TritonServer, built_model_repo: Path, local: Transcriber) -> None:
    async with probing(server.address, built_model_repo, SWIFT) as (models, far):
        await through_trouble(local, models, far, server.pause, server.resume)


@pytest.mark.parametrize("delay_s", [0.15, 3.0], ids=["slow", "hanging"])
async def test_slow(server: TritonServer, built_model_repo: Path, local: Transcriber, delay_s: float) -> None:
    async with slow_road(server.address) as road, probing(road.address, built_model_repo, SWIFT) as (models, far):

        def slow_down() -> None:
            road.delay_s = delay_s

        def speed_up() -> None:
            road.delay_s = 0.0

        await through_trouble(local, models, far, slow_down, speed_up)


async def test_without_a_fallback_the_session_ends_with_a_reason(
    server: TritonServer, built_model_repo: Path, local: Transcriber
) -> None:
    signal = render(phrase(7, 9.0), 9.0, noise=1e-3)
    models = TritonModels(server.address, TritonPolicy(deadline_s=0.5, check_s=20.0, fallback=False))
    far, told, paused_at = await models.load("guitar", built_model_repo), Told(), list[float]()

    async def pause() -> None:
        paused_at.append(anyio.current_time())
        server.pause()

    try:
        with pytest.raises(Unavailable) as caught:
            await told.run(far, chunks_of(signal, 2 * TROUBLE_AT, pause))
    finally:
        server.resume()
    assert caught.value.reason is Reason.MODEL_SERVER_UNAVAILABLE
    assert told.times[-1] - paused_at[0] < PROMISE_S
    state = fold(told.log.events)
    assert state.failed is not None
    assert state.failed.reason is Reason.MODEL_SERVER_UNAVAILABLE
    # What was committed before stays, and is what it would have been.
    assert len(told.committed) > 2
    whole = {(n.onset, n.pitch, n.position) for n in await notes_of(local, signal)}
    assert {(n.onset, n.pitch, n.position) for n in told.committed} <= whole
    await models.client.close()


async def test_a_server_that_is_not_there_yet(built_model_repo: Path, local: Transcriber, tmp_path: Path) -> None:
    server = TritonServer(tmp_path, built_model_repo)
    signal = render(phrase(2, 3.0), 3.0)
    async with probing(server.address, built_model_repo, SWIFT) as (models, far):
        assert models.runs_on.runner == "in_process"
        assert "cannot be reached" in models.runs_on.cause
        assert differences(await notes_of(local, signal), await notes_of(far, signal)) == []
        assert models.counts.on_server == 0
        try:
            await anyio.to_thread.run_sync(server.start)
            await until(models, "triton")
            assert differences(await notes_of(local, signal), await notes_of(far, signal)) == []
            assert models.counts.on_server > 50
        finally:
            server.kill()
