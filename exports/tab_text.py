"""Notes as a text tab in the order of time: under bar lines where there are bars, else under a clock.

Under a clock nothing is quantised: dashes between columns grow with the time between them. Under bars a note stands
where the notation has it, so that one that was played a little early is not in the bar before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from exports.harte import chord_text
from exports.losses import Losses, LossKind
from exports.score import Score
from exports.written import BEND, HAMMER_ON, PULL_OFF, SLIDE, VIBRATO, joined_notes, onsets_of, unwritten_techniques
from music.audio import SAMPLE_RATE_HZ, seconds
from music.beats import Bar
from music.notation import Notation
from music.note import Note
from music.tuning import Instrument

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TOGETHER = SAMPLE_RATE_HZ * 30 // 1000
_DASHES_PER_SECOND = 10
_DASHES_PER_BEAT = 4
_MOST_DASHES = 12
_WIDTH = 100
_Cell = Callable[[Note], str]
"""What is written for a note."""
_CARRIED = frozenset({BEND, HAMMER_ON, PULL_OFF, SLIDE, VIBRATO})


def write_tab_text(score: Score, losses: Losses) -> bytes:
    """A text tab with its tuning, capo and chord symbols on top."""
    notes = list(score.notes.values())
    joined = joined_notes(score)
    head = [score.title, _tuning_line(score.instrument)]
    if score.chords:
        head.append("Chords: " + "  ".join(_chord_line(score)))
    body = to_tab_text(notes, score.instrument, score.notation if score.has_bars else None, joined)
    if not score.has_bars:
        losses.forget(LossKind.BARS_TRACKED, LossKind.BARS_ASSUMED, LossKind.BARS_UNSURE)
    losses.add(LossKind.TIMES_ROUNDED, len(notes) if score.has_bars else 0)
    losses.add(LossKind.NOTES_LEFT_OUT, len(score.notation.left_out) if score.has_bars else 0)
    losses.add(LossKind.NOTES_WITHOUT_PLACE, sum(note.position is None for note in notes))
    losses.add(LossKind.TECHNIQUES, unwritten_techniques(score, _CARRIED, joined))
    losses.add(LossKind.LENGTHS, len(notes))
    losses.add(LossKind.BENDS, sum(len(note.bends) > 1 for note in notes))
    losses.add(LossKind.CONFIDENCE, len(notes))
    losses.add(LossKind.GAPS, score.gap_count)
    return "\n".join([*head, "", body]).encode()


def to_tab_text(
    notes: Sequence[Note],
    instrument: Instrument,
    notation: Notation | None = None,
    joined: Mapping[str, Note] | None = None,
) -> str:
    """One line a string, string 1 on top; every system headed by the time, or the bar, of its first note.

    Notes within 30 ms share a column. Notes without a position are left out and counted in the last line.

    Args:
        notes: in any order.
        instrument: whose strings are drawn.
        notation: of these notes; None writes them under a clock.
        joined: by note id, the note that its hammer-on, pull-off or slide leads into.
    """
    placed = sorted((note for note in notes if note.position is not None), key=lambda note: note.onset)

    def cell(note: Note) -> str:
        return _cell(note, (joined or {}).get(note.id))

    if notation is not None and placed:
        lines = _under_bars(placed, instrument, notation, cell)
    else:
        lines = _under_a_clock(placed, instrument, cell)
    missing = len(notes) - len(placed)
    if missing:
        lines += ["", f"{missing} notes lie outside this instrument's range."]
    return "\n".join(lines) + "\n"


def _under_a_clock(placed: list[Note], instrument: Instrument, cell: _Cell) -> list[str]:
    lines: list[str] = []
    system: _System | None = None
    last = 0
    for column in _columns(placed):
        onset = column[0].onset
        gap = max(1, min(_MOST_DASHES, round(seconds(onset - last) * _DASHES_PER_SECOND)))
        if system is None or system.width + gap + _width(column, cell) > _WIDTH:
            lines += [*system.lines(), ""] if system else []
            minutes, rest_s = divmod(seconds(onset), 60)
            system, gap = _System(instrument, f"{int(minutes)}:{rest_s:04.1f}"), 0
        system.add(gap, column, cell)
        last = onset
    return lines + (system.lines() if system else ["No notes."])


def _under_bars(placed: list[Note], instrument: Instrument, notation: Notation, cell: _Cell) -> list[str]:
    lines: list[str] = []
    system = _System(instrument, "")
    for bar, columns in _played_bars(placed, notation):
        gaps = _gaps_in(bar, list(columns), [_width(column, cell) for column in columns.values()])
        needed = sum(gaps) + sum(_width(column, cell) for column in columns.values()) + 1
        if system.is_begun and system.width + needed > _WIDTH:
            lines += [*system.lines(), ""]
            system = _System(instrument, "")
        system.label(str(bar.number))
        for gap, column in zip(gaps, columns.values(), strict=False):
            system.add(gap, column, cell)
        system.end_bar(gaps[-1])
    return [*lines, *system.lines()]


def _played_bars(placed: Sequence[Note], notation: Notation) -> Iterator[tuple[Bar, dict[Fraction, list[Note]]]]:
    """Bars from the first that is played in to the last, each with its columns by their place in beats."""
    onsets = onsets_of(notation.bars)
    columns: dict[int, dict[Fraction, list[Note]]] = {}
    for note in placed:
        if (onset := onsets.get(note.id)) is not None:
            beat = notation.bars[onset.bar].bar.signature.beat
            columns.setdefault(onset.bar, {}).setdefault(onset.place / beat, []).append(note)
    for index in range(min(columns, default=0), max(columns, default=-1) + 1):
        yield notation.bars[index].bar, dict(sorted(columns.get(index, {}).items()))


def _gaps_in(bar: Bar, places: Sequence[Fraction], widths: Sequence[int]) -> list[int]:
    """Dashes before each column of a bar, and before its line; a column takes room from the gap after it."""
    edges = [Fraction(0), *places, Fraction(len(bar.beats))]
    room = [round((after - before) * _DASHES_PER_BEAT) for before, after in pairwise(edges)]
    least = [0, *(1 for _ in places)]
    return [max(fewest, dashes - width) for fewest, dashes, width in zip(least, room, [0, *widths], strict=True)]


class _System:
    """Lines that stand above each other, under a line of labels."""

    def __init__(self, instrument: Instrument, label: str) -> None:
        names = [_NAMES[pitch % 12] for pitch in instrument.tuning]
        margin = max(len(name) for name in names)
        self._rows = [f"{name:<{margin}}|-" for name in names]
        self._labels = " " * (margin + 2) + label
        self.is_begun = False

    @property
    def width(self) -> int:
        return len(self._rows[0])

    def label(self, text: str) -> None:
        """Above what comes next, if there is room above it."""
        if len(self._labels.rstrip()) < self.width - 1 or not self._labels.strip():
            self._labels = f"{self._labels:<{self.width}}{text}"

    def add(self, gap: int, column: list[Note], cell: _Cell) -> None:
        self.is_begun = True
        width = _width(column, cell)
        texts = {note.position.string: cell(note) for note in column if note.position is not None}
        self._rows = [
            row + "-" * gap + texts.get(string, "").ljust(width, "-") for string, row in enumerate(self._rows, start=1)
        ]

    def end_bar(self, gap: int) -> None:
        self.is_begun = True
        self._rows = [row + "-" * gap + "|-" for row in self._rows]

    def lines(self) -> list[str]:
        # A line that ends in a bar ends with it.
        ended = [row[:-1] if row.endswith("|-") else row + "-" for row in self._rows]
        return [self._labels.rstrip(), *ended]


def _cell(note: Note, following: Note | None) -> str:
    """The fret, and how it is played: h, p or a stroke into the next note, b with the fret it is bent to, ~."""
    fret = note.position.fret if note.position else 0
    text = str(fret)
    kinds = {technique.kind for technique in note.techniques}
    peak = max((bend.semitones for bend in note.bends), key=abs, default=0.0)
    if BEND in kinds and round(peak * 2):
        text += f"b({fret + round(peak * 2) / 2:g})"
    if VIBRATO in kinds:
        text += "~"
    if following is not None:
        up = following.pitch >= note.pitch
        text += "h" * (HAMMER_ON in kinds) + "p" * (PULL_OFF in kinds) + ("/" if up else "\\") * (SLIDE in kinds)
    return text


def _width(column: Sequence[Note], cell: _Cell) -> int:
    return max(len(cell(note)) for note in column)


def _columns(placed: Sequence[Note]) -> Iterator[list[Note]]:
    """Notes that begin together, on strings of their own."""
    column: list[Note] = []
    for note in placed:
        taken = any(
            note.position and other.position and note.position.string == other.position.string for other in column
        )
        if column and (taken or note.onset - column[0].onset > _TOGETHER):
            yield column
            column = []
        column.append(note)
    if column:
        yield column


def _tuning_line(instrument: Instrument) -> str:
    names = " ".join(f"{_NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in instrument.tuning)
    return f"Tuning, string 1 first: {names}" + (f"; capo on fret {instrument.capo}" if instrument.capo else "")


def _chord_line(score: Score) -> Iterator[str]:
    for chord in score.chords:
        minutes, rest_s = divmod(seconds(chord.start), 60)
        yield f"{int(minutes)}:{rest_s:04.1f} {chord_text(chord.symbol, score.key)}"
