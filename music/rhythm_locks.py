"""What a person decides about the bars of a session while it runs, and when it takes effect."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from music.beats import RhythmLock
from music.errors import InvalidInput, Overloaded, Reason
from music.events import RhythmLocked

MOST_TAPS = 256
"""Of one lock; a session's locks stand in its log and its snapshots."""
MOST_LOCKS = 200
"""Of one session."""
LONGEST_S = 7 * 24 * 3600.0
"""No time on a session's clock lies later."""


@dataclass(frozen=True, slots=True)
class LockRequest:
    """Bars are to be drawn around `lock` from sample `at` of the session's clock on; None for at once.

    Raises:
        InvalidInput: RHYTHM_LOCK_INVALID, a time below 0, or more taps than `MOST_TAPS`.
    """

    lock: RhythmLock
    at: int | None = None

    def __post_init__(self) -> None:
        times = [time for time in (self.at, self.lock.bar_one, *self.lock.taps) if time is not None]
        if any(time < 0 for time in times):
            raise _invalid("A time of a session is 0 s or later.")
        if len(self.lock.taps) > MOST_TAPS:
            raise _invalid(f"{MOST_TAPS} taps are as many as can be held; send the last ones.")


class LockRequests:
    """Those of one session that have not taken effect yet. One thread may add while another one takes.

    Args:
        held: what took effect in earlier attempts; it does so again at its times, and what is new comes after it.
    """

    def __init__(self, held: Sequence[RhythmLocked] = ()) -> None:
        self._held = [LockRequest(locked.lock, locked.at) for locked in held]
        self._waiting = list(self._held)
        self._new: deque[LockRequest] = deque()
        self._earliest = held[-1].at if held else 0
        self._asked = len(held)

    def add(self, request: LockRequest) -> None:
        """Raises Overloaded: RHYTHM_LOCK_LIMIT."""
        if request in self._held:
            # Whoever sends a recording again sends its locks again too.
            return
        if self._asked >= MOST_LOCKS:
            raise too_many_locks()
        self._asked += 1
        self._new.append(replace(request, at=max(request.at or 0, self._earliest)))

    def take(self, now: int) -> list[RhythmLock]:
        """Those that take effect by `now`, a sample index: by their time, then as they came."""
        while self._new:
            self._waiting.append(self._new.popleft())
        due = sorted((request for request in self._waiting if _at(request) <= now), key=_at)
        self._waiting = [request for request in self._waiting if _at(request) > now]
        return [request.lock for request in due]

    def is_due(self, now: int) -> bool:
        """Whether `take` would give any."""
        return any(_at(request) <= now for request in (*self._waiting, *self._new))


def too_many_locks() -> Overloaded:
    return Overloaded(
        Reason.RHYTHM_LOCK_LIMIT,
        f"The bars of a session can be set {MOST_LOCKS} times while it runs. Set them when it is over.",
        limit=MOST_LOCKS,
    )


@contextmanager
def lock_errors() -> Iterator[None]:
    """What is wrong with a lock has a reason of its own: it ends nothing, where another bad request would."""
    try:
        yield
    except InvalidInput as error:
        raise _invalid(error.message) from error


def _at(request: LockRequest) -> int:
    return request.at or 0


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(Reason.RHYTHM_LOCK_INVALID, message)
