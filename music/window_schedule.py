"""Which windows of a signal a separating network sees. Apart from the sums, because events name it and load early."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowSchedule:
    """Which windows, in samples of the network's rate.

    Attributes:
        window: length the network takes.
        hop: samples from one window to the next.
        fade: samples over which one window's result passes into the next one's.
        right: samples at a window's end that are only context.
    """

    window: int
    hop: int
    fade: int
    right: int

    def __post_init__(self) -> None:
        if self.hop < 1 or min(self.fade, self.right) < 0 or self.fade > self.hop or self.left < 0:
            raise ValueError(f"windows of {self} do not fit together")

    @property
    def left(self) -> int:
        """Samples at a window's start that are only context."""
        return self.window - self.hop - self.fade - self.right

    @property
    def latency(self) -> int:
        """Samples that must follow one before its result is out, at worst; the time the network takes comes on top."""
        return self.hop + self.fade + self.right

    def __str__(self) -> str:
        return f"{self.window}/{self.hop}/{self.fade}/{self.right}"


def parse_schedule(text: str) -> WindowSchedule:
    """A schedule the way `str` writes it.

    Raises:
        ValueError: it is none.
    """
    try:
        window, hop, fade, right = (int(part) for part in text.split("/"))
    except ValueError:
        raise ValueError(f"a window schedule is window/hop/fade/right in samples, not {text[:64]!r}") from None
    return WindowSchedule(window, hop, fade, right)
