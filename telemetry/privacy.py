"""What must not stand in a log: secrets, and who people are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

HIDDEN: Final = "…"

_SECRET_NAMES: Final = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_key|ticket|credential", re.IGNORECASE
)
"""Of a field whose value is nobody's business."""

_PATTERNS: Final = (
    # user:password@ of an address
    (re.compile(r"(?<=://)[^\s/@]+@"), f"{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # our API keys, and tokens of three parts
    (re.compile(r"\bgm_[0-9a-f]{16}_[\w-]+"), f"gm_{HIDDEN}"),
    (re.compile(r"\bey[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"\b[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), f"{HIDDEN}@{HIDDEN}"),
    # the last part of an address of a machine, unless it is this one
    (re.compile(r"\b(?!127\.|0\.0\.0\.0)(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b"), rf"\1.{HIDDEN}"),
)


def hide_private(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor of structlog: hides secrets by the names of their fields, and by what they look like in any text."""
    return {name: HIDDEN if _SECRET_NAMES.search(name) else hidden(value) for name, value in event.items()}


def hidden(value: Any) -> Any:
    """The same with what is private taken out of every text in it."""
    match value:
        case str():
            for pattern, instead in _PATTERNS:
                value = pattern.sub(instead, value)
            return value
        case Mapping():
            return {
                name: HIDDEN if isinstance(name, str) and _SECRET_NAMES.search(name) else hidden(inner)
                for name, inner in value.items()
            }
        case list() | tuple():
            return [hidden(inner) for inner in value]
        case _:
            return value
