"""Pieces whose strings are known: performed takes, marks in classical scores, composed music."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.training.composer import STYLES, compose, draw_instrument
from inference.training.score import Performance
from inference.training.songbook import write_song
from music.audio import sample_at
from music.note import Note, NoteState
from music.tuning import TUNINGS, Instrument, Position

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


def open_position(seed: int, duration_s: float = 40.0) -> Tab:
    """A song in standard tuning without a capo, around the open strings."""
    idiom = ("open_strummed", "open_picked", "melody", "riff")[seed % 4]
    return _kept(f"open-{seed}", idiom, seed, duration_s, Instrument(), lambda fret: fret <= _OPEN_POSITION, 1.0)


def high_line(seed: int, duration_s: float = 40.0) -> Tab:
    """A line of which nine notes in ten lie above fret 9: a solo in boxes, or one of the composer's."""
    idiom = ("solo", "lines")[seed % 2]
    instrument = Instrument(fret_count=(22, 24)[seed // 2 % 2])
    return _kept(f"high-{seed}", idiom, seed, duration_s, instrument, lambda fret: fret > _HIGH, 0.9)


def retuned(tuning: str, seed: int, duration_s: float = 40.0) -> Tab:
    """A song in another tuning."""
    idioms = _ANY_TUNING if tuning not in _AS_STANDARD else (*_ANY_TUNING[:-1], "open_strummed", "open_picked", "barre")
    return _written(f"{tuning}-{seed}", idioms[seed % len(idioms)], seed, duration_s, Instrument(TUNINGS[tuning]))


def with_capo(seed: int, duration_s: float = 40.0) -> Tab:
    """A song with a capo on fret 2 to 7."""
    idiom = ("open_strummed", "open_picked", "melody")[seed % 3]
    return _written(f"capo-{seed}", idiom, seed, duration_s, Instrument(capo=2 + seed % 6))


_OPEN_POSITION, _HIGH = 5, 9
_AS_STANDARD = ("half_step_down",)
_ANY_TUNING = ("melody", "solo", "riff", "power", "altered")
RETUNED = ("half_step_down", "drop_d", "dadgad", "open_g")


def _written(name: str, idiom: str, seed: int, duration_s: float, instrument: Instrument, again: int = 0) -> Tab:
    random = np.random.default_rng([seed, _SONGS, again])
    if idiom in STYLES:
        return _from_performance(name, compose(random, instrument, idiom, duration_s))
    return _from_performance(name, write_song(random, idiom, duration_s, instrument))


def _kept(
    name: str,
    idiom: str,
    seed: int,
    duration_s: float,
    instrument: Instrument,
    is_wanted: Callable[[int], bool],
    share: float,
) -> Tab:
    """The first of the songs drawn from a seed in which so many notes have a wanted fret."""
    for again in range(1, _MOST_DRAWN):
        tab = _written(name, idiom, seed, duration_s, instrument, again)
        frets = [
            note.pitch - instrument.pitch_at(Position(s, 0))
            for note, s in zip(tab.notes, tab.strings, strict=True)
            if s
        ]
        if frets and sum(map(is_wanted, frets)) >= share * len(frets):
            return tab
    raise ValueError(f"None of {_MOST_DRAWN} songs drawn for {name} is as wanted.")


_MOST_DRAWN = 500


def validation_seeds(pieces: int) -> range:
    """Seeds of so many composed pieces that nothing was fitted on."""
    return range(VALIDATION_SEED, VALIDATION_SEED + pieces)


def checked_groups(seeds: Iterable[int], duration_s: float = 40.0) -> dict[str, list[Tab]]:
    """What arrangers are bad at, each in turn: open position, high lines, other tunings, a capo."""
    seeds = tuple(seeds)
    groups = {
        "open position": [open_position(seed, duration_s) for seed in seeds],
        "lines above fret 9": [high_line(seed, duration_s) for seed in seeds],
    }
    groups |= {name.replace("_", " "): [retuned(name, seed, duration_s) for seed in seeds] for name in RETUNED}
    return groups | {"capo 2 to 7": [with_capo(seed, duration_s) for seed in seeds]}


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
