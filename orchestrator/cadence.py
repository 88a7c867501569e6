"""How often a session previews, and when it steps back.

What is settled must not wait behind what is only shown sooner. So the cadence watches how much of the time the session
computes, and how much signal waits: it widens, and stops, before anything queues up, and narrows again once there has
been room for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from music.audio import seconds
from music.events import CadenceChanged

_BUSY = 0.75
_IDLE = 0.3
_MEMORY_S = 0.5
_CALM_S = 2.0
_WIDENINGS = (1, 2, 4)


@dataclass(slots=True)
class Cadence:
    """One session's cadence.

    Args:
        normal: samples from one preview to the next when there is room; 0 never previews.
        backlog: samples that may wait before previews stop.
    """

    normal: int
    backlog: int
    _level: int = field(default=0, init=False)
    _load: float = field(default=0.0, init=False)
    _calm_s: float = field(default=0.0, init=False)

    @property
    def step(self) -> int:
        """Samples from one preview to the next at present; 0 for none."""
        return self.normal * _WIDENINGS[self._level] if self._level < len(_WIDENINGS) else 0

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
        weight = min(1.0, passed_s / _MEMORY_S)
        self._load += weight * (busy_s / passed_s - self._load)
        if max(taken, waiting) >= self.backlog:
            self._set(len(_WIDENINGS))
            cause = "backlog"
        elif self._load > _BUSY:
            self._set(min(self._level + 1, len(_WIDENINGS)))
        elif self._load < _IDLE:
            self._calm_s += passed_s
            if self._calm_s >= _CALM_S and self._level:
                self._set(self._level - 1)
                cause = "recovered"
        else:
            self._calm_s = 0.0
        return CadenceChanged(self.step, cause) if self.step != before else None

    def _set(self, level: int) -> None:
        self._level = level
        self._calm_s = 0.0
        # What was measured at another cadence says nothing about this one.
        self._load = (_BUSY + _IDLE) / 2
