"""Tabs as a transcriber would have heard them: notes lost, notes added, times and ends a little off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench._tabs import Tab
from music.audio import SAMPLE_RATE_HZ
from music.note import Note

_MOST_LOST, _MOST_ADDED = 0.25, 0.15
_LATE_SAMPLES = SAMPLE_RATE_HZ * 15 // 1000
_MISHEARD = (12, 12, 19, 7, 24, -12, 1, -1, 5)
"""What is heard beside a note that sounds: overtones first."""


def mangled(tab: Tab, seed: int) -> Tab:
    """The tab with some notes lost and some added whose string nobody knows; how many is drawn too."""
    random = np.random.default_rng(seed)
    lost, added, shortest = random.uniform(0, _MOST_LOST), random.uniform(0, _MOST_ADDED), random.uniform(0.3, 1)
    notes, strings = list[Note](), list[int | None]()
    for note, string in zip(tab.notes, tab.strings, strict=True):
        moved = _moved(note, random, float(shortest))
        if random.random() >= lost:
            notes.append(moved)
            strings.append(string)
        if random.random() < added:
            pitch = note.pitch + int(random.choice(_MISHEARD))
            notes.append(replace(moved, id=f"{note.id}+", pitch=min(max(pitch, 0), 127)))
            strings.append(None)
    return Tab(f"{tab.name}~{seed}", tab.instrument, tuple(notes), tuple(strings))


def every_other_mangled(tabs: list[Tab]) -> list[Tab]:
    """Each second tab as it would have been heard."""
    return [mangled(tab, number) if number % 2 else tab for number, tab in enumerate(tabs)]


def _moved(note: Note, random: np.random.Generator, shortest: float) -> Note:
    onset = max(0, note.onset + int(random.integers(-_LATE_SAMPLES, _LATE_SAMPLES + 1)))
    length = (note.offset or note.onset) - note.onset
    return replace(note, onset=onset, offset=onset + max(1, round(length * float(random.uniform(shortest, 1)))))
