"""Note values of a transcription as the server writes them down: `Documents.notation`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotatedTuplet:
    """`actual` in the time of `normal`; one bracket for all of a voice and bar that have the same `group`."""

    actual: int
    normal: int
    group: int


@dataclass(frozen=True, slots=True)
class NotatedHead:
    """A note of a chord; `octave` is that of the sound, 4 for middle C's. `tied` leads into the voice's next symbol."""

    id: str
    step: str
    alter: int
    octave: int
    begins: bool
    tied: bool


@dataclass(frozen=True, slots=True)
class NotatedSymbol:
    """A note, a chord, or without heads a rest; lengths are (numerator, denominator) of a whole note."""

    at: tuple[int, int]
    duration: tuple[int, int]
    base: int
    dots: int
    tuplet: NotatedTuplet | None
    heads: tuple[NotatedHead, ...]


@dataclass(frozen=True, slots=True)
class NotatedBar:
    """`voices` are melody and bass; the latter is empty where one voice says it all. A pickup's number is 0."""

    number: int
    start_s: float
    end_s: float
    time_signature: str
    confidence: float
    length: tuple[int, int]
    voices: tuple[tuple[NotatedSymbol, ...], ...]


@dataclass(frozen=True, slots=True)
class NotationSheet:
    """Note values for display; `fifths` counts the key's sharps, flats where negative."""

    session: str
    key: str | None
    fifths: int
    bars: tuple[NotatedBar, ...]
    left_out: tuple[str, ...]
