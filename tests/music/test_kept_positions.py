"""What was arranged before is arranged alike: a change of how it is worked out moves no fret.

`python -m tests.music.test_kept_positions` writes the file anew, when weights or rules are meant to change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench._placing import strings_of
from bench._tabs import composed, song
from music.arranging import arrange
from music.note import Note, NoteState
from music.tuning import Instrument

KEPT = Path(__file__).with_name("kept_positions.json")


def pieces() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
    return found


@pytest.mark.parametrize("piece", pieces(), ids=lambda piece: piece["name"])
def test_frets_stay_where_they_were(piece: dict[str, Any]) -> None:
    instrument = Instrument(tuple(piece["tuning"]), piece["capo"])
    notes = [
        Note(str(n), NoteState.ENDED, onset, pitch, offset, confidence=1.0)
        for n, (onset, pitch, offset) in enumerate(piece["notes"])
    ]
    assert strings_of(arrange(notes, instrument)) == piece["strings"]


def test_there_are_pieces() -> None:
    assert len(pieces()) >= 6


def _write() -> None:
    tabs = [song(idiom, 7, 10.0) for idiom in ("open_picked", "melody", "jazz", "solo", "classical")]
    tabs += [composed(style, 7, 10.0) for style in ("lines", "fingerpicking")]
    lines = [
        json.dumps(
            {
                "name": tab.name,
                "tuning": tab.instrument.tuning,
                "capo": tab.instrument.capo,
                "notes": [(note.onset, note.pitch, note.offset) for note in tab.notes],
                "strings": strings_of(arrange(tab.notes, tab.instrument)),
            }
        )
        for tab in tabs
    ]
    KEPT.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
