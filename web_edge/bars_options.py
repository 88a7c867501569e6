"""What a person may decide of bars, as JSON: `tempo_bpm`, `time_signature`, `bar_one_s`, `taps_s`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music.audio import sample_at, seconds
from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.errors import InvalidInput, Reason

LOCK_OPTIONS = ("tempo_bpm", "time_signature", "bar_one_s", "taps_s")
_LONGEST_S = 7 * 24 * 3600.0
_MOST_TAPS = 10_000


def lock_from_json(asked: Mapping[str, Any], before: RhythmLock = NO_LOCK) -> RhythmLock:
    """A lock of `LOCK_OPTIONS`; what is not said is as in `before`, and null (or no taps) leaves it to the tracker.

    Raises:
        InvalidInput: REQUEST_INVALID.
    """
    said = {**lock_to_json(before), **{name: asked[name] for name in LOCK_OPTIONS if name in asked}}
    tempo, signature, bar_one, taps = (said[name] for name in LOCK_OPTIONS)
    if signature is not None and not isinstance(signature, str):
        raise InvalidInput(Reason.REQUEST_INVALID, "`time_signature` looks like 3/4; null leaves it to be found.")
    taps = [] if taps is None else taps
    if not isinstance(taps, list) or len(taps) > _MOST_TAPS:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`taps_s` is a list of at most {_MOST_TAPS} seconds, in order.")
    return RhythmLock(
        tempo_bpm=None if tempo is None else _number(tempo, "tempo_bpm", 1000.0),
        signature=None if signature is None else TimeSignature.parse(signature),
        bar_one=None if bar_one is None else sample_at(_number(bar_one, "bar_one_s", _LONGEST_S)),
        taps=tuple(sample_at(_number(tap, "taps_s", _LONGEST_S)) for tap in taps),
    )


def lock_to_json(lock: RhythmLock) -> dict[str, Any]:
    """The same by its names."""
    return {
        "tempo_bpm": lock.tempo_bpm,
        "time_signature": None if lock.signature is None else str(lock.signature),
        "bar_one_s": None if lock.bar_one is None else round(seconds(lock.bar_one), 5),
        "taps_s": [round(seconds(tap), 5) for tap in lock.taps],
    }


def _number(given: object, name: str, most: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= most:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` is a number from 0 to {most:g}.")
    return float(given)
