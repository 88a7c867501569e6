"""A file of schema "genesis.transcription/1" made ready for writers: notes by id, bars, note values, harmony."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from exports.bars import cover, read_bars
from exports.losses import Losses, LossKind
from music.audio import SAMPLE_RATE_HZ, sample_at
from music.beats import UNSURE, Bar
from music.document import parse_document
from music.harmony import NO_CHORD, ChordSpan, pitch_class
from music.json_reading import as_number, as_object, as_text, each, wrong
from music.notation import Notation, notate
from music.note import Note, NoteState, PitchBend, Technique
from music.tuning import Instrument

_MADE_UP_LENGTH = SAMPLE_RATE_HZ // 2
_SHORTEST = SAMPLE_RATE_HZ // 50
_BEND = "bend"
_LONGEST_TITLE = 120
_LONGEST_S = 7 * 24 * 3600.0
_NO_CHORDS = frozenset({NO_CHORD, "X"})
MOST_NOTES = 200_000


@dataclass(frozen=True, slots=True)
class Score:
    """What writers read.

    Attributes:
        notes: by id, in the order of onset and pitch; every note has an offset after its onset, and only a position
            that yields its pitch.
        bars: without a hole, from before the first note's onset to after the last one's end.
        notation: of the same bars.
        chords: in order, Harte symbols, none of them "N".
        key: "D#:major" or "".
        has_bars: whether the file says where its beats are, or the tracker is rather sure of those it found.
        gap_count: gaps in the recording.
    """

    title: str
    instrument: Instrument
    notes: Mapping[str, Note]
    bars: tuple[Bar, ...]
    notation: Notation
    chords: tuple[ChordSpan, ...]
    key: str
    has_bars: bool
    gap_count: int


def read_score(data: object, losses: Losses, *, title: str = "") -> Score:
    """Read what `json.loads` made of a file; what had to be made up is added to `losses`.

    Raises:
        InvalidInput: the file is not of the schema, or too long to be a score.
    """
    fields = as_object(data, "The file")
    document = parse_document(data)
    if len(document.notes) > MOST_NOTES:
        raise wrong(f"The file has {len(document.notes)} notes; a score holds {MOST_NOTES}. Cut it into shorter files.")
    notes = _finished(_distinct(document.notes), document.instrument, losses)
    named = read_bars(fields, notes, document.duration, losses)
    last = max((note.offset or 0 for note in notes), default=document.duration)
    bars = cover(named, min((note.onset for note in notes), default=0), last)
    return Score(
        title=_title(as_text(fields.get("title") or "", "title") or title),
        instrument=document.instrument,
        notes={note.id: note for note in notes},
        bars=bars,
        notation=notate(notes, bars),
        chords=tuple(chord for chord in each(fields.get("chords"), "chords", _chord) if chord.symbol not in _NO_CHORDS),
        key=_key(fields.get("key")),
        has_bars=_has_bars(fields, named),
        gap_count=len(fields.get("gaps") or []),
    )


def _title(text: str) -> str:
    """One line that any format may hold: no control characters, and no end of it out of sight."""
    line = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text[: 4 * _LONGEST_TITLE])
    return " ".join(line.split())[:_LONGEST_TITLE] or "Transcription"


def _has_bars(fields: Mapping[str, Any], bars: Sequence[Bar]) -> bool:
    if any(fields.get(name) for name in ("bars", "beats", "tempo_bpm")):
        return True
    return median(bar.confidence for bar in bars) >= UNSURE


def _distinct(notes: Iterable[Note]) -> list[Note]:
    """Notes that are not retracted, each under an id of its own."""
    seen: Counter[str] = Counter()
    distinct = []
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch)):
        if note.state is NoteState.RETRACTED:
            continue
        seen[note.id] += 1
        distinct.append(note if seen[note.id] == 1 else replace(note, id=f"{note.id}\x1f{seen[note.id]}"))
    return distinct


def _finished(notes: list[Note], instrument: Instrument, losses: Losses) -> list[Note]:
    """Notes with an end, and with a position only where it yields the pitch."""
    finished = []
    for note in notes:
        offset = note.offset
        if offset is None or offset <= note.onset:
            losses.add(LossKind.ENDS_ASSUMED)
            offset = note.onset + (_MADE_UP_LENGTH if offset is None else _SHORTEST)
        position = note.position
        if position is not None and (
            position.string > instrument.string_count or instrument.pitch_at(position) != note.pitch
        ):
            position = None
        note = replace(note, offset=offset, position=position, techniques=_sensible(note.techniques))
        finished.append(replace(note, bends=_course(note)))
    return finished


def _course(note: Note) -> tuple[PitchBend, ...]:
    """The bends as heard, in the order of time; of a bend whose amount alone is known, up by the middle of the note."""
    if note.bends:
        return tuple(sorted(note.bends, key=lambda bend: bend.at))
    middle = (note.onset + (note.offset or note.onset)) // 2
    for technique in note.techniques:
        if technique.kind == _BEND and technique.semitones:
            return (PitchBend(note.onset, 0.0), PitchBend(middle, technique.semitones))
    return ()


def _sensible(techniques: tuple[Technique, ...]) -> tuple[Technique, ...]:
    return tuple({technique.kind: technique for technique in techniques}.values())


def _chord(fields: dict[str, Any], place: str) -> ChordSpan:
    symbol = as_text(fields.get("symbol"), f"{place}.symbol")
    try:
        if symbol not in _NO_CHORDS:
            pitch_class(symbol.partition("/")[0].partition(":")[0])
    except ValueError:
        raise wrong(f"{place}.symbol is no chord in Harte's syntax: {symbol[:40]!r}.") from None
    return ChordSpan(
        start=sample_at(as_number(fields.get("start_s"), f"{place}.start_s", 0, _LONGEST_S)),
        end=sample_at(as_number(fields.get("end_s"), f"{place}.end_s", 0, _LONGEST_S)),
        symbol=symbol,
        confidence=as_number(fields.get("confidence", 0), f"{place}.confidence", 0, 1),
    )


def _key(value: object) -> str:
    text = as_text(value or "", "key")
    tonic, _, mode = text.partition(":")
    try:
        if text and (pitch_class(tonic) < 0 or mode not in ("major", "minor")):
            raise ValueError
    except ValueError:
        raise wrong(f"`key` looks like 'D#:major' or 'A:minor', not {text[:40]!r}.") from None
    return text
