"""Every export of every test piece, opened by independent readers and held to what was written.

A piece counts for a reader when it opens and everything the format can carry is there: pitches; strings and frets;
tuning and capo; metres and full bars. Two hours of music are exported once for the time they take.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._export_pieces import made, recorded, two_hours
from bench._report import print_json, print_table
from bench._score_readers import (
    ReadScore,
    read_alphatab,
    read_gp5,
    read_midi,
    read_musicxml,
    schema_errors,
)
from exports.formats import Export, export
from exports.losses import Losses
from exports.score import Score, read_score
from genesis.demo.build import build_demo
from genesis.paths import default_data_dir, demo_dir

ROWS = ("opens", "pitches", "strings and frets", "tuning and capo", "bars")
_SAME_MOMENT_S = 0.001


def main() -> None:
    """Print the table and the line."""
    pieces = {"demo": _demo(), **made(), **recorded()}
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, piece in pieces.items():
            for reader, found in _judge(piece, Path(folder)).items():
                for row, is_right in found.items():
                    counts[reader][row] = counts[reader].get(row, 0) + is_right
                    wrong += [] if is_right else [f"{name}: {reader}: {row}"]
    print(f"{len(pieces)} pieces; a cell counts those in which it is all there")
    rows = [[reader, *(str(found.get(row, "")) for row in ROWS)] for reader, found in counts.items()]
    print_table(["reader", *ROWS], rows)
    for line in wrong:
        print(f"  not right: {line}")
    times = _long_piece()
    print_json("exports", pieces=len(pieces), wrong=len(wrong), counts=dict(counts), two_hours_s=times)


def _demo() -> dict[str, Any]:
    folder = demo_dir(default_data_dir())
    build_demo(folder)
    truth: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return truth


def _judge(piece: dict[str, Any], folder: Path) -> dict[str, dict[str, bool]]:
    """By format and reader, what of a piece is right."""
    score = read_score(piece, Losses())
    files = {name: export(piece, name) for name in ("mid", "musicxml", "gp5")}
    judged = {"MIDI, pretty_midi": _opened(lambda: _midi(score, piece, files["mid"]))}
    judged["MusicXML, W3C schema"] = {"opens": not schema_errors(files["musicxml"].content)}
    judged["MusicXML, music21"] = _opened(lambda: _tab(score, read_musicxml(files["musicxml"].content), is_gp=False))
    judged["MusicXML, alphaTab"] = _opened(lambda: _tab(score, _alphatab(files["musicxml"], folder), is_gp=False))
    judged["GP5, PyGuitarPro"] = _opened(lambda: _tab(score, read_gp5(files["gp5"].content), is_gp=True))
    judged["GP5, alphaTab"] = _opened(lambda: _tab(score, _alphatab(files["gp5"], folder), is_gp=True))
    return judged


def _opened(judge: Callable[[], dict[str, bool]]) -> dict[str, bool]:
    try:
        return {"opens": True, **judge()}
    except Exception as error:
        print(f"  {type(error).__name__}: {error}")
        return dict.fromkeys(ROWS, False)


def _alphatab(written: Export, folder: Path) -> ReadScore:
    path = folder / f"piece.{written.format.name}"
    path.write_bytes(written.content)
    return read_alphatab([path])[0]


def _midi(score: Score, piece: dict[str, Any], written: Export) -> dict[str, bool]:
    found = sorted((pitch, string, round(start, 4)) for start, _, pitch, string in read_midi(written.content))
    true = sorted(
        (note.pitch, note.position.string if note.position else 0, note.onset / 22_050) for note in score.notes.values()
    )
    same = len(found) == len(true) == len(piece["notes"])
    near = same and all(abs(a[2] - b[2]) <= _SAME_MOMENT_S for a, b in zip(found, true, strict=True))
    strings = same and all(a[:2] == b[:2] for a, b in zip(found, true, strict=True))
    return {"pitches": near, "strings and frets": strings}


def _tab(score: Score, found: ReadScore, *, is_gp: bool) -> dict[str, bool]:
    strings = score.instrument.tuning[:7] if is_gp else score.instrument.tuning
    placed = [_place(score, note, len(strings)) for note in score.notes.values() if note.position is not None]
    # What lies below the seventh string has no place in GP5; the report counts it.
    true = sorted(place for place in placed if place[2] >= 0)
    pitches = sorted(note.pitch for note in score.notes.values())
    right = {
        "pitches": [place[0] for place in found.places] == [place[0] for place in true]
        and (is_gp or list(found.staff_pitches) == pitches),
        "strings and frets": found.places == true,
    }
    if found.tuning:
        right["tuning and capo"] = (found.tuning, found.capo) == (strings, score.instrument.capo)
        right["bars"] = len(found.metres) == len(score.bars) and bool(found.full_bars)
    return right


def _place(score: Score, note: Any, strings: int) -> tuple[int, int, int]:
    """Pitch, string and fret; the eighth string's on the seventh where there are seven."""
    if note.position.string <= strings:
        return note.pitch, note.position.string, note.position.fret
    return note.pitch, strings, note.pitch - score.instrument.tuning[strings - 1] - score.instrument.capo


def _long_piece() -> dict[str, float]:
    piece = two_hours()
    taken = {}
    for name in ("mid", "gp5", "txt", "musicxml"):
        began = time.perf_counter()
        written = export(piece, name)
        taken[name] = time.perf_counter() - began
        print(
            f"two hours, {len(piece['notes'])} notes as {name}: {taken[name]:.1f} s, {len(written.content) >> 10} KiB"
        )
    return taken
