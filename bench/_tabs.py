"""Pieces whose strings are known: performed takes, marks in classical scores, composed music."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.training.composer import STYLES, compose, draw_instrument
from inference.training.score import Performance
from inference.training.songbook import IDIOMS, write_song
from music.audio import sample_at
from music.note import Note, NoteState
from music.tuning import Instrument

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
VALIDATION_SEED = 1_000_000
"""Composed pieces from here on are for reports; those before may be fitted on."""
_COMPOSING, _SONGS = 77, 99


@dataclass(frozen=True, eq=False, slots=True)
class Tab:
    """A piece and, for each note, the string it was played on; None where nobody chose one."""

    name: str
    instrument: Instrument
    notes: tuple[Note, ...]
    strings: tuple[int | None, ...]

    @property
    def scored(self) -> int:
        return sum(string is not None for string in self.strings)


def performed_takes() -> list[Tab]:
    """GuitarSet: every note's string is known. For reports only: nothing is fitted on them or chosen by them."""
    return [
        _from_file(path) for path in sorted([*SHARED.glob("guitarset/*.json"), *SHARED.glob("tabs/guitarset_*.json")])
    ]


def classical_marks() -> list[Tab]:
    """Classical scores in which an engraver marked some strings; grace notes are left out."""
    return [_from_file(path) for path in sorted(SHARED.glob("tabs/mutopia_*.json"))]


def composed(style: str, seed: int, duration_s: float = 40.0) -> Tab:
    """A piece in one of the composer's styles."""
    random = np.random.default_rng([seed, _COMPOSING])
    return _from_performance(f"{style}-{seed}", compose(random, draw_instrument(random), style, duration_s))


def song(idiom: str, seed: int, duration_s: float = 40.0) -> Tab:
    """A track in one of the songbook's idioms."""
    return _from_performance(f"{idiom}-{seed}", write_song(np.random.default_rng([seed, _SONGS]), idiom, duration_s))


def reported_groups(pieces: int) -> dict[str, list[Tab]]:
    """Everything reports are about, by group; so many composed pieces of each style and idiom."""
    seeds = range(VALIDATION_SEED, VALIDATION_SEED + pieces)
    groups = {"performed takes": performed_takes(), "classical marks": classical_marks()}
    groups |= {f"composed {style}": [composed(style, seed) for seed in seeds] for style in STYLES}
    return groups | {f"songs {idiom}": [song(idiom, seed) for seed in seeds] for idiom in IDIOMS}


def _from_file(path: Path) -> Tab:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    heard = [entry for entry in document["notes"] if not entry.get("grace")]
    notes = tuple(
        Note(
            id=entry["id"],
            state=NoteState.ENDED,
            onset=sample_at(entry["onset_s"]),
            pitch=entry["pitch"],
            offset=sample_at(entry["offset_s"]),
            confidence=1.0,
        )
        for entry in heard
    )
    instrument = Instrument(tuple(document["tuning"]), document["capo"])
    return Tab(path.stem, instrument, notes, tuple(entry["string"] for entry in heard))


def _from_performance(name: str, performance: Performance) -> Tab:
    notes = tuple(
        Note(str(number), NoteState.ENDED, n.onset, n.pitch, offset=n.offset, confidence=1.0)
        for number, n in enumerate(performance.notes)
    )
    return Tab(name, performance.instrument, notes, tuple(n.string for n in performance.notes))
