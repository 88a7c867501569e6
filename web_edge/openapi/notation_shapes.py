"""The JSON of note values. Lengths are fractions of a whole note: [numerator, denominator]."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from web_edge.openapi.shapes import Shape

Fraction = Annotated[list[int], Field(min_length=2, max_length=2, description="[numerator, denominator]")]


class NotatedTuplet(Shape):
    """`actual` in the time of `normal`; symbols of one voice and bar with the same `group` stand under one bracket."""

    actual: int = Field(ge=2)
    normal: int = Field(ge=1)
    group: int = Field(ge=0)


class NotatedHead(Shape):
    """A note of a chord: `id` is that of the file's note. `octave` is of the sound, 4 for middle C's."""

    id: str
    step: Literal["A", "B", "C", "D", "E", "F", "G"]
    alter: int = Field(ge=-1, le=1, description="-1 for a flat, 1 for a sharp, whether or not the key says so already")
    octave: int
    begins: bool = Field(description="false where it was tied over from the voice's symbol before")
    tied: bool = Field(description="whether it is tied over into the voice's next symbol, in this bar or the next")


class NotatedSymbol(Shape):
    """A note, a chord, or without heads a rest."""

    at: Fraction = Field(description="from the bar's start, in whole notes")
    duration: Fraction = Field(description="in whole notes: that of `base`, `dots` and `tuplet`")
    base: Literal[1, 2, 4, 8, 16, 32, 64] = Field(description="4 for a quarter")
    dots: int = Field(ge=0, le=2)
    tuplet: NotatedTuplet | None
    heads: list[NotatedHead] = Field(description="low to high")


class NotatedBar(Shape):
    """A bar of the file. Each voice fills it; the second one is empty where one says it all."""

    number: int = Field(ge=0, description="0 for a pickup")
    start_s: float
    end_s: float
    time_signature: str = Field(description="of a full bar; a pickup is shorter")
    confidence: float = Field(ge=0, le=1, description="that beats and bar line are right")
    length: Fraction
    voices: list[list[NotatedSymbol]] = Field(
        min_length=2, max_length=2, description="melody (stems up), then bass (stems down)"
    )


class NotationSheet(Shape):
    """Note values in schema genesis.notation/1: for display; the times of the file's notes stay as they were played."""

    schema_: Literal["genesis.notation/1"] = Field(alias="schema")
    session: str
    key: str | None = Field(description="that of most of the piece, such as G:major; names are spelt by it")
    fifths: int = Field(ge=-6, le=6, description="of the key signature: sharps, or flats where negative")
    bars: list[NotatedBar] = Field(description="those of the file, in its order")
    left_out: list[str] = Field(description="ids of notes outside all bars")
