"""Readers of exported files that share no code with what wrote them, and what each finds in one shape.

PyGuitarPro and alphaTab for Guitar Pro 5, music21 and alphaTab for MusicXML beside the W3C's schema (as the package
`musicxml` carries it), pretty_midi for MIDI.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import guitarpro
import pretty_midi

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "web_edge" / "ui"
_QUARTER = 960
_NODE_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, order=True)
class ReadNote:
    """A note that begins: bar counted from 0, place in it in whole notes; string and fret are 0 and -1 where unsaid."""

    bar: int
    place: Fraction
    pitch: int
    string: int = 0
    fret: int = -1
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadScore:
    """What a reader found. `full_bars` says whether every voice fills its bar; None where the reader cannot tell."""

    notes: tuple[ReadNote, ...]
    tuning: tuple[int, ...] = ()
    capo: int = 0
    metres: tuple[str, ...] = ()
    full_bars: bool | None = None
    chords: tuple[str, ...] = ()
    staff_pitches: tuple[int, ...] = field(default=())

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """Pitch, string and fret of every note, sorted."""
        return sorted((note.pitch, note.string, note.fret) for note in self.notes)


def read_gp5(content: bytes) -> ReadScore:
    """By PyGuitarPro."""
    song = guitarpro.parse(io.BytesIO(content))
    track = song.tracks[0]
    tuning = tuple(string.value for string in track.strings)
    notes, is_full = [], True
    for index, measure in enumerate(track.measures):
        for voice in measure.voices:
            at = Fraction(0)
            for beat in voice.beats:
                notes += [_gp_note(index, at, note, tuning, track.offset) for note in beat.notes if _begins(note)]
                at += Fraction(beat.duration.time, _QUARTER * 4)
            is_empty = all(beat.status == guitarpro.BeatStatus.empty for beat in voice.beats)
            is_full &= is_empty or at == Fraction(measure.header.length, _QUARTER * 4)
    metres = tuple(
        f"{header.timeSignature.numerator}/{header.timeSignature.denominator.value}" for header in song.measureHeaders
    )
    texts = tuple(beat.text for measure in track.measures for beat in measure.voices[0].beats if beat.text)
    return ReadScore(tuple(sorted(notes)), tuning, track.offset, metres, is_full, texts)


def _begins(note: guitarpro.Note) -> bool:
    return bool(note.type == guitarpro.NoteType.normal)


def _gp_note(bar: int, place: Fraction, note: guitarpro.Note, tuning: tuple[int, ...], capo: int) -> ReadNote:
    effect = note.effect
    said = {
        "bend": effect.bend is not None,
        "hammer": effect.hammer,
        "let_ring": effect.letRing,
        "slide": bool(effect.slides),
        "vibrato": effect.vibrato,
    }
    pitch = tuning[note.string - 1] + capo + note.value
    return ReadNote(bar, place, pitch, note.string, note.value, tuple(name for name, is_on in said.items() if is_on))


def read_midi(content: bytes) -> list[tuple[float, float, int, int]]:
    """By pretty_midi: onset and end in seconds, pitch, and the number of the track's string (0 for none)."""
    file = pretty_midi.PrettyMIDI(io.BytesIO(content))
    found = []
    for track in file.instruments:
        words = track.name.split()
        string = int(words[1]) if words and words[0] == "String" else 0
        found += [(note.start, note.end, note.pitch, string) for note in track.notes]
    return sorted(found)


def read_musicxml(content: bytes) -> ReadScore:
    """By music21: places from the tab staff, pitches of the standard staff apart."""
    from music21 import articulations, converter, harmony

    score = converter.parseData(content.decode(), format="musicxml")
    standard, tab = score.parts
    notes = []
    for index, measure in enumerate(tab.getElementsByClass("Measure")):
        for element in measure.recurse().notes:
            if isinstance(element, harmony.ChordSymbol):
                continue
            place = Fraction(element.getOffsetInHierarchy(measure)) / 4
            # music21 hangs what is said of a chord's heads on the chord, in the order of the heads.
            # A FretBend is a FretIndication too.
            strings, frets = (
                [mark.number for mark in element.articulations if type(mark) is kind]
                for kind in (articulations.StringIndication, articulations.FretIndication)
            )
            heads = getattr(element, "notes", (element,))
            for head, string, fret in zip(heads, strings, frets, strict=True):
                if head.tie is None or head.tie.type == "start":
                    notes.append(ReadNote(index, place, head.pitch.midi, string, fret))
    upper = [
        note.pitch.midi
        for element in standard.recurse().notes
        if not isinstance(element, harmony.ChordSymbol)
        for note in getattr(element, "notes", (element,))
        if note.tie is None or note.tie.type == "start"
    ]
    chords = tuple(symbol.figure for symbol in standard.recurse().getElementsByClass(harmony.ChordSymbol))
    return ReadScore(tuple(sorted(notes)), chords=chords, staff_pitches=tuple(sorted(upper)))


@cache
def _schema() -> Any:
    import xmlschema

    # Only its schema is wanted: the package itself warns as it is imported.
    package = importlib.util.find_spec("musicxml")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package musicxml is not here: run `make setup`")
    path = Path(package.origin).parent / "generate_classes" / "musicxml_4_0.xsd"
    # Its imports of xml.xsd and xlink.xsd name addresses; the package has both on board, and nothing is fetched.
    return xmlschema.XMLSchema(str(path), allow="local")


def schema_errors(content: bytes) -> list[str]:
    """What the W3C's MusicXML 4.0 schema has against a file."""
    return [f"{error.path}: {error.reason}" for error in _schema().iter_errors(io.BytesIO(content))]


def node() -> str | None:
    """Node, from PATH or beside this Python; None where there is none."""
    return shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


def read_alphatab(paths: Sequence[Path]) -> list[ReadScore]:
    """By alphaTab, in Node: the staff that has a tuning, and the pitches of the one that has none."""
    program = node()
    if program is None or not (UI / "node_modules" / "@coderline" / "alphatab").is_dir():
        raise FileNotFoundError("alphaTab is not here: run `make setup`")
    done = subprocess.run(
        [program, "scripts/read-score.mjs", *map(os.path.abspath, paths)],
        cwd=UI,
        capture_output=True,
        timeout=_NODE_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"alphaTab: {done.stderr.decode(errors='replace')[-600:]}")
    return [_alphatab_score(json.loads(line)) for line in done.stdout.splitlines()]


def _alphatab_score(said: dict[str, Any]) -> ReadScore:
    tab = next(staff for staff in said["staves"] if staff["tuning"])
    upper = next((staff for staff in said["staves"] if not staff["tuning"]), tab)
    is_full = all(_is_full(bar) for bar in tab["bars"])
    marked = [beat for staff in said["staves"] for bar in staff["bars"] for v in bar["voices"] for beat in v["beats"]]
    return ReadScore(
        notes=tuple(sorted(_alphatab_notes(tab))),
        tuning=tuple(tab["tuning"]),
        capo=tab["capo"],
        metres=tuple(bar["metre"] for bar in tab["bars"]),
        full_bars=is_full,
        chords=tuple(beat["chord"] or beat["text"] for beat in marked if beat["chord"] or beat["text"]),
        staff_pitches=tuple(sorted(note.pitch for note in _alphatab_notes(upper))),
    )


def _alphatab_notes(staff: dict[str, Any]) -> list[ReadNote]:
    found = []
    for index, bar in enumerate(staff["bars"]):
        for voice in bar["voices"]:
            for beat in voice["beats"]:
                place = Fraction(beat["start"], _QUARTER * 4)
                found += [_alphatab_note(index, place, note) for note in beat["notes"] if not note["is_tied"]]
    return found


def _alphatab_note(bar: int, place: Fraction, note: dict[str, Any]) -> ReadNote:
    marks = tuple(name for name in ("bend", "hammer", "let_ring", "slide", "vibrato") if note[name])
    fret = -1 if note["fret"] is None else note["fret"]
    return ReadNote(bar, place, note["pitch"], note["string"] or 0, fret, marks)


def _is_full(bar: dict[str, Any]) -> bool:
    count, unit = map(int, bar["metre"].split("/"))
    return all(voice["length"] <= _QUARTER * 4 * count // unit for voice in bar["voices"])
