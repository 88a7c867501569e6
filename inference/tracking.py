"""What a transcriber's configuration says about the notes in its activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from inference.model_spec import ModelSpec, mismatch
from music.tracking_rules import OnsetKind, TrackingRules

_PREFIX = "tracking_"


def tracking_rules(spec: ModelSpec, default: TrackingRules) -> TrackingRules:
    """`default`, but for what parameters `tracking_<rule>` say.

    Raises:
        Unavailable: MODEL_MISMATCH, a parameter names no rule or its value cannot be one.
    """
    said = {key.removeprefix(_PREFIX): key for key in spec.parameters if key.startswith(_PREFIX)}
    known = {field.name: type(getattr(default, field.name)) for field in fields(default)}
    changes: dict[str, Any] = {}
    for rule, key in said.items():
        if rule not in known:
            raise mismatch(spec.name, f"parameter {key!r} is none of the tracker's rules.", parameter=key)
        try:
            changes[rule] = _READERS[known[rule]](spec.text(key))
        except ValueError:
            value = spec.text(key)
            raise mismatch(spec.name, f"parameter {key!r} cannot be {value!r}.", parameter=key) from None
    try:
        return replace(default, **changes)
    except ValueError as error:
        raise mismatch(spec.name, f"its notes cannot be followed like that: {error}.") from error


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_READERS: dict[type, Callable[[str], object]] = {float: float, int: int, bool: _truth, OnsetKind: OnsetKind}
