"""What a session heard, in a sentence."""

from __future__ import annotations

import sys

from music.audio import seconds
from music.events import Separation, SeparationChosen
from music.session_state import SessionState

_WHAT = {
    Separation.VOCALS_REMOVED: "the recording without its voice (drums, bass and keys stay)",
    Separation.GUITAR: "the guitar's own stem",
}
_WHY = {
    "no_voice": "nobody sings in its first seconds",
    "too_short": "it ended before a voice could be told",
    "no_separator": "no separator is installed; run `genesis models build`",
    "too_slow": "this machine cannot separate as fast as the audio comes",
}


def heard_line(chosen: SeparationChosen) -> str:
    """For people, on one line."""
    if chosen.separation not in _WHAT:
        return f"separation: the recording as it is; {_WHY.get(chosen.cause, chosen.cause)}"
    since = ""
    if chosen.cause == "voice":
        since = f" from {seconds(chosen.start):.0f} s on, where somebody sings" if chosen.start else "; somebody sings"
    later = f", {seconds(chosen.latency):.1f} s later when live" if chosen.latency else ""
    return f"separation: {_WHAT[chosen.separation]}{since}{later}"


def tell_heard(state: SessionState) -> None:
    """The same on standard error, where a session said anything about it."""
    if state.separation is not None:
        sys.stderr.write(heard_line(state.separation) + "\n")
