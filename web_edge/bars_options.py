"""What a person may decide of bars, as JSON: `tempo_bpm`, `time_signature`, `bar_one_s`, `taps_s`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from music.audio import sample_at
from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.errors import InvalidInput, Reason
from music.rhythm_document import lock_to_json
from music.rhythm_locks import LONGEST_S, LockRequest, lock_errors

LOCK_OPTIONS: Final = ("tempo_bpm", "time_signature", "bar_one_s", "taps_s")
AT: Final = "at_s"
_KNOWN: Final = ", ".join((*LOCK_OPTIONS, AT))
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
        bar_one=None if bar_one is None else sample_at(_number(bar_one, "bar_one_s", LONGEST_S)),
        taps=tuple(sample_at(_number(tap, "taps_s", LONGEST_S)) for tap in taps),
    )


def request_from_json(asked: Mapping[str, Any], before: RhythmLock) -> LockRequest:
    """A lock of a session that runs: `LOCK_OPTIONS`, what is not said as in `before`, and `at_s`, when it takes effect.

    Raises:
        InvalidInput: RHYTHM_LOCK_INVALID, also for a member that is none of these.
    """
    with lock_errors():
        for name in asked:
            if name not in (*LOCK_OPTIONS, AT, "type"):
                raise InvalidInput(Reason.REQUEST_INVALID, f"Bars are set by {_KNOWN}, not by {name[:40]!r}.")
        at_s = asked.get(AT)
        at = None if at_s is None else sample_at(_number(at_s, AT, LONGEST_S))
        return LockRequest(lock_from_json(asked, before), at)


def _number(given: object, name: str, most: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= most:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` is a number from 0 to {most:g}.")
    return float(given)
