"""Hears the mix until it is known whether somebody sings, and the mix without the voice from there on if so.

It looks at a piece of the mix before a few fixed points. At the first one where the voice is clear the stem is
faded in; after the last one the mix stays for good, and from then on this ear is the plain one: the same samples, the
same work. Of a file, for which nobody waits, it gives nothing before it knows, and the stem is heard from the
beginning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio.to_thread
import numpy as np

from inference.ports import Separator
from music.audio import SAMPLE_RATE_HZ
from music.events import AudioFormat, Separation, SeparationChosen
from music.window_schedule import WindowSchedule
from orchestrator.decoding import Samples
from orchestrator.ears import MonoStem, PlainEar, WideDecoder, fitted
from orchestrator.stems import StemSink


class Look(NamedTuple):
    """Samples after which it looks, and from which share of the energy on somebody sings."""

    at: int
    voice_share: float


VOICE_SHARE = 0.03
"""With a voice it was .0586 at least; without one .0215 at most in 16 recordings, more in 2 of 12 rendered pieces that
came later (`python -m bench separation` prints all; `--pieces 24`)."""
LOOKS = (
    # What is as clear as this need not be waited for.
    Look(round(1.5 * SAMPLE_RATE_HZ), 0.25),
    *(Look(round(at_s * SAMPLE_RATE_HZ), VOICE_SHARE) for at_s in (3.0, 7.0, 12.0)),
)
"""The last one is the time a decision takes at most."""

_FADE = SAMPLE_RATE_HZ // 100


class AutoEar:
    """See the module.

    Args:
        separator: takes the voice out, and can tell one.
        schedule: its windows, should it come to that.
        audio: how the caller's bytes are to be read.
        tell: gets the choice, once.
        is_file: whether what it has heard may wait for the choice.
        sink: gets the stem, should it come to that; silence up to where it is heard.
    """

    def __init__(
        self,
        separator: Separator,
        schedule: WindowSchedule,
        audio: AudioFormat,
        tell: Callable[[SeparationChosen], Awaitable[None]],
        *,
        is_file: bool = False,
        sink: StemSink | None = None,
    ) -> None:
        self._is_file = is_file
        self._sink = sink
        self._separator = separator
        self._schedule = schedule
        self._tell = tell
        self._plain = PlainEar(audio)
        self._wide: WideDecoder | None = WideDecoder(audio, separator.sample_rate_hz)
        self._ratio, rest = divmod(separator.sample_rate_hz, SAMPLE_RATE_HZ)
        if rest or not self._ratio:
            raise ValueError("points of the session's clock must be samples of the separator's")
        # The end of the mix at the separator's rate: what the next look, or a stem that begins there, needs.
        self._kept: Samples = np.zeros((separator.channel_count, 0), np.float32)
        self._kept_from = 0
        self._looks = list(LOOKS)
        self._stem: _FadeIn | None = None
        self._held: Samples = np.zeros(0, np.float32)
        self._given = 0

    @property
    def received_until(self) -> int:
        """See `Ear.received_until`."""
        return self._plain.received_until

    @property
    def heard_until(self) -> int:
        """See `Ear.heard_until`."""
        return self._given if self._stem is not None else self._plain.heard_until

    @property
    def wanted_bytes(self) -> int:
        """See `Ear.wanted_bytes`."""
        return 0 if self._wide is not None else self._plain.wanted_bytes

    def gather(self, grain: int) -> None:
        """See `Ear.gather`; only once there is nothing to separate."""
        if self._wide is None:
            self._plain.gather(grain)

    async def push(self, data: bytes) -> Samples:
        """See `Ear.push`."""
        mix = await self._plain.push(data)
        if self._wide is None:
            return mix
        wide = await anyio.to_thread.run_sync(self._wide.push, data)
        return self._counted(await self._hear(mix, wide))

    async def finish(self) -> Samples:
        """See `Ear.finish`."""
        mix = await self._plain.finish()
        if self._wide is None:
            return mix
        rest = await self._hear(mix, self._wide.finish())
        if self._stem is not None:
            rest = np.concatenate([rest, await self._stem.finish()])
        elif self._wide is not None:
            await self._tell(SeparationChosen(Separation.OFF, 0, "too_short"))
            rest = np.concatenate([rest, self._held])
        return self._counted(fitted(rest, self.received_until - self._given))

    async def _hear(self, mix: Samples, wide: Samples) -> Samples:
        if self._stem is not None:
            return await self._stem.push(mix, wide)
        self._held = np.concatenate([self._held, mix])
        self._kept = np.concatenate([self._kept, wide], axis=1)
        while self._looks and self._has(self._looks[0].at):
            at, enough = self._looks.pop(0)
            share = await self._separator.voice_share(self._before(at * self._ratio, self._separator.look_samples))
            if share >= enough:
                return await self._switch(0 if self._is_file else at, share)
            self._forget()
            if not self._looks:
                self._wide = None
                await self._tell(SeparationChosen(Separation.OFF, 0, "no_voice", voice_share=round(share, 4)))
        # Nothing is let go past a point where something else may be heard.
        free = len(self._held) if not self._looks else self._free_before(self._looks[0].at)
        out, self._held = self._held[:free], self._held[free:]
        return out

    async def _switch(self, at: int, share: float) -> Samples:
        """The mix up to `at`; from there on the stem."""
        latency = -(-self._schedule.latency // self._ratio)
        chosen = SeparationChosen(self._separator.separation, at, "voice", latency, round(share, 4))
        await self._tell(chosen)
        lead = min(at * self._ratio, self._schedule.window // self._ratio * self._ratio)
        begin = at * self._ratio - lead
        before, after = self._held[: at - self._given], self._held[at - self._given :]
        if self._sink is not None:
            silence = np.zeros((self._separator.channel_count, at * self._ratio), np.float32)
            await anyio.to_thread.run_sync(self._sink.write, silence)
        self._stem = _FadeIn(MonoStem(self._separator, self._schedule, self._sink, lead), lead // self._ratio)
        heard = await self._stem.push(after, self._kept[:, begin - self._kept_from :])
        self._held, self._kept = self._held[:0], self._kept[:, :0]
        return np.concatenate([before, heard])

    def _free_before(self, look: int) -> int:
        return 0 if self._is_file else max(0, look - self._given)

    def _has(self, at: int) -> bool:
        """Whether the mix is known up to a point on both ways, which are not equally late."""
        received_wide = self._kept_from + self._kept.shape[1]
        return received_wide >= at * self._ratio and self._given + len(self._held) >= at

    def _before(self, end: int, length: int) -> Samples:
        piece = self._kept[:, max(0, end - length - self._kept_from) : end - self._kept_from]
        return np.pad(piece, ((0, 0), (length - piece.shape[1], 0)))

    def _forget(self) -> None:
        """Drop what no later look needs."""
        if self._looks and not self._is_file:
            need = max(self._separator.look_samples, self._schedule.window)
            begin = min(max(0, self._looks[0].at * self._ratio - need - self._kept_from), self._kept.shape[1])
            self._kept = self._kept[:, begin:].copy()
            self._kept_from += begin

    def _counted(self, samples: Samples) -> Samples:
        self._given += len(samples)
        return samples


class _FadeIn:
    """A stem that takes over from the mix.

    Args:
        stem: begins `lead` samples (of the session's rate) before the point where it takes over.
        lead: what of it is only there to give the first windows something to go by.
    """

    def __init__(self, stem: MonoStem, lead: int) -> None:
        self._stem = stem
        self._to_skip = lead
        self._mix: Samples = np.zeros(0, np.float32)
        self._at = 0

    async def push(self, mix: Samples, wide: Samples) -> Samples:
        """What is heard; `mix` matters for the first hundredth of a second only."""
        if len(self._mix) < _FADE:
            self._mix = np.concatenate([self._mix, mix])[:_FADE]
        return self._faded(await self._stem.push(wide))

    async def finish(self) -> Samples:
        """The rest."""
        return self._faded(await self._stem.finish())

    def _faded(self, samples: Samples) -> Samples:
        skipped = min(self._to_skip, len(samples))
        self._to_skip -= skipped
        heard = samples[skipped:].copy()
        begin, count = self._at, max(0, min(len(heard), len(self._mix) - self._at))
        rising = (np.arange(begin, begin + count, dtype=np.float32) + 1) / np.float32(_FADE)
        heard[:count] += (self._mix[begin : begin + count] - heard[:count]) * (1 - rising)
        self._at += len(heard)
        return heard
