"""Note values of a file, as JSON of schema "genesis.notation/1": what an engraver needs that a file does not say.

    {
      "schema": "genesis.notation/1",
      "key": "G:major", "fifths": 1,
      "bars": [{
        "number": 1, "start_s": 0.0, "end_s": 2.0, "time_signature": "4/4", "confidence": 0.9, "length": [1, 1],
        "voices": [[
          {"at": [0, 1], "duration": [3, 8], "base": 4, "dots": 1, "tuplet": null,
           "heads": [{"id": "n0", "step": "F", "alter": 1, "octave": 4, "begins": true, "tied": false}]},
          {"at": [3, 8], "duration": [5, 8], …, "heads": []}
        ], []]
      }],
      "left_out": []
    }

Lengths are fractions of a whole note as [numerator, denominator]. Bars are those of the file, in its order. Voice 1 is
the melody (stems up), voice 2 the bass (stems down), empty where one voice says it all; a symbol without heads is a
rest. `octave` is that of the sound: under a clef for the guitar it is written one higher. `tuplet` is
{"actual": 3, "normal": 2, "group": n}: symbols of one voice and bar with the same `group` stand under one bracket.
`tied` leads into the voice's next symbol, which may stand in the next bar. Notes outside all bars are `left_out`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from music.audio import seconds
from music.document import parse_document
from music.notation import NotatedBar, notate
from music.notation_values import Symbol
from music.note import Note, NoteState
from music.rhythm_document import bars_of, keys_of, main_key
from music.spelling import fifths_of, spell_pitch

SCHEMA = "genesis.notation/1"
_DIGITS = 5


def notation_to_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """Note values of what `json.loads` made of a file of schema genesis.transcription/1.

    Raises:
        InvalidInput: REQUEST_INVALID, the file is not of the schema.
    """
    notes = {note.id: note for note in parse_document(data).notes if note.state is not NoteState.RETRACTED}
    key = main_key(keys_of(data))
    notation = notate(notes.values(), bars_of(data))
    return {
        "schema": SCHEMA,
        "session": data.get("session", ""),
        "key": key or None,
        "fifths": fifths_of(key),
        "bars": [_bar(bar, notes, key) for bar in notation.bars],
        "left_out": list(notation.left_out),
    }


def tuplet_groups(symbols: Iterable[Symbol]) -> list[int | None]:
    """Which bracket each symbol of a voice's bar stands under, counted from 0; None for none.

    A bracket ends where its symbols together fill a plain length: three eighths in the time of two are a quarter. It
    ends too where the voice goes on without a tuplet, however much is left of it.
    """
    groups: list[int | None] = []
    number = 0
    for tuplet, run in groupby(symbols, key=lambda symbol: symbol.tuplet):
        filled = Fraction(0)
        for symbol in run:
            groups.append(None if tuplet == (1, 1) else number)
            filled += symbol.duration
            if tuplet != (1, 1) and filled.denominator & (filled.denominator - 1) == 0:
                number, filled = number + 1, Fraction(0)
        number += int(filled > 0 and tuplet != (1, 1))
    return groups


def _bar(written: NotatedBar, notes: Mapping[str, Note], key: str) -> dict[str, Any]:
    bar = written.bar
    return {
        "number": bar.number,
        "start_s": round(seconds(bar.start), _DIGITS),
        "end_s": round(seconds(bar.end), _DIGITS),
        "time_signature": str(bar.signature),
        "confidence": round(bar.confidence, 3),
        "length": _fraction(bar.length),
        "voices": [_voice(symbols, notes, key) for symbols in written.voices],
    }


def _voice(symbols: Sequence[Symbol], notes: Mapping[str, Note], key: str) -> list[dict[str, Any]]:
    return [_symbol(symbol, group, notes, key) for symbol, group in zip(symbols, tuplet_groups(symbols), strict=True)]


def _symbol(symbol: Symbol, group: int | None, notes: Mapping[str, Note], key: str) -> dict[str, Any]:
    actual, normal = symbol.tuplet
    return {
        "at": _fraction(symbol.start),
        "duration": _fraction(symbol.duration),
        "base": symbol.base,
        "dots": symbol.dots,
        "tuplet": None if group is None else {"actual": actual, "normal": normal, "group": group},
        "heads": [_head(symbol, notes[name], key) for name in symbol.notes],
    }


def _head(symbol: Symbol, note: Note, key: str) -> dict[str, Any]:
    spelt = spell_pitch(note.pitch, key)
    return {
        "id": note.id,
        "step": spelt.step,
        "alter": spelt.alter,
        "octave": spelt.octave,
        "begins": note.id in symbol.starts,
        "tied": note.id in symbol.tied,
    }


def _fraction(value: Fraction) -> list[int]:
    return [value.numerator, value.denominator]
