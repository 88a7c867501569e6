"""What the harmony tracker knows of music. Chosen by hand on composed pieces that `bench rhythm` does not report on; no
script in `bench/` fits these numbers yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_QUALITIES = MappingProxyType(
    {
        "maj": 0.34,
        "min": 0.25,
        "7": 0.07,
        "maj7": 0.05,
        "min7": 0.07,
        "sus4": 0.03,
        "sus2": 0.03,
        "maj6": 0.02,
        "dim": 0.03,
        "aug": 0.01,
        "5": 0.1,
    }
)


@dataclass(frozen=True, eq=False, slots=True)
class HarmonyWeights:
    """Of `music.harmony_tracking`.

    Attributes:
        inside: how much of what sounds is the chord's; enough: weighted seconds of sound that count in full.
        trust: how many independent notes a segment is worth; bass: what its root in the bass adds.
        qualities: how often chords are of each kind; in_key: what lying in the key adds.
        change, change_at_bar: how likely the chord changes with a beat, with a bar; none: for no chord.
        key_trust, key_bass: the same of keys; the bass by its degree above the tonic.
        modulation: how likely the key changes with a beat; least_key: probability below which no key is told.
    """

    inside: float = 0.7
    enough: float = 0.8
    trust: float = 4.0
    bass: float = 0.5
    qualities: Mapping[str, float] = field(default_factory=lambda: _QUALITIES)
    in_key: float = 0.2
    change: float = 0.2
    change_at_bar: float = 0.6
    none: float = -2.0
    key_trust: float = 2.0
    key_bass: tuple[float, ...] = (0.2, 0, 0.05, 0, 0, 0.1, 0, 0.15, 0, 0, 0, 0)
    modulation: float = 0.0005
    least_key: float = 0.2


HARMONY = HarmonyWeights()
