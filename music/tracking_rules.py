"""How a network's activations become notes: which rules, and how strict. Every transcriber says its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OnsetKind(Enum):
    """What a network's onset activations are.

    PEAKS rise and fall over several frames and are no probabilities: trees judge them (`music.tree_judge`).
    PROBABILITIES are calibrated, a note's spread over the two or three frames around its onset: they are added up
    (`music.probability_judge`).
    """

    PEAKS = "peaks"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """Thresholds of the tracker; times in frames (11.6 ms). The defaults are Basic Pitch's.

    Chosen on rendered pieces that nothing was fitted on. What is shown before it is settled was chosen there too
    (`python -m bench live`): the soonest at which at most one note in twenty is taken back.

    Attributes:
        onsets: what the network's onset activations are, and so who judges them.
        birth_probability: an onset at least this likely to be a note's is BORN one frame later.
        note_probability: an onset at least this likely to be a note's when it is decided is CONFIRMED.
        show_probability: a TENTATIVE note is shown once it is at least this likely, one frame after its onset,
        show_decided_probability: or this likely when the frames that decide about it are there, provisionally.
        show_newest: whether the newest frame of a preview is judged as well, as if nothing followed it.
        frame_threshold: least frame activation of a sounding note.
        spacing: the same pitch is not struck again sooner.
        tolerance: frames the activation may stay down within one note.
        attack: frames after the onset in which it may be down without being counted.
        brief: a note that fades sooner than this, and is found in time, needs to be
        brief_probability: this likely, or is taken back before it is settled.
        reach: frames to either side of an onset over which its probability is spread; PROBABILITIES only, 1 or 2.
        one_note_a_string: no more notes sound than the instrument has strings.
    """

    onsets: OnsetKind = OnsetKind.PEAKS
    birth_probability: float = 0.5
    note_probability: float = 0.32
    show_probability: float = 0.6
    show_decided_probability: float = 0.0
    show_newest: bool = False
    frame_threshold: float = 0.3
    spacing: int = 4
    tolerance: int = 11
    attack: int = 0
    brief: int = 0
    brief_probability: float = 0.0
    reach: int = 1
    one_note_a_string: bool = False

    def __post_init__(self) -> None:
        shares = ("birth_probability", "note_probability", "show_probability", "show_decided_probability")
        for name in (*shares, "brief_probability", "frame_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, not between 0 and 1")
        if min(self.spacing, self.attack, self.brief) < 0 or self.tolerance < 1:
            raise ValueError("times are no fewer than 0 frames, the tolerance no less than 1")
        if self.reach not in (1, 2):
            raise ValueError(f"an onset reaches over 1 or 2 frames to either side, not {self.reach}")


GUITAR_RULES = TrackingRules(
    onsets=OnsetKind.PROBABILITIES,
    birth_probability=0.4,
    note_probability=0.5,
    show_probability=0.5,
    show_decided_probability=0.5,
    show_newest=True,
    frame_threshold=0.5,
    spacing=4,
    tolerance=3,
    attack=4,
    brief=10,
    brief_probability=0.7,
    reach=1,
    one_note_a_string=True,
)
"""Where a network with calibrated onsets says nothing else."""
