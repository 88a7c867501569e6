"""The rooms a session's audio walks through, joined by bounded channels that close downstream.

    chunks → Hearing → Heard → Transcribing → Known → Scribing → Step → Telling → publisher

Each stage ends when its input does; a failure of the input ends the first early, and what was heard still goes through.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
import numpy as np
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from inference.ports import IN_THIS_PROCESS, Transcriber
from music.activations import Activations
from music.audio import SAMPLE_RATE_HZ
from music.errors import InvalidInput, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    CadenceChanged,
    NoteRevised,
    Progressed,
    RunnerChanged,
    SessionConfig,
)
from music.live_music import LiveMusic, Revision
from music.note import NoteState
from music.scribe import Scribe
from music.tuning import Instrument
from orchestrator.cadence import Cadence
from orchestrator.channels import each, put, waiting
from orchestrator.container import DecodeLimits, Spool, decode, samples_in
from orchestrator.decoding import Samples
from orchestrator.ears import Ear, PlainEar
from orchestrator.intake import Listener, too_long
from orchestrator.publisher import Publisher

BLOCK = SAMPLE_RATE_HZ
"""Largest piece of signal in one channel slot, one second: a backlog is counted in seconds, whatever the chunks."""
HEARD_SLOTS = 16
KNOWN_SLOTS = 2
STEP_SLOTS = 4

_INLINE_FRAMES = 32
_PROGRESS_EVERY = SAMPLE_RATE_HZ // 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of the session's signal, and the whole recording's length once it is known."""

    samples: Samples
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the network found, the signal it has taken up to then (samples), and the whole length once known; and what
    became of the cadence, or of where the network runs, if it changed.
    """

    activations: tuple[Activations, ...]
    taken: int
    duration: int | None
    cadence: CadenceChanged | RunnerChanged | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one piece of signal changed.

    Attributes:
        notes: revisions in order, made while the watermark stood at `before`; afterwards it stands at `after`.
        received_until: signal taken in so far, a sample index.
        duration: the whole recording's length, once known.
        cadence: what became of the cadence, or of where the network runs, if it changed.
        music: what is new of bars and harmony.
    """

    notes: tuple[NoteRevised, ...]
    before: int
    after: int
    received_until: int
    duration: int | None
    cadence: CadenceChanged | RunnerChanged | None = None
    music: tuple[Revision, ...] = ()


@dataclass
class Hearing:
    """The first stage: bytes → signal.

    Attributes:
        open_ear: what turns the caller's bytes into the signal that is transcribed.
        grain: how much signal is worth passing on at present, samples; 0 for any.
        received_until: signal accepted so far, a sample index.
        heard_until: how much of it the ear lets go; the rest is to be separated yet, and no backlog.
    """

    config: SessionConfig
    listener: Listener
    limits: DecodeLimits
    max_duration_s: float
    open_ear: Callable[[AudioFormat], Ear] = PlainEar
    grain: Callable[[], int] = lambda: 0
    received_until: int = 0
    heard_until: int = 0
    _duration: int | None = field(default=None, init=False)

    async def run(self, out: MemoryObjectSendStream[Heard]) -> None:
        """Hear everything and close `out`.

        Raises:
            GenesisError: the input's fault, after what came before it has been sent on.
        """
        async with out:
            if self.config.audio.encoding is AudioEncoding.CONTAINER:
                await self._hear_file(out)
            else:
                await self._hear_pcm(self.config.audio, self._listened, out)
            if not self.received_until and not self.listener.stopped:
                raise InvalidInput(Reason.AUDIO_EMPTY, "No audio was sent.")

    async def _listened(self, ear: Ear) -> AsyncIterator[bytes]:
        while chunks := await self.listener.next(ear.wanted_bytes):
            for chunk in chunks:
                yield chunk
            ear.gather(self.grain())

    async def _hear_file(self, out: MemoryObjectSendStream[Heard]) -> None:
        with Spool(self.limits.max_bytes) as spool:
            while chunks := await self.listener.next():
                for chunk in chunks:
                    await spool.write(chunk)
            if self.listener.stopped:
                return
            async with decode(spool.file, self.limits) as decoded:
                if decoded.duration_s is not None:
                    self._duration = samples_in(decoded.duration_s, SAMPLE_RATE_HZ) or None
                await self._hear_pcm(decoded.audio, lambda _ear: decoded.blocks(), out)

    async def _hear_pcm(
        self,
        audio: AudioFormat,
        blocks_for: Callable[[Ear], AsyncIterator[bytes]],
        out: MemoryObjectSendStream[Heard],
    ) -> None:
        ear = self.open_ear(audio)
        ear.gather(self.grain())
        try:
            async for block in blocks_for(ear):
                samples = await ear.push(block)
                self.received_until, self.heard_until = ear.received_until, ear.heard_until
                await self._send(samples, out)
                if self.received_until > self.max_duration_s * SAMPLE_RATE_HZ:
                    raise too_long(self.max_duration_s)
        finally:
            # Also on bad input: the resampler still holds the end of what was accepted before it.
            samples = await ear.finish()
            self.heard_until = ear.heard_until
            await self._send(samples, out)

    async def _send(self, samples: Samples, out: MemoryObjectSendStream[Heard]) -> None:
        for start in range(0, len(samples), BLOCK):
            await put(out, Heard(samples[start : start + BLOCK], self._duration))


class Transcribing:
    """The second stage: signal → activations. What waits already is taken in one bite, so that a network that is behind
    gets several windows at once. What is settled goes first; what can be foretold follows when nothing else waits.

    Args:
        instrument: what is played.
        cadence: how often it is foretold.
        received_until: how much signal has been accepted, a sample index.
    """

    def __init__(
        self, transcriber: Transcriber, instrument: Instrument, cadence: Cadence, received_until: Callable[[], int]
    ) -> None:
        self._received_until = received_until
        self._stream = transcriber.open_stream(instrument)
        self._transcriber = transcriber
        self._runs_on = IN_THIS_PROCESS
        self._hop = transcriber.grid.hop
        self._cadence = cadence
        self._taken = 0
        self._told = 0
        self._duration: int | None = None

    async def run(self, heard: MemoryObjectReceiveStream[Heard], out: MemoryObjectSendStream[Known]) -> None:
        """Take everything, then the tail. Leaves both channels to the caller: a flush may be cut short."""
        if not self._cadence.normal:
            await put(out, Known((), 0, None, CadenceChanged(0, "file")))
        async for first in each(heard):
            pieces = [first, *waiting(heard)]
            self._duration = pieces[-1].duration
            signal = np.concatenate([piece.samples for piece in pieces])
            begun = time.perf_counter()
            found = await self._stream.push(signal)
            self._taken += len(signal)
            # Most chunks complete no step, and nobody needs to hear of each of them.
            if found or self._taken - self._told >= _PROGRESS_EVERY:
                await put(out, self._known(found))
            if (provisional := await self._foretold()) is not None:
                await put(out, self._known([provisional]))
            busy_s = time.perf_counter() - begun
            if moved := self._moved():
                await out.send(Known((), self._taken, self._duration, moved))
            if changed := self._cadence.observe(len(signal), busy_s, self._waiting):
                await put(out, Known((), self._taken, self._duration, changed))
        await put(out, self._known(await self._stream.finish()))

    def _moved(self) -> RunnerChanged | None:
        now = self._transcriber.runs_on
        if now == self._runs_on:
            return None
        self._runs_on = now
        return RunnerChanged(now.runner, now.cause)

    @property
    def _waiting(self) -> int:
        return self._received_until() - self._taken

    async def _foretold(self) -> Activations | None:
        step = self._cadence.step
        if not step or self._waiting >= step:
            return None
        return await self._stream.preview(max(1, step // self._hop))

    def _known(self, found: list[Activations]) -> Known:
        self._told = self._taken
        return Known(tuple(found), self._taken, self._duration)


class Scribing:
    """The third stage: activations → what happens to the notes. `taken` is the signal that went through, in samples."""

    def __init__(self, scribe: Scribe, music: LiveMusic) -> None:
        self._scribe = scribe
        self._music = music
        self.taken = 0
        self._told_until = -_PROGRESS_EVERY

    async def run(self, known: MemoryObjectReceiveStream[Known], out: MemoryObjectSendStream[Step]) -> None:
        """Write down everything, settle and end every note, close `out`."""
        async with out:
            async for piece in each(known):
                self.taken = piece.taken
                if not piece.activations:
                    await put(out, self._step([], self._scribe.processed_until, piece.duration, piece.cadence))
                for activations in piece.activations:
                    before = self._scribe.processed_until
                    work = partial(self._scribe.advance if activations.settled else self._scribe.preview, activations)
                    notes = await _off_loop_if(len(activations) > _INLINE_FRAMES, work)
                    await self._put_news(self._step(notes, before, piece.duration), out)
                    await self._tell_music(notes, piece.duration, out)
            before = self._scribe.processed_until
            notes = self._scribe.finish(self.taken)
            self._listen(notes)
            music = await anyio.to_thread.run_sync(self._music.finish, self.taken)
            await put(out, replace(self._step(notes, before, self.taken), music=tuple(music)))

    async def _tell_music(
        self, notes: list[NoteRevised], duration: int | None, out: MemoryObjectSendStream[Step]
    ) -> None:
        """Bars and harmony follow the notes they are made of, about once a second; the notes do not wait for them."""
        self._listen(notes)
        now = self._scribe.processed_until
        if self._music.is_due(now):
            music = await anyio.to_thread.run_sync(self._music.advance, now)
            if music:
                await self._put_news(replace(self._step([], now, duration), music=tuple(music)), out)

    async def _put_news(self, step: Step, out: MemoryObjectSendStream[Step]) -> None:
        """Pass a step on unless it says nothing and it is not yet time for progress: most steps wake nobody."""
        is_due = self.taken == step.duration or self.taken - self._told_until >= _PROGRESS_EVERY
        if is_due:
            self._told_until = self.taken
        if is_due or step.notes or step.music:
            await put(out, step)

    def _listen(self, notes: list[NoteRevised]) -> None:
        for revised in notes:
            if revised.note.state is NoteState.COMMITTED:
                self._music.add(revised.note)

    def _step(
        self,
        notes: list[NoteRevised],
        before: int,
        duration: int | None,
        cadence: CadenceChanged | RunnerChanged | None = None,
    ) -> Step:
        return Step(tuple(notes), before, self._scribe.processed_until, self.taken, duration, cadence)


@dataclass
class Telling:
    """The fourth stage: steps → the log. `watermark` is the last step's.

    Progress is told twice a second of audio at most, and at the end; notes carry the watermark too.
    """

    publisher: Publisher
    watermark: int = 0
    _told_until: int = field(default=-_PROGRESS_EVERY, init=False)

    async def run(self, steps: MemoryObjectReceiveStream[Step]) -> None:
        """Publish every step.

        Raises:
            Conflict, Unavailable: the log cannot be written.
        """
        async for step in each(steps):
            if step.cadence is not None:
                await self.publisher.publish(step.cadence, step.before)
                continue
            for revised in step.notes:
                await self.publisher.publish(revised, step.before)
            for told in step.music:
                await self.publisher.publish(told, step.after)
            self.watermark = step.after
            is_last = step.received_until == step.duration
            if is_last or step.received_until - self._told_until >= _PROGRESS_EVERY:
                self._told_until = step.received_until
                await self.publisher.publish(Progressed(step.received_until, step.duration), step.after)


async def _off_loop_if(large: bool, work: partial[T]) -> T:
    return await anyio.to_thread.run_sync(work) if large else work()
