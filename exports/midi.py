"""Standard MIDI files: the times as they were played, under a tempo map that puts the bars where they are.

One channel a string, so that a bend moves nothing but its own string; the range of pitch bends is set by RPN 0 (MIDI
1.0, "Registered Parameter Numbers"), the beats are `TICKS` ticks a quarter note. Notes with no string share one
channel more. Tick 0 is the recording's first sample.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import mido

from exports.harte import chord_text, note_name, tonic_of
from exports.losses import Losses, LossKind
from exports.score import Score
from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar, TimeSignature
from music.note import Note
from music.spelling import fifths_of
from music.tuning import Instrument

TICKS = 960
_LEAST_BEND_RANGE, _MOST_BEND_RANGE = 2, 48
_CENTRE, _BEND_STEPS = 8192, 8191
_SLOWEST_US, _FASTEST_US = 0xFF_FF_FF, 1
_STEEL_GUITAR, _NYLON_GUITAR, _FINGERED_BASS = 25, 24, 33


@dataclass(frozen=True, slots=True)
class _Tempo:
    """From a tick and a sample on, a quarter note lasts so many microseconds."""

    tick: int
    sample: float
    quarter_us: int


def write_midi(score: Score, losses: Losses) -> bytes:
    """A file of format 1: a conductor's track, then one track a string."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    conductor = _Track(score.title)
    tempi = _tempo_map(score.bars, conductor)
    clock = _Clock(tempi)
    if score.key:
        name = tonic_of(score.key) + ("m" if score.key.endswith(":minor") else "")
        conductor.add(0, mido.MetaMessage("key_signature", key=_midi_key(name, score.key)))
    conductor.add(0, mido.MetaMessage("text", text=_tuning_text(score.instrument)))
    for chord in score.chords:
        conductor.add(clock.tick(chord.start), mido.MetaMessage("marker", text=chord_text(chord.symbol, score.key)))
    file.tracks.append(conductor.finished())
    bend_range = _bend_range(score.notes.values())
    for string in range(score.instrument.string_count + 1):
        notes = [note for note in score.notes.values() if string == (note.position.string if note.position else 0)]
        if notes:
            file.tracks.append(_string_track(string, notes, clock, bend_range, score.instrument))
    _report(score, losses)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


class _Track:
    """Messages at ticks, in any order; among those of one tick the lower rank comes first."""

    def __init__(self, name: str) -> None:
        self._messages: list[tuple[int, int, int, mido.Message | mido.MetaMessage]] = []
        self.add(0, mido.MetaMessage("track_name", name=_latin(name)))

    def add(self, tick: int, message: mido.Message | mido.MetaMessage, rank: int = 0) -> None:
        if message.is_meta and hasattr(message, "text"):
            message = message.copy(text=_latin(message.text))
        self._messages.append((tick, rank, len(self._messages), message))

    def finished(self) -> mido.MidiTrack:
        track = mido.MidiTrack()
        last = 0
        for tick, _, _, message in sorted(self._messages, key=lambda entry: entry[:3]):
            track.append(message.copy(time=tick - last))
            last = tick
        track.append(mido.MetaMessage("end_of_track", time=0))
        return track


class _Clock:
    """Ticks of samples, by the tempi that are written: their rounding does not add up."""

    def __init__(self, tempi: Sequence[_Tempo]) -> None:
        self._tempi = tempi
        self._samples = [tempo.sample for tempo in tempi]

    def tick(self, sample: int) -> int:
        tempo = self._tempi[max(0, bisect_right(self._samples, sample) - 1)]
        us = (sample - tempo.sample) * 1e6 / SAMPLE_RATE_HZ
        return max(0, tempo.tick + round(us * TICKS / tempo.quarter_us))


def _tempo_map(bars: Sequence[Bar], conductor: _Track) -> list[_Tempo]:
    """Write tempi and metres; a bar line lies on its tick to a microsecond a beat."""
    tempi: list[_Tempo] = []
    tick, sample, metre = 0, 0.0, None
    if (lead_in := _lead_in(bars)) is not None:
        bars = [lead_in, *(bar for bar in bars if bar.start >= lead_in.end)]
    for bar in bars:
        if (written := _written_metre(bar)) != metre:
            metre = written
            conductor.add(tick, mido.MetaMessage("time_signature", numerator=written.count, denominator=written.unit))
        edges = (*bar.beats, bar.end)
        quarters = float(bar.signature.beat * 4)
        for end in edges[1:]:
            us = (end - sample) * 1e6 / SAMPLE_RATE_HZ / quarters
            quarter_us = min(max(round(us), _FASTEST_US), _SLOWEST_US)
            if not tempi or tempi[-1].quarter_us != quarter_us:
                tempi.append(_Tempo(tick, sample, quarter_us))
                conductor.add(tick, mido.MetaMessage("set_tempo", tempo=quarter_us))
            tick += round(quarters * TICKS)
            sample += quarter_us * quarters * SAMPLE_RATE_HZ / 1e6
    return tempi


def _lead_in(bars: Sequence[Bar]) -> Bar | None:
    """What stands between the recording's beginning and the first bar line after it; None where that is nothing."""
    line = next((bar for bar in bars if bar.start >= 0), None)
    first = line or bars[-1]
    end = first.start if line else first.end
    if end == 0:
        return None
    beat = (first.end - first.start) / len(first.beats)
    count = min(max(1, round(end / beat)), first.signature.beats * 4, end)
    return Bar(0, tuple(end * n // count for n in range(count)), end, first.signature, first.confidence)


def _written_metre(bar: Bar) -> TimeSignature:
    length = bar.length
    if length == bar.signature.length:
        return bar.signature
    unit = max(bar.signature.unit, length.denominator)
    count = int(length * unit)
    return TimeSignature(count, unit) if count <= 32 else bar.signature


def _string_track(
    string: int, notes: Sequence[Note], clock: _Clock, bend_range: int, instrument: Instrument
) -> mido.MidiTrack:
    """`string` 0 holds the notes that lie on none."""
    # Eight strings at most and one channel more: the ninth, below the drums'.
    channel = string - 1 if string else instrument.string_count
    name = f"String {string} ({_octave_name(instrument.tuning[string - 1])})" if string else "No string"
    track = _Track(name)
    track.add(0, mido.Message("program_change", channel=channel, program=_program(instrument)))
    for control, value in ((101, 0), (100, 0), (6, bend_range), (38, 0), (101, 127), (100, 127)):
        track.add(0, mido.Message("control_change", channel=channel, control=control, value=value))
    is_bent = False
    for note, until in zip(notes, _ends(notes), strict=True):
        start = clock.tick(note.onset)
        end = max(start + 1, clock.tick(until))
        if is_bent or note.bends:
            track.add(start, mido.Message("pitchwheel", channel=channel, pitch=0), rank=1)
            is_bent = bool(note.bends)
        velocity = min(127, max(1, round(note.velocity * 127)))
        track.add(start, mido.Message("note_on", channel=channel, note=note.pitch, velocity=velocity), rank=3)
        track.add(end, mido.Message("note_off", channel=channel, note=note.pitch, velocity=0), rank=0)
        for bend in note.bends:
            wheel = round(min(max(bend.semitones / bend_range, -1), 1) * _BEND_STEPS)
            at = min(max(clock.tick(bend.at), start), end)
            track.add(at, mido.Message("pitchwheel", channel=channel, pitch=wheel), rank=2)
    return track.finished()


def _ends(notes: Sequence[Note]) -> list[int]:
    """Where each note is switched off: a key that is struck again is let go before."""
    ends = [note.offset or note.onset for note in notes]
    following: dict[int, int] = {}
    for index in reversed(range(len(notes))):
        pitch = notes[index].pitch
        ends[index] = min(ends[index], following.get(pitch, ends[index]))
        following[pitch] = notes[index].onset
    return ends


def _bend_range(notes: Iterable[Note]) -> int:
    """Semitones to either side, the same on every string."""
    widest = max((abs(bend.semitones) for note in notes for bend in note.bends), default=0.0)
    return min(max(_LEAST_BEND_RANGE, math.ceil(widest)), _MOST_BEND_RANGE)


def _report(score: Score, losses: Losses) -> None:
    notes = score.notes.values()
    losses.add(LossKind.PLACES, sum(note.position is not None for note in notes))
    losses.add(LossKind.TUNING)
    losses.add(LossKind.NOTES_WITHOUT_PLACE, sum(note.position is None for note in notes))
    losses.add(LossKind.TECHNIQUES, sum(technique.kind != "bend" for note in notes for technique in note.techniques))
    losses.add(LossKind.HARMONY, len(score.chords))
    losses.add(LossKind.CONFIDENCE, len(notes))
    losses.add(LossKind.GAPS, score.gap_count)


def _program(instrument: Instrument) -> int:
    """General MIDI program (from 0): bass below a guitar's range, nylon for four strings above it, else steel."""
    if instrument.string_count <= 5:
        return _FINGERED_BASS if min(instrument.tuning) < 36 else _NYLON_GUITAR
    return _STEEL_GUITAR


def _tuning_text(instrument: Instrument) -> str:
    names = " ".join(_octave_name(pitch) for pitch in instrument.tuning)
    return f"Tuning from string 1: {names}; capo {instrument.capo}"


def _octave_name(pitch: int) -> str:
    return f"{note_name(pitch)}{pitch // 12 - 1}"


def _midi_key(name: str, key: str) -> str:
    """A key MIDI knows: up to seven sharps or flats, the rest enharmonically."""
    major = {-6: "Gb", -5: "Db", -4: "Ab", -3: "Eb", -2: "Bb", -1: "F", 0: "C", 1: "G", 2: "D", 3: "A", 4: "E", 5: "B"}
    minor = {-6: "Ebm", -5: "Bbm", -4: "Fm", -3: "Cm", -2: "Gm", -1: "Dm", 0: "Am", 1: "Em", 2: "Bm", 3: "F#m"}
    minor |= {4: "C#m", 5: "G#m", 6: "D#m"}
    major |= {6: "F#"}
    return (minor if name.endswith("m") else major)[fifths_of(key)]


def _latin(text: str) -> str:
    """What a MIDI text can hold: Latin 1, which mido encodes it as."""
    return text.encode("latin-1", "replace").decode("latin-1")
