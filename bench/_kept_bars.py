"""Notes of rendered pieces, transcribed once and kept, so that two versions of the tracker judge the same ones.

Kept in `var/bars/`, a file a piece. A file serves as long as the composer writes the same piece and the same
transcriber listens; else the piece is rendered and transcribed anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._models import session_state
from bench._rhythm_pieces import REPORT_SEED, Composed, composed_pieces, song_pieces
from bench._rhythm_sound import rendered
from inference.ports import Transcriber
from music.audio import SAMPLE_RATE_HZ
from music.note import SETTLED, Note, NoteState

PLACE = Path(__file__).resolve().parents[1] / "var" / "bars"
PIECES, SECONDS = 36, 24.0
_CHOOSE_SEED = 2_075_000
"""Nothing is fitted on seeds from there on, and nothing is reported of them."""
_CHOOSE_GUITARS = 50

SETS: dict[str, Callable[[int], Iterator[Composed]]] = {
    "songs": lambda count: song_pieces(REPORT_SEED, count, SECONDS, spare=True),
    "composer's": lambda count: composed_pieces(REPORT_SEED, count, SECONDS),
    "songs, to choose by": lambda count: song_pieces(_CHOOSE_SEED, count, SECONDS),
    "composer's, to choose by": lambda count: composed_pieces(_CHOOSE_SEED, count, SECONDS),
}
"""The pieces of `python -m bench rhythm --pieces 36`, and as many others. The others take their rhythms from the tables
that are fitted on: those that are spare stay unseen until something is reported."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece and its settled notes as a session heard them; `duration` in samples."""

    piece: Composed
    notes: tuple[Note, ...]
    duration: int


def kept(name: str, count: int, load: Callable[[], Transcriber]) -> Iterator[Kept]:
    """Pieces of one of `SETS`.

    Args:
        name: of the set.
        count: how many pieces are drawn; a few of them have too few notes and are left out.
        load: a transcriber, asked for when a piece is not kept yet.
    """
    transcriber: Transcriber | None = None
    first_guitar = _CHOOSE_GUITARS if name.endswith("to choose by") else 0
    for number, piece in enumerate(SETS[name](count)):
        path = PLACE / _file_name(name) / f"{number:03d}.json"
        mark = _mark(piece)
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if found.get("piece") != mark:
            transcriber = transcriber or load()
            samples = rendered(piece, first_guitar + number)
            state = session_state(transcriber, samples, SAMPLE_RATE_HZ, piece.performance.instrument)
            found = {
                "piece": mark,
                "transcriber": transcriber.reference.name,
                "duration": state.duration or 0,
                "notes": [_told(note) for note in state.sorted_notes() if note.state in SETTLED],
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found), encoding="utf-8")
        yield Kept(piece, tuple(_note(row) for row in found["notes"]), found["duration"])


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalpha() else "_" for letter in name)


def _mark(piece: Composed) -> str:
    """Another one when anything is played otherwise."""
    played = [(note.onset, note.pitch, note.offset, round(note.velocity, 3)) for note in piece.performance.notes]
    return hashlib.sha256(json.dumps([piece.name, piece.truth, played]).encode()).hexdigest()[:16]


def _told(note: Note) -> list[object]:
    return [note.id, note.onset, note.pitch, note.offset, note.velocity, note.confidence]


def _note(row: list[Any]) -> Note:
    name, onset, pitch, offset, velocity, confidence = row
    return Note(name, NoteState.ENDED, onset, pitch, offset, velocity, confidence)
