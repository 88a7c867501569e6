"""What is printed about notes that were found, and with which uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench._bootstrap import (
    LEAST_PIECES,
    STRETCH_S,
    Counts,
    counts_by_stretch,
    f1_of,
    interval,
    interval_of_difference,
    parts_of,
)
from bench._report import print_table
from bench._scoring import PlainNote, matches, matches_on_the_neck, matches_with_offset
from bench._takes import Take
from music.arranging import arrange
from music.audio import sample_at
from music.note import Note, NoteState
from music.tuning import Instrument

ONSET, OFFSET, TAB, FINAL_TAB = "onset", "offset", "tab", "final tab"


@dataclass(frozen=True, slots=True)
class Judged:
    """One take as one listener heard it: notes found, and counts by the way of judging."""

    found: int
    counts: Mapping[str, Counts]


Results = dict[str, dict[str, list[Judged]]]
"""By row and listener, each take."""


def judge(take: Take, notes: Sequence[PlainNote]) -> Judged:
    """Judge what was found in a take: onsets; offsets too; string and fret as told, and at the offline optimum."""
    final = with_final_frets(notes, take.instrument)
    pairs = {
        ONSET: (notes, matches(take.truth, notes)),
        OFFSET: (notes, matches_with_offset(take.truth, notes)),
        TAB: (notes, matches_on_the_neck(take.truth, notes)),
        FINAL_TAB: (final, matches_on_the_neck(take.truth, final)),
    }
    counts = {way: counts_by_stretch(take.truth, heard, pair, take.length_s) for way, (heard, pair) in pairs.items()}
    return Judged(len(notes), counts)


def with_final_frets(notes: Sequence[PlainNote], instrument: Instrument) -> list[PlainNote]:
    """The same notes where the offline optimum puts them; stock's get places this way, and ours to compare."""
    asked = [
        Note(str(i), NoteState.ENDED, sample_at(n.onset_s), n.pitch, offset=sample_at(n.offset_s))
        for i, n in enumerate(notes)
    ]
    placed = {note.id: note.position for note in arrange(asked, instrument)}
    found: list[PlainNote] = []
    for i, note in enumerate(notes):
        place = placed[str(i)]
        string, fret = (None, None) if place is None else (place.string, place.fret)
        found.append(replace(note, string=string, fret=fret))
    return found


def print_judged(origin: str, rows: Results, stock: Sequence[str]) -> None:
    """A table of one origin's rows, and what was drawn for the intervals."""
    print(f"\n{origin}: onset within 50 ms, 90 % intervals")
    header = ["row", "notes of", "found", "P", "R", "F1", "90 %", *(f"over {name.split()[-1]}" for name in stock)]
    table: list[list[object]] = []
    for row, listeners in rows.items():
        for who, judged in listeners.items():
            facts = _facts(listeners, who, stock)
            cells: list[object] = [row, who, sum(one.found for one in judged)]
            cells += [f"{facts[key]:.3f}" for key in ("precision", "recall", "f1")]
            cells += [_span(facts["f1_90"]), *(_difference(facts, name) for name in stock)]
            cells += [f"{facts['f1_offset']:.3f}", "-" if who in stock else f"{facts['tab_f1']:.3f}"]
            table.append([*cells, f"{facts['tab_f1_final']:.3f}"])
    print_table([*header, "F1 offset", "Tab F1", "final Tab F1"], table)
    for row, listeners in rows.items():
        judged = next(iter(listeners.values()))
        parts = "pieces" if len(judged) >= LEAST_PIECES else f"stretches of {STRETCH_S:.0f} s"
        true = sum(int(one.counts[ONSET][:, :2].sum()) for one in judged)
        drawn = len(parts_of([one.counts[ONSET] for one in judged]))
        pieces = f"{len(judged)} {'piece' if len(judged) == 1 else 'pieces'}"
        print(f"{row}: {pieces}, {true} true notes; drawn: {drawn} {parts}")


def results_facts(rows: Results, stock: Sequence[str]) -> dict[str, object]:
    """For the JSON line."""
    return {row: {who: _facts(listeners, who, stock) for who in listeners} for row, listeners in rows.items()}


def _facts(listeners: Mapping[str, list[Judged]], who: str, stock: Sequence[str]) -> dict[str, object]:
    own = {way: parts_of([one.counts[way] for one in listeners[who]]) for way in (ONSET, OFFSET, TAB, FINAL_TAB)}
    right, missed, invented = (int(n) for n in own[ONSET].sum(axis=0))
    facts: dict[str, object] = {
        "found": right + invented,
        "true": right + missed,
        "precision": right / max(1, right + invented),
        "recall": right / max(1, right + missed),
        "f1": f1_of(own[ONSET]),
        "f1_90": list(interval(own[ONSET])),
        "f1_mean_of_pieces": sum(f1_of(one.counts[ONSET]) for one in listeners[who]) / len(listeners[who]),
        "f1_offset": f1_of(own[OFFSET]),
        "tab_f1": f1_of(own[TAB]),
        "tab_f1_final": f1_of(own[FINAL_TAB]),
    }
    for name in stock:
        if who not in stock and name in listeners:
            other = parts_of([one.counts[ONSET] for one in listeners[name]])
            low, high = interval_of_difference(own[ONSET], other)
            facts[f"over {name}"] = [f1_of(own[ONSET]) - f1_of(other), low, high]
    return facts


def _span(ends: object) -> str:
    assert isinstance(ends, list)
    return f"{ends[0]:.2f} – {ends[1]:.2f}"


def _difference(facts: Mapping[str, object], name: str) -> str:
    difference = facts.get(f"over {name}")
    if not isinstance(difference, list):
        return ""
    mean, low, high = difference
    return f"{mean:+.3f} ({low:+.2f} … {high:+.2f})"
