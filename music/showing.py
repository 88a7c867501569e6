"""When a note that is not settled yet is sure enough to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from music.note_tracking import Track, TrackState


@dataclass(frozen=True, slots=True)
class ShowingRules:
    """What a TENTATIVE note needs; frames are 11.6 ms.

    Attributes:
        at_once: activation of an onset that is shown as soon as it is seen.
        later: least activation of one that is shown when it has sounded for a while.
        age_frames: that while.
        level: mean frame activation that it must have had since.
    """

    at_once: float = 0.75
    later: float = 0.6
    age_frames: int = 5
    level: float = 0.4

    def allows(self, track: Track, newest: int) -> bool:
        """Whether to show a note for the first time.

        Args:
            track: as it stands if the provisional activations hold.
            newest: the newest frame known.
        """
        if track.state is not TrackState.BORN:
            return True
        if track.strength >= self.at_once:
            return True
        return track.strength >= self.later and newest - track.onset >= self.age_frames and track.level >= self.level

    def stability(self, track: Track, newest: int) -> float:
        """Probability that the note is committed as it stands, 0..1."""
        grown = min(1.0, (newest - track.onset) / 12)
        return min(0.99, 0.5 * track.strength + 0.5 * grown)
