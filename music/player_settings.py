"""Everything a player sets about where notes go on the neck, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from music.arranging import arrange
from music.errors import InvalidInput, Reason
from music.neck import ANYWHERE, Reach
from music.note import Note
from music.preferences import Preferences
from music.tuning import DEFAULT_FRETS, TUNINGS, Instrument, Position


@dataclass(frozen=True)
class PlayerSettings:
    """Instrument, hand and wishes of one player; checked as it is made. Left- or right-handed is display only.

    Attributes:
        tuning: open strings, MIDI pitches without the capo, string 1 first; 4 to 8.
        capo: fret of the capo, 0..12.
        fret_count: frets from the nut, 12..36.
        difficulty: one of `music.preferences.DIFFICULTIES`.
        style: one of `music.preferences.STYLES`: anywhere, open position, one position, along a string.
        most_span: frets between the lowest and the highest finger, 1 or more; never more than is playable at all.
        lowest_fret, highest_fret: the region of the neck for fingers, counted from the capo; open strings always may
            sound. Notes that cannot be had there are played where they can be.
        pins: strings that are decided, by note id.

    Raises:
        InvalidInput: TUNING_INVALID, CAPO_INVALID or CONFIG_INVALID.
    """

    tuning: tuple[int, ...] = TUNINGS["standard"]
    capo: int = 0
    fret_count: int = DEFAULT_FRETS
    difficulty: str = "intermediate"
    style: str = "any"
    most_span: int = ANYWHERE.most_span
    lowest_fret: int = ANYWHERE.lowest_fret
    highest_fret: int = ANYWHERE.highest_fret
    pins: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        _ = self.instrument, self.preferences

    @cached_property
    def instrument(self) -> Instrument:
        """What is played on."""
        return Instrument(self.tuning, self.capo, self.fret_count)

    @cached_property
    def preferences(self) -> Preferences:
        """Whose hand it is."""
        return Preferences(self.difficulty, self.style, Reach(self.most_span, self.lowest_fret, self.highest_fret))


def arrange_for(notes: Sequence[Note], settings: PlayerSettings) -> list[Note]:
    """The best places for notes as this player wants them: see `music.arranging.arrange`.

    Raises:
        InvalidInput: REQUEST_INVALID, a pin names no note, or a string that does not have its pitch.
    """
    pins = pinned_positions(notes, settings.instrument, settings.pins)
    return arrange(notes, settings.instrument, settings.preferences, pins)


def pinned_positions(notes: Sequence[Note], instrument: Instrument, pins: Mapping[str, int]) -> dict[str, Position]:
    """Where pinned notes are, by note id, from the strings they are pinned to.

    Raises:
        InvalidInput: REQUEST_INVALID, a pin names no note, or a string that does not have its pitch.
    """
    by_id = {note.id: note for note in notes}
    positions = {}
    for name, string in pins.items():
        if name not in by_id:
            raise InvalidInput(Reason.REQUEST_INVALID, f"There is no note {name!r} to pin.")
        places = {place.string: place for place in instrument.positions_of(by_id[name].pitch)}
        if string not in places:
            has = ", ".join(str(known) for known in places) or "no string"
            raise InvalidInput(
                Reason.REQUEST_INVALID, f"Note {name!r} cannot be pinned to string {string}; it is on {has}."
            )
        positions[name] = places[string]
    return positions
