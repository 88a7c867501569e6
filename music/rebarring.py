"""A file with its bars, chords and keys found anew, around what a person has decided; no note is touched."""

from __future__ import annotations

import copy
from typing import Any

from music.beats import NO_LOCK, RhythmLock
from music.document import parse_document
from music.json_reading import as_object
from music.rhythm_document import final_music, music_to_json


def rebar_document(data: object, lock: RhythmLock = NO_LOCK) -> dict[str, Any]:
    """A copy of a file of schema genesis.transcription/1 whose bars, beats, tempo, metre, chords and keys are new.

    Args:
        data: what `json.loads` made of the file.
        lock: what a person has decided.

    Raises:
        InvalidInput: as `parse_document`.
    """
    document = parse_document(data)
    end = max((note.offset or note.onset + 1 for note in document.notes), default=0)
    found = final_music(document.notes, max(document.duration, end), lock)
    rest = {name: value for name, value in as_object(data, "The file").items() if name != "rhythm"}
    return {**copy.deepcopy(rest), **music_to_json(found, lock)}
