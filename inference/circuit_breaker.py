"""Whether to ask a server that has failed.

Packages for this (purgatory, pybreaker, circuitbreaker) find out whether a server is back by sending it one of the
callers' own requests. Here that request would be a live session's next step, late by a whole deadline each time; so the
trial is a probe in a task of its own, and sessions never wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

import anyio

from music.errors import GenesisError

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
_log = logging.getLogger(__name__)


class CircuitBreaker:
    """Closed while the server does its part; opens at its first failure, closes once a probe has succeeded.

    A server that fails again soon is probed ever more seldom: one on the brink must not drag sessions to and fro.

    Args:
        probe: a trial; raises GenesisError when it fails.
        slow_s: a run that takes longer is slow; nothing but slow ones for `patience_s` count as a failure.
        patience_s: how long.
        on_change: told after every change.

    Attributes:
        cause: why it is open; empty while it is closed.
        changed_at: when it last opened or closed, on the event loop's clock.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        slow_s: float = float("inf"),
        patience_s: float = 0.6,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._probe = probe
        self._slow_s = slow_s
        self._patience_s = patience_s
        self._on_change = on_change
        self._slow_since: float | None = None
        self._pause_s = _FIRST_PAUSE_S
        self.changed_at = float("-inf")
        self._opened = anyio.Event()
        self.cause = ""

    @property
    def is_open(self) -> bool:
        """Whether the server is left alone."""
        return bool(self.cause)

    def failed(self, cause: str) -> None:
        """A run failed. Runs that were under way when another failed say so too, and change nothing."""
        if self.is_open:
            return
        self.cause = cause or "unknown"
        self._slow_since = None
        is_again = anyio.current_time() - self.changed_at < _STEADY_S
        self.changed_at = anyio.current_time()
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2) if is_again else _FIRST_PAUSE_S
        _log.warning("The model server is left alone: %s", cause)
        self._on_change()
        self._opened.set()

    def succeeded(self, took_s: float) -> None:
        """A run was answered."""
        if took_s <= self._slow_s:
            self._slow_since = None
            return
        now = anyio.current_time()
        self._slow_since = now - took_s if self._slow_since is None else self._slow_since
        if now - self._slow_since >= self._patience_s:
            self.failed(f"for {self._patience_s:g} s every run has taken more than {self._slow_s * 1e3:.0f} ms")

    async def keep_probing(self) -> NoReturn:
        """Close it when the server is back, until cancelled."""
        while True:
            while not self.is_open:
                self._opened = anyio.Event()
                await self._opened.wait()
            await anyio.sleep(self._pause_s)
            try:
                await self._probe()
            except GenesisError as error:
                _log.info("The model server is still left alone: %s", error.message)
                continue
            self.cause = ""
            self.changed_at = anyio.current_time()
            _log.warning("The model server is asked again")
            self._on_change()
