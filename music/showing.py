"""When a note that is not settled yet is sure enough to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from music.note_tracking import Track, TrackState


@dataclass(frozen=True, slots=True)
class ShowingRules:
    """What a TENTATIVE note needs before it is shown.

    Chosen on rendered pieces (sampled and modelled guitars, `inference/training`, and the plucks of tests/support): the
    soonest of those at which at most one note in twenty is taken back.

    Attributes:
        strength: least activation of its onset.
        level: least mean frame activation since then.
        overtone_ratio: least share of that of a lower note which could explain it as an overtone.
    """

    strength: float = 0.6
    level: float = 0.35
    overtone_ratio: float = 0.7

    def allows(self, track: Track, explained: float) -> bool:
        """Whether to show a note for the first time.

        Args:
            track: as it stands if the provisional activations hold.
            explained: `NoteTracker.explained`, the level of the lower note whose overtone it may be.
        """
        if track.state is not TrackState.BORN:
            return True
        return (
            track.strength >= self.strength
            and track.level >= self.level
            and track.level >= self.overtone_ratio * explained
        )
