"""What one part of this process must tell another about a session, without either knowing the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from music.errors import GenesisError

T = TypeVar("T")


class Hub:
    """Two kinds of news by session id: its end stands in the database; it broke outside of its log."""

    def __init__(self) -> None:
        self._each_recorded: set[Callable[[str], None]] = set()
        self._recorded: defaultdict[str, set[Callable[[], None]]] = defaultdict(set)
        self._broken: defaultdict[str, set[Callable[[GenesisError], None]]] = defaultdict(set)

    def note_recorded(self, session_id: str) -> None:
        for callback in tuple(self._recorded.get(session_id, ())):
            callback()
        for hear in tuple(self._each_recorded):
            hear(session_id)

    def note_broken(self, session_id: str, error: GenesisError) -> None:
        for callback in tuple(self._broken.get(session_id, ())):
            callback(error)

    @contextmanager
    def on_recorded(self, session_id: str, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, call back when the end of a session has been recorded."""
        with _registered(self._recorded, session_id, callback):
            yield

    @contextmanager
    def on_each_recorded(self, callback: Callable[[str], None]) -> Iterator[None]:
        """Within the block, call back with the id of every session whose end is recorded by this process."""
        self._each_recorded.add(callback)
        try:
            yield
        finally:
            self._each_recorded.discard(callback)

    @contextmanager
    def on_broken(self, session_id: str, callback: Callable[[GenesisError], None]) -> Iterator[None]:
        """Within the block, call back when a session is given up and its log will not say so."""
        with _registered(self._broken, session_id, callback):
            yield


@contextmanager
def _registered(registry: defaultdict[str, set[T]], session_id: str, callback: T) -> Iterator[None]:
    registry[session_id].add(callback)
    try:
        yield
    finally:
        registry[session_id].discard(callback)
        if not registry[session_id]:
            del registry[session_id]
