"""The file schema "genesis.transcription/1": a session, or any list of notes, as JSON.

Strings count from 1, frets from the capo, times are seconds that are never quantised to a beat; everything a note
carries may be null or absent but its onset and its pitch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from music.arranging import arrange
from music.audio import sample_at, seconds
from music.beats import RhythmLock
from music.json_reading import as_list, as_number, as_object, as_text, as_whole, each, wrong
from music.note import SETTLED, Alternative, Note, NoteState, PitchBend, Technique
from music.placed_notes import OUT_OF_RANGE, UNPLAYABLE
from music.player_settings import pinned_positions
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.rhythm_document import Music, final_music, music_to_json
from music.session_state import SessionState
from music.tuning import DEFAULT_FRETS, MAX_FRETS, MAX_STRINGS, TUNINGS, Instrument, Position

SCHEMA = "genesis.transcription/1"
_LONGEST_S = 7 * 24 * 3600.0
_TIME_DIGITS = 5  # a sample lasts 45 µs, so every sample index survives the rounding


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: `duration` in samples (0: not said), `models` by role as "name@sha256:digest"."""

    notes: tuple[Note, ...]
    instrument: Instrument = field(default_factory=Instrument)
    session: str = ""
    duration: int = 0
    models: dict[str, str] = field(default_factory=dict)


def to_document(state: SessionState, music: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A session as a file: every note that is not retracted, by onset, then pitch.

    Args:
        state: the session.
        music: its bars, chords and keys, of `music_of_session`, where they are known already.
    """
    instrument = state.started.config.instrument if state.started else Instrument()
    models = state.started.models if state.started else ()
    duration = state.received_until if state.duration is None else state.duration
    frets = {} if instrument.fret_count == DEFAULT_FRETS else {"fret_count": instrument.fret_count}
    return {
        "schema": SCHEMA,
        "session": state.session_id,
        "models": {model.role: f"{model.name}@sha256:{model.sha256}" for model in models},
        "duration_s": _time(duration),
        "tuning": list(instrument.tuning),
        "capo": instrument.capo,
        **frets,
        "gaps": [{"start_s": _time(gap.start), "end_s": _time(gap.end), "cause": gap.cause} for gap in state.gaps],
        "summary": summary_of(state.notes.values()),
        "notes": [note_to_json(note) for note in state.sorted_notes()],
        **(music_of_session(state) if music is None else music),
    }


def music_of_session(state: SessionState, lock: RhythmLock | None = None) -> dict[str, Any]:
    """A file's bars, chords and keys: what is found in all notes at once; of a session that runs, what was told so far.

    Args:
        state: the session.
        lock: what a person has decided of the bars; None for what was decided while it ran.
    """
    holds = state.lock if lock is None else lock
    duration = state.received_until if state.duration is None else state.duration
    if state.is_over:
        settled = [note for note in state.sorted_notes() if note.state in SETTLED]
        return music_to_json(final_music(settled, duration, holds), holds)
    chords = (*state.chords, *state.tentative_chords)
    return music_to_json(Music((*state.bars, *state.tentative_bars), chords, tuple(state.keys)), holds)


def note_to_json(note: Note) -> dict[str, Any]:
    """One entry of a file's `notes`."""
    return {
        "id": note.id,
        "state": note.state.value,
        "onset_s": _time(note.onset),
        "offset_s": None if note.offset is None else _time(note.offset),
        "pitch": note.pitch,
        "velocity": round(note.velocity, 3),
        "confidence": round(note.confidence, 3),
        **_place(note),
        "flags": list(note.flags),
        "alternatives": _alternatives(note),
        "string_evidence": [round(share, 3) for share in note.string_evidence],
        "bends": [{"time_s": _time(bend.at), "semitones": round(bend.semitones, 3)} for bend in note.bends],
        "techniques": [_technique_to_json(technique) for technique in note.techniques],
    }


def _technique_to_json(technique: Technique) -> dict[str, Any]:
    amount = {} if technique.semitones is None else {"semitones": round(technique.semitones, 3)}
    return {"kind": technique.kind, "to": technique.to, "confidence": round(technique.confidence, 3), **amount}


def parse_document(data: object) -> Document:
    """Read what `json.loads` made of a file.

    Raises:
        InvalidInput: REQUEST_INVALID, TUNING_INVALID, CAPO_INVALID or CONFIG_INVALID, naming the place in the file.
    """
    fields = as_object(data, "The file")
    if fields.get("schema") != SCHEMA:
        raise wrong(f"The file's `schema` must be {SCHEMA!r}, not {fields.get('schema')!r}.")
    if fields.get("notes") is None:
        raise wrong("The file has no `notes`; give a list, which may be empty.")
    models = as_object(_given(fields, "models", {}), "models")
    return Document(
        notes=each(fields["notes"], "notes", _note),
        instrument=_instrument(fields),
        session=as_text(_given(fields, "session", ""), "session"),
        duration=sample_at(as_number(_given(fields, "duration_s", 0), "duration_s", 0, _LONGEST_S)),
        models={role: as_text(name, f"models.{role}") for role, name in models.items()},
    )


def arrange_document(
    data: object,
    *,
    tuning: Sequence[int] | None = None,
    capo: int | None = None,
    fret_count: int | None = None,
    preferences: Preferences = DEFAULT_PREFERENCES,
    pins: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A copy of a file with every note placed on the neck, and nothing else touched.

    Args:
        data: what `json.loads` made of the file.
        tuning: open strings to arrange for instead of the file's, string 1 first; written to the copy, as are
        capo: the capo's fret, and
        fret_count: frets from the nut.
        preferences: what the player can and likes.
        pins: strings that are decided, by note id; the other notes are arranged around them.

    Raises:
        InvalidInput: as `parse_document`, or REQUEST_INVALID: a pin names no note, or a string that does not have it.
    """
    overrides = {"tuning": list(tuning) if tuning is not None else None, "capo": capo, "fret_count": fret_count}
    changed = {**as_object(data, "The file"), **{key: value for key, value in overrides.items() if value is not None}}
    document = parse_document(changed)
    arranged = {**changed, "notes": [dict(entry) for entry in changed["notes"]]}
    decided = pinned_positions(document.notes, document.instrument, pins or {})
    placed = arrange(document.notes, document.instrument, preferences, decided)
    for entry, note in zip(arranged["notes"], placed, strict=True):
        entry.update(_place(note), alternatives=_alternatives(note))
        if note.flags or entry.get("flags"):
            entry["flags"] = list(note.flags)
    if "summary" in arranged:
        arranged["summary"] = summary_of(placed)
    return arranged


def summary_of(notes: Iterable[Note]) -> dict[str, int]:
    """How many notes there are, and how many of them have no place: out of range, or more than a hand can hold."""
    counts = Counter(flag for note in notes for flag in ("notes", *note.flags))
    return {name: counts[name] for name in ("notes", OUT_OF_RANGE, UNPLAYABLE)}


def summary_of_file(data: Mapping[str, Any]) -> dict[str, int]:
    """As `summary_of`, of a file that was read before or written by this package."""
    counts = Counter(flag for entry in data["notes"] for flag in ("notes", *(entry.get("flags") or ())))
    return {name: counts[name] for name in ("notes", OUT_OF_RANGE, UNPLAYABLE)}


def _time(sample: int) -> float:
    return round(seconds(sample), _TIME_DIGITS)


def _place(note: Note) -> dict[str, int | None]:
    if note.position is None:
        return {"string": None, "fret": None}
    return {"string": note.position.string, "fret": note.position.fret}


def _alternatives(note: Note) -> list[dict[str, float]]:
    return [
        {"string": other.position.string, "fret": other.position.fret, "cost": round(other.cost, 3)}
        for other in note.alternatives
    ]


def _instrument(fields: dict[str, Any]) -> Instrument:
    tuning = fields.get("tuning")
    # Ranges are the Instrument's to check: it has the better sentence.
    pitches = (
        TUNINGS["standard"] if tuning is None else [as_whole(p, "tuning", -999, 999) for p in as_list(tuning, "tuning")]
    )
    return Instrument(
        tuning=tuple(pitches),
        capo=as_whole(_given(fields, "capo", 0), "capo", -999, 999),
        fret_count=as_whole(_given(fields, "fret_count", DEFAULT_FRETS), "fret_count", -999, 999),
    )


def _given(fields: dict[str, Any], key: str, default: object) -> object:
    """A field, where it is neither absent nor null."""
    value = fields.get(key)
    return default if value is None else value


def _note(fields: dict[str, Any], place: str) -> Note:
    onset = as_number(fields.get("onset_s"), f"{place}.onset_s", 0, _LONGEST_S)
    offset = fields.get("offset_s")
    return Note(
        id=as_text(_given(fields, "id", place), f"{place}.id"),
        state=_state(_given(fields, "state", "ended"), place),
        onset=sample_at(onset),
        offset=None if offset is None else sample_at(as_number(offset, f"{place}.offset_s", onset, _LONGEST_S)),
        pitch=as_whole(fields.get("pitch"), f"{place}.pitch", 0, 127),
        velocity=as_number(_given(fields, "velocity", 0), f"{place}.velocity", 0, 1),
        confidence=as_number(_given(fields, "confidence", 0), f"{place}.confidence", 0, 1),
        stability=1.0,
        position=_position(fields, place),
        alternatives=each(fields.get("alternatives"), f"{place}.alternatives", _alternative),
        string_evidence=_evidence(_given(fields, "string_evidence", []), f"{place}.string_evidence"),
        bends=each(fields.get("bends"), f"{place}.bends", _bend),
        techniques=each(fields.get("techniques"), f"{place}.techniques", _technique),
        flags=tuple(as_text(flag, f"{place}.flags") for flag in as_list(_given(fields, "flags", []), f"{place}.flags")),
    )


def _state(value: object, place: str) -> NoteState:
    try:
        return NoteState(as_text(value, f"{place}.state"))
    except ValueError:
        states = ", ".join(state.value for state in NoteState)
        raise wrong(f"{place}.state must be one of {states}, not {value!r}.") from None


def _position(fields: dict[str, Any], place: str) -> Position | None:
    if fields.get("string") is None or fields.get("fret") is None:
        return None
    string = as_whole(fields["string"], f"{place}.string", 1, MAX_STRINGS)
    return Position(string, as_whole(fields["fret"], f"{place}.fret", 0, MAX_FRETS))


def _alternative(fields: dict[str, Any], place: str) -> Alternative:
    position = _position(fields, place)
    if position is None:
        raise wrong(f"{place} must have a `string` and a `fret`.")
    return Alternative(position, as_number(_given(fields, "cost", 0), f"{place}.cost", 0, math.inf))


def _evidence(value: object, place: str) -> tuple[float, ...]:
    shares = as_list(value, place)
    if len(shares) > MAX_STRINGS:
        raise wrong(f"{place} lists {len(shares)} strings; an instrument has {MAX_STRINGS} at most.")
    return tuple(as_number(share, place, 0, 1) for share in shares)


def _bend(fields: dict[str, Any], place: str) -> PitchBend:
    at = as_number(fields.get("time_s"), f"{place}.time_s", 0, _LONGEST_S)
    return PitchBend(sample_at(at), as_number(fields.get("semitones"), f"{place}.semitones", -48, 48))


def _technique(fields: dict[str, Any], place: str) -> Technique:
    semitones = fields.get("semitones")
    return Technique(
        kind=as_text(fields.get("kind"), f"{place}.kind"),
        to=as_text(_given(fields, "to", ""), f"{place}.to"),
        confidence=as_number(_given(fields, "confidence", 0), f"{place}.confidence", 0, 1),
        semitones=None if semitones is None else as_number(semitones, f"{place}.semitones", -48, 48),
    )
