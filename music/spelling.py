"""How a pitch is written in a key: which letter, with how many sharps or flats.

On the line of fifths (… B♭ F C G D A E B F♯ …) a key's own notes are seven neighbours. What is foreign to it is spelt
from the twelve that begin two fifths below them and end three above: those are the usual chromatic names, among them
the raised sixth and seventh of the minor key (D. Temperley, "The Cognition of Basic Musical Structures", 2001, ch. 5).
"""

from __future__ import annotations

from dataclasses import dataclass

from music.harmony import pitch_class, prefers_flats

_MINOR_TO_MAJOR = 3
_FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 1: -5, 8: -4, 3: -3, 10: -2, 5: -1}
_LINE = "FCGDAEB"
"""Letters in the order of fifths; F lies one below C."""
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_BELOW_TONIC = 3
"""Of the major key: its own notes reach one below, the usual chromatic names three."""
_FLATTEST, _SHARPEST = -8, 12
"""F flat and B sharp: beyond them stand double signs, which nobody wants to read for a note that was merely played."""


@dataclass(frozen=True, slots=True)
class SpeltPitch:
    """A pitch as written.

    Attributes:
        step: "A" to "G".
        alter: semitones up (sharps) or down (flats): -1, 0 or 1.
        octave: of the written letter, 4 for that of middle C; B♯3 sounds as C4 does.
    """

    step: str
    alter: int
    octave: int

    @property
    def pitch(self) -> int:
        """As a MIDI number."""
        return 12 * (self.octave + 1) + _NATURAL[self.step] + self.alter


def fifths_of(key: str) -> int:
    """Sharps (positive) or flats (negative) of a key "D#:major"; 0 for no key."""
    if not key:
        return 0
    tonic, _, mode = key.partition(":")
    fifths = _FIFTHS[(pitch_class(tonic) + (_MINOR_TO_MAJOR if mode == "minor" else 0)) % 12]
    return -6 if fifths == 6 and prefers_flats(key) else fifths


def spell_pitch(pitch: int, key: str = "") -> SpeltPitch:
    """The usual name of a MIDI pitch in a key ("" for none: as in C)."""
    lowest = fifths_of(key) - _BELOW_TONIC
    place = lowest + (pitch * 7 - lowest) % 12
    if place > _SHARPEST:
        place -= 12
    elif place < _FLATTEST:
        place += 12
    alter, letter = divmod(place + 1, len(_LINE))
    step = _LINE[letter]
    return SpeltPitch(step, alter, (pitch - _NATURAL[step] - alter) // 12 - 1)
