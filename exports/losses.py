"""What a format could not carry. Nothing is dropped in silence: every export ends in a report of these."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class LossKind(StrEnum):
    """A kind of loss; the text is its code in reports and headers."""

    BARS_TRACKED = "bars_tracked"
    BARS_ASSUMED = "bars_assumed"
    BARS_UNSURE = "bars_unsure"
    TEMPO_OUT_OF_RANGE = "tempo_out_of_range"
    TEMPO_ROUNDED = "tempo_rounded"
    TIMES_ROUNDED = "times_rounded"
    ENDS_ASSUMED = "ends_assumed"
    LENGTHS_CUT = "lengths_cut"
    LENGTHS = "lengths"
    NOTES_LEFT_OUT = "notes_left_out"
    NOTES_WITHOUT_PLACE = "notes_without_place"
    PLACES_IN_CONFLICT = "places_in_conflict"
    STRINGS_LEFT_OUT = "strings_left_out"
    STRINGS_MOVED = "strings_moved"
    PLACES = "places"
    TUNING = "tuning"
    TECHNIQUES = "techniques"
    BENDS = "bends"
    BENDS_ROUNDED = "bends_rounded"
    HARMONY = "harmony"
    CONFIDENCE = "confidence"
    GAPS = "gaps"


_SENTENCES = {
    LossKind.BARS_TRACKED: "The file has no beats: its {} bars were found by listening to the notes.",
    LossKind.BARS_ASSUMED: "The file has no beats, and none were found: the bars are 120 beats a minute in 4/4.",
    LossKind.BARS_UNSURE: "{} bars are more likely wrong than right; read them as free time.",
    LossKind.TEMPO_OUT_OF_RANGE: "The tempo lies outside 20 to 400 beats a minute; the nearest of these is used.",
    LossKind.TEMPO_ROUNDED: "The tempo of {} bars is rounded to whole beats a minute.",
    LossKind.TIMES_ROUNDED: "{} notes stand on the nearest note value; JSON and MIDI keep when they were played.",
    LossKind.ENDS_ASSUMED: "{} notes have no end, or end as they begin: an end is made up.",
    LossKind.LENGTHS_CUT: "{} notes are written shorter than they sound, because others follow in the same voice.",
    LossKind.LENGTHS: "How long each of {} notes sounds is not carried.",
    LossKind.NOTES_LEFT_OUT: "{} notes are left out: the bars, or the format, have no place for them.",
    LossKind.NOTES_WITHOUT_PLACE: "{} notes have no place on the neck and are missing from the tab.",
    LossKind.PLACES_IN_CONFLICT: "{} notes share a string with another note at the same moment and are left out.",
    LossKind.STRINGS_LEFT_OUT: "{} notes of the eighth string are left out: the format holds seven strings.",
    LossKind.STRINGS_MOVED: "{} notes of the eighth string are written on another one: the format holds seven strings.",
    LossKind.PLACES: "Fret and capo are not carried; {} notes keep their string as a channel of its own.",
    LossKind.TUNING: "Tuning and capo are not carried as such; they stand in a text.",
    LossKind.TECHNIQUES: "{} techniques (slide, hammer-on, let ring …) cannot be written.",
    LossKind.BENDS: "{} notes lose the course of their bend.",
    LossKind.BENDS_ROUNDED: "{} bends are rounded to quarter tones.",
    LossKind.HARMONY: "{} chord symbols and keys are written as plain text, or not at all.",
    LossKind.CONFIDENCE: "How sure each of {} notes is, its flags and its other places are not carried.",
    LossKind.GAPS: "{} gaps in the recording are not marked.",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of loss and how often it happened."""

    kind: LossKind
    count: int

    @property
    def message(self) -> str:
        """A sentence for a person; says "notes" even of one."""
        return _SENTENCES[self.kind].format(self.count)


class Losses:
    """Counts losses while a file is written."""

    def __init__(self) -> None:
        self._counts: Counter[LossKind] = Counter()

    def add(self, kind: LossKind, count: int = 1) -> None:
        if count > 0:
            self._counts[kind] += count

    def forget(self, *kinds: LossKind) -> None:
        """What turned out not to touch this format."""
        for kind in kinds:
            self._counts.pop(kind, None)

    def report(self) -> tuple[Loss, ...]:
        """In the order of `LossKind`."""
        return tuple(Loss(kind, self._counts[kind]) for kind in LossKind if kind in self._counts)
