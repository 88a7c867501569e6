"""Strings, tunings and the capo.

The one convention, said here and nowhere else: string 1 is the first of the tuning's list (a guitar's high E), and
`pitch = tuning[string - 1] + capo + fret`. The number of frets counts from the nut; a fret counts from the capo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from music.errors import InvalidInput, Reason

MIN_STRINGS, MAX_STRINGS = 4, 8
MAX_CAPO = 12
MIN_FRETS, MAX_FRETS = 12, 36
DEFAULT_FRETS = 22
LOWEST_PITCH, HIGHEST_PITCH = 12, 100
HIGHEST_SOUNDING = 127
"""MIDI has no pitch above, however high a neck goes on."""

TUNINGS: dict[str, tuple[int, ...]] = {
    "standard": (64, 59, 55, 50, 45, 40),
    "half_step_down": (63, 58, 54, 49, 44, 39),
    "drop_d": (64, 59, 55, 50, 45, 38),
    "dadgad": (62, 57, 55, 50, 45, 38),
    "open_g": (62, 59, 55, 50, 43, 38),
    "open_d": (62, 57, 54, 50, 45, 38),
    "seven_string": (64, 59, 55, 50, 45, 40, 35),
    "eight_string": (64, 59, 55, 50, 45, 40, 35, 30),
    "bass": (43, 38, 33, 28),
    "bass_five": (43, 38, 33, 28, 23),
    "ukulele": (69, 64, 60, 67),
}
"""Open-string MIDI pitches by name, string 1 first."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place on the neck: string counted from 1, fret counted from the capo (0 is the open string)."""

    string: int
    fret: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """Strings, capo and frets of what is being played.

    Attributes:
        tuning: MIDI pitches of the open strings without the capo, string 1 first, 4 to 8 of them, each 12..100.
        capo: fret the capo sits on, 0..12.
        fret_count: frets counted from the nut, 12..36.

    Raises:
        InvalidInput: TUNING_INVALID, CAPO_INVALID or CONFIG_INVALID.
    """

    tuning: tuple[int, ...] = TUNINGS["standard"]
    capo: int = 0
    fret_count: int = DEFAULT_FRETS

    def __post_init__(self) -> None:
        if not MIN_STRINGS <= len(self.tuning) <= MAX_STRINGS:
            raise InvalidInput(
                Reason.TUNING_INVALID,
                f"A tuning lists {MIN_STRINGS} to {MAX_STRINGS} open strings, this one {len(self.tuning)}.",
            )
        for pitch in self.tuning:
            if not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
                raise InvalidInput(
                    Reason.TUNING_INVALID,
                    f"An open string is a MIDI pitch from {LOWEST_PITCH} to {HIGHEST_PITCH}, not {pitch}.",
                )
        if not 0 <= self.capo <= MAX_CAPO:
            raise InvalidInput(Reason.CAPO_INVALID, f"The capo sits on fret 0 to {MAX_CAPO}, not {self.capo}.")
        if not MIN_FRETS <= self.fret_count <= MAX_FRETS:
            raise InvalidInput(
                Reason.CONFIG_INVALID,
                f"An instrument has {MIN_FRETS} to {MAX_FRETS} frets, not {self.fret_count}.",
            )

    @property
    def string_count(self) -> int:
        return len(self.tuning)

    @property
    def lowest_pitch(self) -> int:
        return min(self.tuning) + self.capo

    @property
    def highest_pitch(self) -> int:
        return min(HIGHEST_SOUNDING, max(self.tuning) + self.fret_count)

    def pitch_at(self, position: Position) -> int:
        """MIDI pitch of a position; the position is not checked against the neck's end."""
        return self.tuning[position.string - 1] + self.capo + position.fret

    def positions_of(self, pitch: int) -> list[Position]:
        """Every place that yields `pitch`, by string number; empty when there is none."""
        return list(_positions(self, pitch))


@lru_cache(maxsize=4096)
def _positions(instrument: Instrument, pitch: int) -> tuple[Position, ...]:
    if pitch > HIGHEST_SOUNDING:
        return ()
    last_fret = instrument.fret_count - instrument.capo
    frets = [
        (string, pitch - open_pitch - instrument.capo) for string, open_pitch in enumerate(instrument.tuning, start=1)
    ]
    return tuple(Position(string, fret) for string, fret in frets if 0 <= fret <= last_fret)


def parse_tuning(text: str) -> tuple[int, ...]:
    """A tuning from its name (`drop_d`) or its MIDI pitches, string 1 first (`64,59,55,50,45,38`).

    Raises:
        InvalidInput: TUNING_INVALID, naming the tunings there are.
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name in TUNINGS:
        return TUNINGS[name]
    try:
        pitches = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(
            Reason.TUNING_INVALID,
            f"Unknown tuning {text!r}. Give MIDI pitches, string 1 first (64,59,55,50,45,40), "
            f"or one of: {', '.join(TUNINGS)}.",
        ) from None
    return Instrument(tuning=pitches).tuning
