"""Guitar Pro 5 files by PyGuitarPro: one track with tuning, capo, two voices, techniques and tempo changes.

The format holds seven strings, whole beats a minute, one dot, and bends as points of quarter tones on a sixtieth of
the note (PyGuitarPro counts quarter tones and twelfths). Its fret counts from the capo, as ours does.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import guitarpro as gp

from exports.harte import chord_text
from exports.losses import Losses, LossKind
from exports.score import Score
from exports.written import (
    BEND,
    HAMMER_ON,
    LET_RING,
    PULL_OFF,
    SLIDE,
    VIBRATO,
    joined_notes,
    report_common,
    unwritten_techniques,
)
from music.beats import Bar
from music.notation import NotatedBar, Symbol
from music.note import Note
from music.spelling import fifths_of
from music.tuning import Instrument, Position

MOST_STRINGS = 7
_CODE_PAGE, _LONGEST_TEXT = "cp1252", 255
_CARRIED = frozenset({BEND, HAMMER_ON, LET_RING, PULL_OFF, SLIDE, VIBRATO})
_QUARTER_TONES = 2
_MOST_BEND_POINTS = 30
_LOUDEST, _VELOCITY_STEP = 8, 16
_STEEL_GUITAR, _FINGERED_BASS = 25, 33
_MOST_TEMPO = 999
_UNHEARD_BPM = 0.05


def write_gp5(score: Score, losses: Losses) -> bytes:
    """A file of version 5.1."""
    score = _within_seven_strings(score, losses)
    song = gp.Song(title=_in_code_page(score.title), tempo=_tempo(score.bars[0]))
    song.measureHeaders = _headers(score)
    track = song.tracks[0]
    _describe(track, score.instrument)
    track.measures = [gp.Measure(track, header) for header in song.measureHeaders]
    writer = _Writer(score, losses)
    for measure, bar in zip(track.measures, score.notation.bars, strict=True):
        writer.write(measure, bar)
    report_common(score, losses)
    losses.add(LossKind.NOTES_WITHOUT_PLACE, sum(note.position is None for note in score.notes.values()))
    losses.add(LossKind.TECHNIQUES, unwritten_techniques(score, _CARRIED, writer.joined))
    losses.add(LossKind.HARMONY, len(score.chords))
    written = io.BytesIO()
    gp.write(song, written, version=(5, 1, 0), encoding=_CODE_PAGE)
    return written.getvalue()


class _Writer:
    """Writes bars into measures; remembers the tempo and how loud each tied note is."""

    def __init__(self, score: Score, losses: Losses) -> None:
        self._score = score
        self._losses = losses
        self._tempo = _tempo(score.bars[0])
        self._chords = list(score.chords)
        self.joined = joined_notes(score)

    def write(self, measure: gp.Measure, bar: NotatedBar) -> None:
        for voice, symbols in zip(measure.voices, bar.voices, strict=True):
            for symbol in _with_one_dot(symbols):
                voice.beats.append(self._beat(voice, symbol))
        first, second = measure.voices
        if not first.beats:
            first.beats = [_rest(first, symbol) for symbol in _with_one_dot(_filled(bar.bar))]
        if not second.beats:
            # As Guitar Pro does; readers take a voice that is there in one bar to be there in the next.
            second.beats = [gp.Beat(second, status=gp.BeatStatus.empty)]
        self._write_tempo(first.beats[0], bar.bar)
        self._write_chords(first.beats, bar)

    def _write_tempo(self, beat: gp.Beat, bar: Bar) -> None:
        tempo = _tempo(bar)
        self._losses.add(LossKind.TEMPO_ROUNDED, int(abs(tempo - _quarters_a_minute(bar)) > _UNHEARD_BPM))
        if tempo != self._tempo:
            self._tempo = tempo
            beat.effect.mixTableChange = gp.MixTableChange(tempo=gp.MixTableItem(value=tempo), hideTempo=False)

    def _write_chords(self, beats: Sequence[gp.Beat], bar: NotatedBar) -> None:
        """Names of the chords that begin in a bar, over the beat in which they begin."""
        symbols = list(_with_one_dot(bar.voices[0] or _filled(bar.bar)))
        while self._chords and self._chords[0].start < bar.bar.end:
            chord = self._chords.pop(0)
            place = bar.bar.position_of(max(chord.start, bar.bar.start)) * bar.bar.signature.beat
            index = max(i for i, symbol in enumerate(symbols) if symbol.start <= place + Fraction(1, 32) or i == 0)
            text = _in_code_page(chord_text(chord.symbol, self._score.key))
            beats[index].text = f"{beats[index].text} {text}" if beats[index].text else text

    def _beat(self, voice: gp.Voice, symbol: Symbol) -> gp.Beat:
        beat = _rest(voice, symbol)
        strings: set[int] = set()
        for name in symbol.notes:
            note = self._score.notes[name]
            if note.position is None:
                continue
            if note.position.string in strings:
                self._losses.add(LossKind.PLACES_IN_CONFLICT, int(name in symbol.starts))
                continue
            strings.add(note.position.string)
            beat.notes.append(self._note(beat, note, note.position, symbol))
        if beat.notes:
            beat.status = gp.BeatStatus.normal
        return beat

    def _note(self, beat: gp.Beat, note: Note, position: Position, symbol: Symbol) -> gp.Note:
        begins = note.id in symbol.starts
        written = gp.Note(
            beat,
            value=position.fret,
            string=position.string,
            velocity=_velocity(note),
            type=gp.NoteType.normal if begins else gp.NoteType.tie,
        )
        kinds = {technique.kind for technique in note.techniques}
        written.effect.letRing = LET_RING in kinds
        written.effect.vibrato = VIBRATO in kinds
        if begins and (bend := self._bend(note)) is not None:
            written.effect.bend = bend
        # A slide or a hammer-on leaves from the last of tied heads.
        if note.id in self.joined and note.id not in symbol.tied:
            written.effect.hammer = bool(kinds & {HAMMER_ON, PULL_OFF})
            written.effect.slides = [gp.SlideType.legatoSlideTo] if SLIDE in kinds else []
        return written

    def _bend(self, note: Note) -> gp.BendEffect | None:
        points = _bend_points(note)
        if not points:
            if any(technique.kind == BEND for technique in note.techniques):
                self._losses.add(LossKind.TECHNIQUES)
            return None
        exact = [bend.semitones * _QUARTER_TONES for bend in note.bends]
        self._losses.add(LossKind.BENDS_ROUNDED, int(any(abs(value - round(value)) > 1e-6 for value in exact)))
        self._losses.add(LossKind.BENDS, int(len(points) < len(note.bends)))
        peak = max(points, key=lambda point: abs(point.value))
        kind = gp.BendType.bendRelease if points[-1].value < peak.value else gp.BendType.bend
        return gp.BendEffect(type=kind, value=peak.value * 25, points=points)


def _bend_points(note: Note) -> list[gp.BendPoint]:
    """The bend's course in twelfths of the note; of several moments in one twelfth the last counts."""
    length = max(1, (note.offset or note.onset) - note.onset)
    course: dict[int, int] = {}
    for bend in note.bends:
        place = min(max((bend.at - note.onset) / length, 0), 1)
        course[round(place * gp.BendEffect.maxPosition)] = round(bend.semitones * _QUARTER_TONES)
    if not any(course.values()):
        return []
    course.setdefault(0, 0)
    last = max(course)
    course.setdefault(gp.BendEffect.maxPosition, course[last])
    return [gp.BendPoint(position, value) for position, value in sorted(course.items())][:_MOST_BEND_POINTS]


def _within_seven_strings(score: Score, losses: Losses) -> Score:
    """The same score without its eighth string: its notes move to the seventh, or are left out."""
    instrument = score.instrument
    if instrument.string_count <= MOST_STRINGS:
        return score
    kept = Instrument(instrument.tuning[:MOST_STRINGS], instrument.capo, instrument.fret_count)
    moved: dict[str, Note] = {}
    for name, note in score.notes.items():
        if note.position is None or note.position.string <= MOST_STRINGS:
            continue
        fret = note.pitch - kept.tuning[-1] - kept.capo
        losses.add(LossKind.STRINGS_MOVED if fret >= 0 else LossKind.STRINGS_LEFT_OUT)
        moved[name] = replace(note, position=Position(MOST_STRINGS, fret) if fret >= 0 else None)
    return replace(score, instrument=kept, notes={**score.notes, **moved})


def _headers(score: Score) -> list[gp.MeasureHeader]:
    key = _key_signature(score.key)
    headers = []
    start = gp.Duration.quarterTime
    for number, bar in enumerate(score.bars, start=1):
        length = bar.length
        unit = max(bar.signature.unit if length == bar.signature.length else 4, length.denominator)
        metre = gp.TimeSignature(int(length * unit), gp.Duration(value=unit))
        header = gp.MeasureHeader(number=number, start=start, keySignature=key, timeSignature=metre)
        headers.append(header)
        start += header.length
    return headers


def _describe(track: gp.Track, instrument: Instrument) -> None:
    track.name = "Bass" if min(instrument.tuning) < 36 and instrument.string_count <= 5 else "Guitar"
    track.strings = [gp.GuitarString(number, pitch) for number, pitch in enumerate(instrument.tuning, start=1)]
    track.offset = instrument.capo
    track.fretCount = instrument.fret_count
    track.channel.instrument = _FINGERED_BASS if track.name == "Bass" else _STEEL_GUITAR


def _quarters_a_minute(bar: Bar) -> float:
    return bar.tempo_bpm * float(bar.signature.beat * 4)


def _tempo(bar: Bar) -> int:
    """Quarter notes a minute, as the format counts them."""
    return min(max(1, round(_quarters_a_minute(bar))), _MOST_TEMPO)


def _with_one_dot(symbols: Sequence[Symbol]) -> Iterator[Symbol]:
    """Double dots do not fit in the file: such a symbol becomes two with a tie."""
    for symbol in symbols:
        if symbol.dots < 2:
            yield symbol
            continue
        ratio = Fraction(symbol.tuplet[1], symbol.tuplet[0])
        last = Fraction(1, symbol.base * 4) * ratio
        yield replace(symbol, duration=symbol.duration - last, dots=1, tied=symbol.notes)
        yield replace(
            symbol, start=symbol.end - last, duration=last, base=symbol.base * 4, dots=0, starts=(), tied=symbol.tied
        )


def _filled(bar: Bar) -> tuple[Symbol, ...]:
    """Rests for a bar in which nobody plays, beat by beat where one rest cannot fill it."""
    length = bar.length
    for dots, factor in ((0, Fraction(1)), (1, Fraction(3, 2))):
        base = factor / length
        if base.denominator == 1 and base.numerator in (1, 2, 4, 8, 16, 32):
            return (Symbol(Fraction(0), length, int(base), dots),)
    unit = bar.signature.unit
    return tuple(Symbol(Fraction(n, unit), Fraction(1, unit), unit) for n in range(int(length * unit)))


def _rest(voice: gp.Voice, symbol: Symbol) -> gp.Beat:
    duration = gp.Duration(value=symbol.base, isDotted=symbol.dots == 1, tuplet=gp.Tuplet(*symbol.tuplet))
    return gp.Beat(voice, duration=duration, status=gp.BeatStatus.rest)


def _velocity(note: Note) -> int:
    """Of the eight dynamics the format knows, in its own numbers 15, 31 … 127."""
    return min(_LOUDEST, max(1, round(note.velocity * _LOUDEST))) * _VELOCITY_STEP - 1


def _in_code_page(text: str) -> str:
    """What a string of the file can hold: 255 bytes of Windows-1252."""
    return text.encode(_CODE_PAGE, "replace")[:_LONGEST_TEXT].decode(_CODE_PAGE)


def _key_signature(key: str) -> gp.KeySignature:
    return gp.KeySignature((fifths_of(key), int(key.endswith(":minor"))))
