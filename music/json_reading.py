"""Checked reading of what `json.loads` gives: the value, or REQUEST_INVALID naming the place in the file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from music.errors import InvalidInput, Reason

Value = TypeVar("Value")


def wrong(message: str) -> InvalidInput:
    return InvalidInput(Reason.REQUEST_INVALID, message)


def as_object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(f"{place} must be a JSON object, not {_shown(value)}.")
    return value


def as_list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(f"{place} must be a list, not {_shown(value)}.")
    return value


def as_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise wrong(f"{place} must be text, not {_shown(value)}.")
    return value


def as_number(value: object, place: str, least: float, most: float) -> float:
    """A finite number within [least, most]; JSON's 1e309 arrives as infinity and is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise wrong(f"{place} must be a number from {least:g} to {most:g}, not {_shown(value)}.")
    return float(value)


def as_whole(value: object, place: str, least: int, most: int) -> int:
    """A whole number within [least, most]; 64.0 counts as one."""
    number = as_number(value, place, least, most)
    if not math.isfinite(number) or number != int(number):
        raise wrong(f"{place} must be a whole number, not {_shown(value)}.")
    return int(number)


def each(value: object, place: str, read: Callable[[dict[str, Any], str], Value]) -> tuple[Value, ...]:
    """What `read` makes of every object in a list; an absent or null list is empty."""
    entries = [] if value is None else as_list(value, place)
    return tuple(
        read(as_object(entry, f"{place}[{index}]"), f"{place}[{index}]") for index, entry in enumerate(entries)
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
