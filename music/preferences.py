"""What a player can and likes: changes to the learned weights, and limits of the hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from music.errors import InvalidInput, Reason
from music.hand_model import HandWeights, learned_weights
from music.neck import ANYWHERE, Reach

DIFFICULTIES: Mapping[str, Mapping[str, float]] = {
    "beginner": {
        "hand": 2.0,
        "open": -0.4,
        "reach_3": 0.4,
        "reach_4": 1.0,
        "stretch": 1.5,
        "fingers": 0.3,
        "barre": 1.5,
        "moved": 0.5,
        "move": 0.5,
    },
    "intermediate": {},
    "advanced": {"stretch": -0.2, "reach_3": -0.1, "barre": -0.2, "moved": -0.3, "hurried": -0.2},
}
"""What is added to the learned weights (`music.hand_model`), which are those of people who write tabs: open strings low
on the neck and no barres for beginners; who plays much shifts and stretches with less trouble.
"""

STYLES: Mapping[str, Mapping[str, float]] = {
    "any": {},
    "open_position": {"hand": 6.0, "open": -0.8, "open_alone": -0.5},
    "one_position": {"moved": 3.0, "move": 2.0},
    "along_a_string": {"middle": 2.0, "slide": -1.5, "moved": -1.0, "move": -0.5},
}


@dataclass(frozen=True)
class Preferences:
    """How somebody plays.

    Attributes:
        difficulty: one of `DIFFICULTIES`.
        style: one of `STYLES`.
        reach: how far the hand spreads and where on the neck it goes.
        learned: weights to start from instead of those that come with this package.

    Raises:
        InvalidInput: CONFIG_INVALID.
    """

    difficulty: str = "intermediate"
    style: str = "any"
    reach: Reach = ANYWHERE
    learned: HandWeights | None = None

    def __post_init__(self) -> None:
        for name, known in ((self.difficulty, DIFFICULTIES), (self.style, STYLES)):
            if name not in known:
                raise InvalidInput(Reason.CONFIG_INVALID, f"There is no {name!r}; there is: {', '.join(known)}.")
        if self.reach.most_span < 1 or not 1 <= self.reach.lowest_fret <= self.reach.highest_fret:
            raise InvalidInput(
                Reason.CONFIG_INVALID, "A hand spans at least 1 fret and goes from fret 1 or above upwards."
            )

    @cached_property
    def weights(self) -> HandWeights:
        """The learned weights with what this player adds."""
        return (self.learned or learned_weights()).changed(DIFFICULTIES[self.difficulty]).changed(STYLES[self.style])


DEFAULT_PREFERENCES = Preferences()
