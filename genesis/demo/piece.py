"""Reads a tab typed as text into notes with exact times.

The format: `name: value` lines, then systems of one row a string. A row is its string's number and bars between `|`;
a bar holds one word a column, a fret or `-`. Lines that begin with `#` are remarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from music.tuning import Instrument, Position

ROMANCE = Path(__file__).parent / "romance.tab"
REST = "-"


@dataclass(frozen=True, slots=True)
class TabNote:
    """One fret of the tab; `beat` and `length` are exact, in beats from the first bar."""

    position: Position
    pitch: int
    beat: Fraction
    length: Fraction


@dataclass(frozen=True, slots=True)
class Piece:
    """A whole tab; `start_s` is when its first beat sounds, `tempo_bpm` counts the meter's beats."""

    title: str
    composer: str
    instrument: Instrument
    beats_per_bar: int
    beat_unit: int
    tempo_bpm: float
    start_s: float
    bar_count: int
    notes: tuple[TabNote, ...]

    def time_s(self, beat: Fraction) -> float:
        """Seconds from the recording's start."""
        return self.start_s + float(beat) * 60 / self.tempo_bpm


def read_piece(path: Path = ROMANCE) -> Piece:
    """The piece in a tab file. Raises what `parse_piece` raises."""
    return parse_piece(path.read_text(encoding="utf-8"))


def parse_piece(text: str) -> Piece:
    """The piece a tab's text spells.

    Raises:
        ValueError: a header is missing, or a bar has the wrong number of columns; the message names the bar.
    """
    headers, rows = _split(text)
    try:
        beats_per_bar, beat_unit = (int(part) for part in headers["meter"].split("/"))
        columns = beats_per_bar * int(headers["columns_per_beat"])
        instrument = Instrument(tuning=tuple(int(pitch) for pitch in headers["tuning"].split()))
        tempo_bpm, start_s = float(headers["tempo"]), float(headers["start"])
        title, composer = headers["title"], headers["composer"]
    except KeyError as missing:
        raise ValueError(f"The tab has no line '{missing.args[0]}: …'.") from None
    strings = _bars_by_string(rows, instrument.string_count, columns)
    step = Fraction(beats_per_bar, columns)
    notes = [
        note for string, frets in strings.items() for note in _ring(string, frets, instrument, step, beats_per_bar)
    ]
    return Piece(
        title=title,
        composer=composer,
        instrument=instrument,
        beats_per_bar=beats_per_bar,
        beat_unit=beat_unit,
        tempo_bpm=tempo_bpm,
        start_s=start_s,
        bar_count=len(strings[1]) // columns,
        notes=tuple(sorted(notes, key=lambda note: (note.beat, note.position))),
    )


def _split(text: str) -> tuple[dict[str, str], list[tuple[int, list[str]]]]:
    headers: dict[str, str] = {}
    rows: list[tuple[int, list[str]]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if "|" in line:
            string, *bars = line.split("|")
            rows.append((int(string), [bar for bar in bars if bar.strip()]))
        else:
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
    return headers, rows


def _bars_by_string(rows: list[tuple[int, list[str]]], string_count: int, columns: int) -> dict[int, list[str]]:
    strings: dict[int, list[str]] = {string: [] for string in range(1, string_count + 1)}
    for string, bars in rows:
        for bar in bars:
            words = bar.split()
            if len(words) != columns:
                number = len(strings[string]) // columns + 1
                raise ValueError(f"String {string}, bar {number}: {len(words)} columns instead of {columns}.")
            strings[string].extend(words)
    lengths = {len(words) for words in strings.values()}
    if len(lengths) != 1:
        raise ValueError("The strings have different numbers of bars.")
    return strings


def _ring(string: int, words: list[str], instrument: Instrument, step: Fraction, beats_per_bar: int) -> list[TabNote]:
    """Notes of one string: each rings until the next on it, one bar at most."""
    plucked = [(index * step, int(word)) for index, word in enumerate(words) if word != REST]
    notes = []
    for index, (beat, fret) in enumerate(plucked):
        length = Fraction(beats_per_bar)
        if index + 1 < len(plucked):
            length = min(length, plucked[index + 1][0] - beat)
        position = Position(string, fret)
        notes.append(TabNote(position, instrument.pitch_at(position), beat, length))
    return notes
