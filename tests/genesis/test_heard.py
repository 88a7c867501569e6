"""What a session heard is said plainly."""

from __future__ import annotations

from genesis.heard import heard_line
from music.events import Separation, SeparationChosen


def test_taking_the_voice_out_says_what_stays() -> None:
    line = heard_line(SeparationChosen(Separation.VOCALS_REMOVED, 0, "asked", 22_050))
    assert "drums, bass and keys stay" in line
    assert "1.0 s later" in line


def test_auto_says_where_it_began_or_why_not() -> None:
    assert "from 3 s on" in heard_line(SeparationChosen(Separation.VOCALS_REMOVED, 3 * 22_050, "voice", 8_192, 0.4))
    for cause in ("no_voice", "too_short", "no_separator", "too_slow", "a cause of later"):
        assert "as it is" in heard_line(SeparationChosen(Separation.OFF, 0, cause))
