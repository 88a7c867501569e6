"""MusicXML 4.0: music21 writes the standard staff, `exports.tab_staff` adds the tablature below it.

music21 takes more than a second to import and long scores take it minutes: never on the way of anything live.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree as ET

from music21 import (
    beam,
    chord,
    clef,
    duration,
    harmony,
    instrument,
    key,
    metadata,
    meter,
    note,
    pitch,
    stream,
    tempo,
    tie,
)
from music21.musicxml.m21ToXml import ScoreExporter
from music21.stream.makeNotation import makeAccidentalsInMeasureStream, makeTupletBrackets

from exports.harte import read_chord
from exports.losses import Losses, LossKind
from exports.score import Score
from exports.tab_staff import CARRIED, add_tab_staff
from exports.written import joined_notes, report_common, unwritten_techniques
from music.beats import Bar
from music.notation import NotatedBar, Symbol
from music.spelling import fifths_of, spell_pitch

_QUARTERS = 4
_LOWEST_PITCH = 12
_SHOWN_CHANGE = 0.08
"""A tempo that moves by less is told to players of the file, not printed over the bar."""
_KINDS = {
    "maj": "major",
    "min": "minor",
    "7": "dominant-seventh",
    "maj7": "major-seventh",
    "min7": "minor-seventh",
    "sus2": "suspended-second",
    "sus4": "suspended-fourth",
    "dim": "diminished",
    "aug": "augmented",
    "maj6": "major-sixth",
    "min6": "minor-sixth",
    "hdim7": "half-diminished-seventh",
    "dim7": "diminished-seventh",
    "9": "dominant-ninth",
    "maj9": "major-ninth",
    "min9": "minor-ninth",
    "minmaj7": "minor-major-seventh",
    "5": "power",
}
"""music21's names of Harte's shorthands."""
_SIGNS = {-1: "-", 0: "", 1: "#"}
"""music21's."""


def write_musicxml(score: Score, losses: Losses) -> bytes:
    """A partwise score of one part with two staves."""
    score = _within_octaves(score, losses)
    part = stream.Part(id="P1")
    part.insert(0, _instrument(score))
    shown_bpm = 0.0
    for number, bar in enumerate(score.notation.bars):
        measure = _measure(score, bar, losses)
        if number == 0:
            measure.insert(0, clef.Bass8vbClef() if _is_bass(score) else clef.Treble8vbClef())
            measure.insert(0, key.KeySignature(fifths_of(score.key)))
        previous = score.bars[number - 1] if number else None
        if previous is None or previous.signature != bar.bar.signature:
            measure.insert(0, meter.TimeSignature(str(bar.bar.signature)))
        if abs(bar.bar.tempo_bpm - shown_bpm) > _SHOWN_CHANGE * shown_bpm:
            shown_bpm = bar.bar.tempo_bpm
            measure.insert(0, _mark(bar.bar))
        part.append(measure)
    makeAccidentalsInMeasureStream(part)
    root = _exported(score, part)
    joined = joined_notes(score)
    add_tab_staff(root, score, joined, losses)
    report_common(score, losses)
    losses.add(LossKind.NOTES_WITHOUT_PLACE, sum(one.position is None for one in score.notes.values()))
    losses.add(LossKind.TECHNIQUES, unwritten_techniques(score, CARRIED, joined))
    return _with_doctype(root)


def _within_octaves(score: Score, losses: Losses) -> Score:
    """The same without notes below C0, MIDI pitch 12: MusicXML counts octaves from nought."""
    low = {name for name, one in score.notes.items() if one.pitch < _LOWEST_PITCH}
    if not low:
        return score
    losses.add(LossKind.NOTES_LEFT_OUT, len(low))

    def without(symbol: Symbol) -> Symbol:
        notes, tied, starts = (
            tuple(name for name in names if name not in low) for names in (symbol.notes, symbol.tied, symbol.starts)
        )
        return replace(symbol, notes=notes, tied=tied, starts=starts)

    bars = tuple(
        replace(bar, voices=(tuple(map(without, bar.voices[0])), tuple(map(without, bar.voices[1]))))
        for bar in score.notation.bars
    )
    return replace(score, notation=replace(score.notation, bars=bars))


def _exported(score: Score, part: stream.Part) -> ET.Element:
    whole = stream.Score([part])
    whole.metadata = metadata.Metadata(title=score.title)
    root: ET.Element = ScoreExporter(whole, makeNotation=False).parse()
    _make_reproducible(root)
    return root


def _make_reproducible(root: ET.Element) -> None:
    """One document, one file: no date, no drawn ids, and no composer that nobody named."""
    for path, tag in (("identification", "creator"), ("identification/encoding", "encoding-date")):
        for parent in root.findall(path):
            for child in parent.findall(tag):
                parent.remove(child)
    for software in root.findall("identification/encoding/software"):
        software.text = f"Genesis Music, {software.text}"
    for path, name in (("part-list/score-part", "P1"), ("part", "P1")):
        for element in root.findall(path):
            element.set("id", name)
    for path in ("part-list/score-part/score-instrument", "part-list/score-part/midi-instrument"):
        for element in root.findall(path):
            element.set("id", "P1-I1")


def _with_doctype(root: ET.Element) -> bytes:
    root.set("version", "4.0")
    ET.indent(root)
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
    )
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n{text}\n'.encode()


def _measure(score: Score, bar: NotatedBar, losses: Losses) -> stream.Measure:
    measure = stream.Measure(number=bar.bar.number)
    voices = [voice for voice in bar.voices if voice]
    for number, symbols in enumerate(voices, start=1):
        into = measure if len(voices) == 1 else stream.Voice(id=str(number))
        for symbol in symbols:
            into.insert(_quarters(symbol.start), _element(score, symbol))
        _beam(into, bar.bar)
        makeTupletBrackets(into, inPlace=True)
        if into is not measure:
            measure.insert(0, into)
    _write_chords(measure, score, bar, losses)
    return measure


def _beam(voice: stream.Stream, bar: Bar) -> None:
    """Beams by the metre. music21 knows none for lengths a metre cannot be divided into; flags are right then too."""
    elements = list(voice.notesAndRests)
    metre = meter.TimeSignature(str(bar.signature))
    try:
        beams = metre.getBeams(elements, measureStartOffset=0.0)
    except meter.MeterException:
        return
    for element, found in zip(elements, beams, strict=True):
        element.beams = found if found is not None else beam.Beams()


def _element(score: Score, symbol: Symbol) -> note.GeneralNote:
    lasting = duration.Duration(type=duration.typeFromNumDict[symbol.base], dots=symbol.dots)
    if symbol.tuplet != (1, 1):
        lasting.appendTuplet(duration.Tuplet(*symbol.tuplet, durationActual=lasting.type, durationNormal=lasting.type))
    if symbol.is_rest:
        return note.Rest(duration=lasting)
    heads = [_head(score, name, symbol) for name in symbol.notes]
    if len(heads) == 1:
        heads[0].duration = lasting
        return heads[0]
    return chord.Chord(heads, duration=lasting)


def _head(score: Score, name: str, symbol: Symbol) -> note.Note:
    spelt = spell_pitch(score.notes[name].pitch, score.key)
    head = note.Note(pitch.Pitch(spelt.step + _SIGNS[spelt.alter], octave=spelt.octave))
    goes_on, came = name in symbol.tied, name not in symbol.starts
    if goes_on or came:
        head.tie = tie.Tie("continue" if goes_on and came else "start" if goes_on else "stop")
    return head


def _write_chords(measure: stream.Measure, score: Score, bar: NotatedBar, losses: Losses) -> None:
    """Symbols of the chords that begin in a bar, over the note or rest that is nearest."""
    first, last = bar.bar is score.bars[0], bar.bar is score.bars[-1]
    places = [symbol.start for symbol in bar.voices[0]] or [Fraction(0)]
    taken: dict[Fraction, str] = {}
    for span in score.chords:
        begins_here = bar.bar.start <= span.start < bar.bar.end
        if begins_here or (first and span.start < bar.bar.start) or (last and span.start >= bar.bar.end):
            beats = bar.bar.position_of(min(max(span.start, bar.bar.start), bar.bar.end - 1))
            exact = float(bar.bar.signature.beat) * beats
            taken[min(places, key=lambda place: abs(float(place) - exact))] = span.symbol
    for place, symbol in taken.items():
        written = _chord_symbol(symbol, score.key)
        if written is None:
            losses.add(LossKind.HARMONY)
        else:
            measure.insert(_quarters(place), written)


def _chord_symbol(symbol: str, of_key: str) -> harmony.ChordSymbol | None:
    """A chord symbol; None where MusicXML has no name for its quality."""
    read = read_chord(symbol, of_key)
    if read.quality not in _KINDS:
        return None
    bass = read.bass.replace("b", "-") or None
    written = harmony.ChordSymbol(root=read.root.replace("b", "-"), bass=bass, kind=_KINDS[read.quality])
    written.writeAsChord = False
    return written


def _mark(bar: Bar) -> tempo.MetronomeMark:
    referent = duration.Duration(float(bar.signature.beat * _QUARTERS))
    return tempo.MetronomeMark(number=round(bar.tempo_bpm, 1), referent=referent)


def _instrument(score: Score) -> instrument.Instrument:
    strings = score.instrument.string_count
    if _is_bass(score):
        return instrument.ElectricBass()
    return instrument.Ukulele() if strings == 4 else instrument.AcousticGuitar()


def _is_bass(score: Score) -> bool:
    return min(score.instrument.tuning) < 36 and score.instrument.string_count <= 5


def _quarters(place: Fraction) -> float | Fraction:
    return place * _QUARTERS
