"""A session's separation: settled before it begins, told when it is decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from inference.ports import Separator
from inference.separators import load_separator
from inference.triton_models import TritonModels
from music.audio import SAMPLE_RATE_HZ
from music.errors import GenesisError, InvalidInput, Reason
from music.events import AudioEncoding, AudioFormat, ModelReference, Separation, SeparationChosen, SessionConfig
from music.events import SessionStarted as Started
from music.window_schedule import WindowSchedule
from orchestrator.auto_ear import AutoEar
from orchestrator.ears import Ear, PlainEar, StemEar
from orchestrator.stems import StemSink

LIVE_BUDGET_CORES = 0.5
"""Processor time over real time that a live session's separation may take; what fits is chosen once."""

Tell = Callable[[SeparationChosen], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SeparationPlan:
    """What a session does about separation.

    Attributes:
        asked: what the caller asked for.
        separator, schedule: what may take part; None where nothing does.
        cause: where it was AUTO and nothing does, why.
    """

    asked: Separation = Separation.OFF
    separator: Separator | None = None
    schedule: WindowSchedule | None = None
    cause: str = ""

    @property
    def models(self) -> tuple[ModelReference, ...]:
        """The separator, for the session's list of models."""
        return () if self.separator is None else (self.separator.reference,)

    async def begin(self, tell: Tell) -> None:
        """Tell what is decided already."""
        if self.separator is None or self.schedule is None:
            if self.cause:
                await tell(SeparationChosen(Separation.OFF, 0, self.cause))
        elif self.asked is not Separation.AUTO:
            latency = -(-self.schedule.latency * SAMPLE_RATE_HZ // self.separator.sample_rate_hz)
            await tell(SeparationChosen(self.asked, 0, "asked", latency))

    def open_ear(self, audio: AudioFormat, tell: Tell, *, is_file: bool = False, sink: StemSink | None = None) -> Ear:
        """What turns the caller's bytes, or those of a decoded file, into the signal that is transcribed.

        Args:
            audio: what the bytes are.
            tell: gets what was chosen.
            is_file: whether nobody waits for what is heard first.
            sink: gets the stem, if there is one.
        """
        if self.separator is None or self.schedule is None:
            return PlainEar(audio)
        if self.asked is Separation.AUTO:
            return AutoEar(self.separator, self.schedule, audio, tell, is_file=is_file, sink=sink)
        return StemEar(self.separator, self.schedule, audio, sink)


NO_SEPARATION = SeparationPlan()


class SeparatorShelf:
    """Loaded separators, by what they do; each is loaded once, off the event loop, when it is first asked for.

    Args:
        model_repo: folder of the models.
        threads: windows a network runs at a time.
        budget_cores: what a live session's separation may take.
        triton: the server that runs the models; None for this process.
    """

    def __init__(
        self,
        model_repo: Path,
        threads: int,
        budget_cores: float = LIVE_BUDGET_CORES,
        triton: TritonModels | None = None,
    ) -> None:
        self._triton = triton
        self._model_repo = model_repo
        self._threads = threads
        self._budget_cores = budget_cores
        self._loaded: dict[Separation, Separator] = {}
        self._turn = anyio.Lock()

    async def settle(self, config: SessionConfig, before: Started | None) -> tuple[SessionConfig, SeparationPlan]:
        """The configuration with its window schedule, and what the session will do.

        Args:
            config: as the caller sent it.
            before: how an earlier attempt of this session began: a further one takes the same windows.

        Raises:
            InvalidInput: SEPARATION_UNAVAILABLE, nothing here can do it, or not as fast as the audio comes;
                CONFIG_INVALID, the separator takes no such windows.
            Unavailable: MODEL_MISSING, MODEL_MISMATCH, and with a server MODEL_SERVER_UNAVAILABLE.
        """
        if config.separation is Separation.OFF:
            return replace(config, separation_schedule=None), NO_SEPARATION
        is_auto = config.separation is Separation.AUTO
        try:
            separator = await self._get(Separation.VOCALS_REMOVED if is_auto else config.separation)
        except GenesisError:
            if is_auto:
                return replace(config, separation_schedule=None), SeparationPlan(Separation.AUTO, cause="no_separator")
            raise
        schedule = config.separation_schedule or (before.config.separation_schedule if before else None)
        if schedule is None:
            schedule = await self._choose(config, separator)
        if schedule is None and is_auto:
            return config, SeparationPlan(Separation.AUTO, cause="too_slow")
        if schedule is None:
            raise InvalidInput(
                Reason.SEPARATION_UNAVAILABLE,
                f"This machine cannot do {config.separation.value} as fast as live audio comes; send the audio as a "
                "file, or choose off.",
            )
        separator.open_stream(schedule)
        return replace(config, separation_schedule=schedule), SeparationPlan(config.separation, separator, schedule)

    async def _choose(self, config: SessionConfig, separator: Separator) -> WindowSchedule | None:
        live = config.audio.encoding is not AudioEncoding.CONTAINER

        def choose() -> WindowSchedule | None:
            return separator.choose_schedule(live=live, budget_cores=self._budget_cores)

        return await anyio.to_thread.run_sync(choose)

    async def _get(self, separation: Separation) -> Separator:
        async with self._turn:
            if separation not in self._loaded:
                self._loaded[separation] = await self._load(separation)
        return self._loaded[separation]

    async def _load(self, separation: Separation) -> Separator:
        if self._triton is not None:
            return await self._triton.load_separator(separation, self._model_repo)
        load = partial(load_separator, separation, self._model_repo, threads=self._threads)
        return await anyio.to_thread.run_sync(load)
