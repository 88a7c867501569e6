"""How far a transcription has come, on stderr, where stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from music.audio import seconds
from music.events import Progressed, SessionEvent


@contextmanager
def shown_progress(title: str) -> Iterator[Callable[[SessionEvent], None]]:
    """A function to give every event to; it draws a bar, or nothing where nobody would see one."""
    if not sys.stderr.isatty():
        yield lambda _event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(event: SessionEvent) -> None:
            if isinstance(event.payload, Progressed) and event.payload.duration is not None:
                bar.update(task, total=seconds(event.payload.duration))
            bar.update(task, completed=seconds(event.processed_until))

        yield show
