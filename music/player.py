"""What a player asks of the places on the neck, as it travels: names and numbers, without the machinery behind them.

The command reads options and the contract carries them before anything heavy is loaded; `Player.preferences` is where
they meet the model of the hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from music.errors import InvalidInput, Reason
from music.tuning import MAX_FRETS

if TYPE_CHECKING:
    from music.player_settings import PlayerSettings
    from music.preferences import Preferences
    from music.tuning import Instrument

DIFFICULTY_NAMES = ("beginner", "intermediate", "advanced")
STYLE_NAMES = ("any", "open_position", "one_position", "along_a_string")
"""Those of `music.preferences`; a test compares them."""
MAX_STRETCH = 5
"""Frets between the lowest and the highest finger of a hand that is asked for nothing."""


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise InvalidInput(
            Reason.CONFIG_INVALID, f"There is no {what} {name[:40]!r}; there is: {', '.join(known)}.", known=known
        )


@dataclass(frozen=True, slots=True)
class Player:
    """How somebody plays. Left- or right-handed is for the screen alone and not known here.

    Attributes:
        difficulty: one of `DIFFICULTY_NAMES`.
        style: one of `STYLE_NAMES`.
        max_stretch: frets between the lowest and the highest finger, 1..5.
        lowest_fret, highest_fret: where fingers go, counted from the capo, 1..36; open strings always may sound, and
            notes that cannot be had there are played where they can be.

    Raises:
        InvalidInput: CONFIG_INVALID.
    """

    difficulty: str = "intermediate"
    style: str = "any"
    max_stretch: int = MAX_STRETCH
    lowest_fret: int = 1
    highest_fret: int = MAX_FRETS

    def __post_init__(self) -> None:
        _check_name("difficulty", self.difficulty, DIFFICULTY_NAMES)
        _check_name("style", self.style, STYLE_NAMES)
        if not 1 <= self.max_stretch <= MAX_STRETCH:
            raise InvalidInput(
                Reason.CONFIG_INVALID,
                f"A hand spans 1 to {MAX_STRETCH} frets between its fingers, not {self.max_stretch}.",
            )
        if not 1 <= self.lowest_fret <= self.highest_fret <= MAX_FRETS:
            raise InvalidInput(
                Reason.CONFIG_INVALID,
                f"The region of the neck goes from one fret up to another, both 1 to {MAX_FRETS}, "
                f"not from {self.lowest_fret} to {self.highest_fret}.",
            )

    @property
    def preferences(self) -> Preferences:
        """The same for the model of the hand."""
        # Loading it takes as long as all the rest of a command that only looks at its options.
        from music.neck import Reach
        from music.preferences import Preferences

        return Preferences(self.difficulty, self.style, Reach(self.max_stretch, self.lowest_fret, self.highest_fret))

    def settings(self, instrument: Instrument, pins: Mapping[str, int]) -> PlayerSettings:
        """The same, with what is played on and the strings that are decided, by note id."""
        from music.player_settings import PlayerSettings

        return PlayerSettings(
            instrument.tuning,
            instrument.capo,
            instrument.fret_count,
            self.difficulty,
            self.style,
            self.max_stretch,
            self.lowest_fret,
            self.highest_fret,
            pins,
        )


DEFAULT_PLAYER = Player()
