"""How often a session steps and previews, and when it does so less often.

What is settled must not wait behind what is only shown sooner. So the cadence watches how much of the time the session
computes, and how much signal waits: it widens before anything queues up, and narrows again once there has been room
for a while. At a wider cadence signal is gathered for longer and taken through in one go, which is cheaper: the
session is woken less often, and what it needs lies ready after the first step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from music.audio import seconds
from music.events import CadenceChanged

_BUSY = 0.75
_IDLE = 0.3
_MEMORY_S = 0.5
_CALM_S = 2.0
_LONGEST_CALM_S = 64.0
_WIDENINGS = (1, 2, 4)


@dataclass(slots=True)
class Cadence:
    """One session's cadence.

    Args:
        normal: samples from one preview to the next when there is room; 0 never previews.
        backlog: samples that may wait before previews stop.
        own_grain: samples that the network takes at a time; 0 for any number.
    """

    normal: int
    backlog: int
    own_grain: int = 0
    _level: int = field(default=0, init=False)
    _load: float = field(default=0.0, init=False)
    _calm_s: float = field(default=0.0, init=False)
    _calm_wanted_s: float = field(default=_CALM_S, init=False)
    _narrowed_ago_s: float = field(default=_LONGEST_CALM_S, init=False)

    @property
    def step(self) -> int:
        """Samples from one preview to the next at present; 0 for none."""
        return self.normal * _WIDENINGS[self._level] if self._level < len(_WIDENINGS) else 0

    @property
    def grain(self) -> int:
        """Samples worth gathering at present before anything is done with them; 0 for any number."""
        if not self.own_grain:
            return 0
        widest = self.normal * _WIDENINGS[min(self._level, len(_WIDENINGS) - 1)]
        return max(1, widest // self.own_grain) * self.own_grain

    def observe(self, taken: int, busy_s: float, waiting: int) -> CadenceChanged | None:
        """Take note of one round.

        Args:
            taken: samples it took in.
            busy_s: how long it took.
            waiting: samples that wait by now.

        Returns:
            What the session says, when the cadence is another now.
        """
        if not self.normal or not taken:
            return None
        before, cause = self.step, "load"
        passed_s = seconds(taken)
        self._narrowed_ago_s += passed_s
        weight = min(1.0, passed_s / _MEMORY_S)
        self._load += weight * (busy_s / passed_s - self._load)
        if max(taken, waiting) >= self.backlog:
            self._widen(len(_WIDENINGS))
            cause = "backlog"
        elif self._load > _BUSY:
            self._widen(min(self._level + 1, len(_WIDENINGS)))
        elif self._load < _IDLE:
            self._calm_s += passed_s
            if self._calm_s >= self._calm_wanted_s and self._level:
                self._narrowed_ago_s = 0.0
                self._set(self._level - 1)
                cause = "recovered"
        else:
            self._calm_s = 0.0
        return CadenceChanged(self.step, cause) if self.step != before else None

    def _widen(self, level: int) -> None:
        if level != self._level:
            # There was no room after all: the next try waits twice as long, or as at first after a good while.
            soon = self._narrowed_ago_s < self._calm_wanted_s
            self._calm_wanted_s = min(_LONGEST_CALM_S, 2 * self._calm_wanted_s) if soon else _CALM_S
        self._set(level)

    def _set(self, level: int) -> None:
        self._level = level
        self._calm_s = 0.0
        # What was measured at another cadence says nothing about this one.
        self._load = (_BUSY + _IDLE) / 2
