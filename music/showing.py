"""When a note that is not settled yet is sure enough to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from music.note_tracking import Track, TrackState


@dataclass(frozen=True, slots=True)
class ShowingRules:
    """What a TENTATIVE note needs before it is shown.

    Chosen on rendered pieces (`python -m bench live`): the soonest at which at most one note in twenty is taken back.

    Attributes:
        probability: least probability, as one frame after its onset, that the note is one.
    """

    probability: float = 0.6

    def allows(self, track: Track) -> bool:
        """Whether to show a note for the first time, as it stands if the provisional activations hold."""
        return track.state is not TrackState.BORN or track.confidence >= self.probability
