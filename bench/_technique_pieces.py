"""Rendered pieces whose composer knows how every note is played, and what was heard of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import anyio
import numpy as np

from inference.ports import Transcriber
from inference.training.composer import compose, draw_instrument
from inference.training.effects import Effects, colour_guitar, draw_effects, record
from inference.training.recipes import ANY_MODAL, Recipe
from inference.training.score import DEAD, HAMMER_ON, PLUCK, PULL_OFF, GuitarNote
from inference.training.sounds import SoundLibrary, is_bass_sound
from music.audio import SAMPLE_RATE_HZ
from music.note import Note, Technique
from music.scribe import Scribe
from music.stability import curve_of
from music.technique_figures import Floats, Sounded, bend_figures
from music.techniques import TechniqueReader

TUNINGS = {"standard": 0.8, "drop_d": 0.2}
STYLES = ("lines", "lines", "lines", "fingerpicking", "chords", "mixed")
_DURATION_S = 20.0
_BENT, _SLID = 0.15, 0.4
_CHUNK = 1 << 15
_TOLERANCE = round(0.05 * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Played:
    """A true note, and how it was played: kinds within the note, and how it leads to the next on its string."""

    note: GuitarNote
    within: tuple[str, ...] = ()
    semitones: float = 0.0
    joint: str = ""


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note as the session ended it, what the judges saw of it, and which true note it is, if any.

    Attributes:
        note: as it ended.
        curve, bend: figures of the note; None for one on an open string or in no place.
        joint: figures of it and the note that follows on its string, where a finger could have slid between them.
        follower: id of the note that follows on its string; "" for none.
        truth: index of the true note.
    """

    note: Note
    curve: Floats | None
    bend: Floats | None
    joint: Floats | None
    follower: str
    truth: int | None


@dataclass(frozen=True, slots=True)
class TechniquePiece:
    """One piece: its truth, by onset, and what was heard, by onset."""

    truth: tuple[Played, ...]
    heard: tuple[HeardNote, ...]


class _Recorder(TechniqueReader):
    """Keeps what the judges are shown."""

    def __init__(self, hop_s: float) -> None:
        super().__init__(hop_s)
        self.seen: list[HeardNote] = []

    def techniques_of(self, sounded: Sounded) -> list[Technique]:
        note, follower = sounded.note, self.follower_of(sounded.note)
        curve = bend = joint = None
        if note.position is not None and note.position.fret > 0:
            curve = self.curve_of(sounded)
            bend = bend_figures(curve, *self.next_of(note, follower))
            if follower is not None and follower.note.position is not None and follower.note.position.fret > 0:
                joint = self.joint_of(sounded, follower)
        self.seen.append(HeardNote(note, curve, bend, joint, "" if follower is None else follower.note.id, None))
        return []


def technique_pieces(
    transcriber: Transcriber, recipe: Recipe, seeds: range, library: SoundLibrary
) -> Iterator[TechniquePiece]:
    """The pieces of `seeds` in sounds of `recipe`; a seed whose guitar lacks a pitch is passed over."""
    for seed in seeds:
        piece = _piece(transcriber, recipe, seed, library)
        if piece is not None:
            yield piece


def _piece(transcriber: Transcriber, recipe: Recipe, seed: int, library: SoundLibrary) -> TechniquePiece | None:
    random = np.random.default_rng([seed, 77])
    instrument = draw_instrument(random, TUNINGS)
    performance = compose(random, instrument, str(random.choice(STYLES)), _DURATION_S)
    played = _decorate(random, performance.strokes)
    guitar = library.guitar(_draw_sound(random, recipe))
    pitches = [each.note.pitch for each in played]
    if not pitches or not guitar.lowest <= min(pitches) <= max(pitches) <= guitar.highest:
        return None
    take = guitar.play([each.note for each in played], instrument, performance.duration, random)
    amplified, driven = recipe.electric_amplified if guitar.electric else recipe.acoustic_amplified
    effects = draw_effects(random, amplified=amplified, driven=driven) if random.random() < 0.7 else Effects()
    effects = replace(effects, detune_cents=0.0)
    samples = record(colour_guitar(take.samples, effects, random), effects, random)
    recorder = _Recorder(transcriber.grid.hop / SAMPLE_RATE_HZ)
    curve = curve_of(transcriber.reference.name)
    scribe = Scribe(instrument, transcriber.grid, transcriber.tracking, curve, techniques=recorder)

    async def listen() -> None:
        stream = transcriber.open_stream(instrument)
        for begin in range(0, len(samples), _CHUNK):
            for activations in await stream.push(samples[begin : begin + _CHUNK]):
                scribe.advance(activations)
        for activations in await stream.finish():
            scribe.advance(activations)
        scribe.finish(len(samples))

    anyio.run(listen)
    truth = tuple(
        replace(each, note=replace(each.note, offset=min(each.note.offset, offset)))
        for each, offset in zip(played, take.offsets, strict=True)
        if each.note.technique != DEAD
    )
    return TechniquePiece(truth, tuple(_matched(recorder.seen, truth)))


def _draw_sound(random: np.random.Generator, recipe: Recipe) -> str:
    names = [name for name in recipe.sounds if not is_bass_sound(name)]
    weights = np.array([recipe.sounds[name] for name in names])
    name = names[random.choice(len(names), p=weights / weights.sum())]
    return f"modal/{random.choice(recipe.modal)}" if name == ANY_MODAL else name


def _decorate(random: np.random.Generator, strokes: tuple[GuitarNote, ...]) -> list[Played]:
    """The composer's notes with bends among them, and some of its hammer-ons and pull-offs slid instead."""
    followers: dict[int, int] = {}
    last: dict[int, int] = {}
    for index, stroke in enumerate(strokes):
        if stroke.string in last:
            followers[last[stroke.string]] = index
        last[stroke.string] = index
    played = []
    for index, stroke in enumerate(strokes):
        follower = strokes[followers[index]] if index in followers else None
        legato = follower is not None and follower.technique in (HAMMER_ON, PULL_OFF)
        joint = follower.technique if follower is not None and legato else ""
        within, semitones = _composed(stroke)
        length = stroke.offset - stroke.onset
        if follower is not None and legato and stroke.fret > 0 and not stroke.bends and random.random() < _SLID:
            glide = round(min(random.uniform(0.05, 0.12) * SAMPLE_RATE_HZ, length / 2))
            course = ((0, 0.0), (length - glide, 0.0), (length, float(follower.pitch - stroke.pitch)))
            stroke, joint = replace(stroke, bends=course), "slide"
        elif _can_bend(stroke, length) and not legato and random.random() < _BENT:
            stroke, semitones = _bent(random, stroke)
            within = ("bend",)
        played.append(Played(stroke, within, semitones, joint))
    return played


def _composed(stroke: GuitarNote) -> tuple[tuple[str, ...], float]:
    """What the composer's own bends are: two points glide into the note, more of them are a vibrato."""
    if not stroke.bends:
        return (), 0.0
    return (("slide",), 0.0) if len(stroke.bends) == 2 else (("vibrato",), 0.0)


def _can_bend(stroke: GuitarNote, length: int) -> bool:
    return stroke.fret > 0 and stroke.technique == PLUCK and not stroke.bends and length > 0.35 * SAMPLE_RATE_HZ


def _bent(random: np.random.Generator, stroke: GuitarNote) -> tuple[GuitarNote, float]:
    """Up by a quarter tone, a semitone or a whole tone, and sometimes down again."""
    semitones = float(random.choice([0.5, 1.0, 1.0, 2.0]))
    at = np.cumsum([random.uniform(0.03, 0.15), random.uniform(0.08, 0.22), random.uniform(0.1, 0.3), 0.15])
    begin, top, leave, down = (round(time_s * SAMPLE_RATE_HZ) for time_s in at)
    course = [(0, 0.0), (begin, 0.0), (top, semitones)]
    if random.random() < 0.4:
        course += [(leave, semitones), (down, 0.0)]
    return replace(stroke, bends=tuple(course)), semitones


def _matched(seen: Iterable[HeardNote], truth: tuple[Played, ...]) -> Iterator[HeardNote]:
    taken: set[int] = set()
    for heard in sorted(seen, key=lambda heard: heard.note.onset):
        near = [
            (abs(each.note.onset - heard.note.onset), index)
            for index, each in enumerate(truth)
            if each.note.pitch == heard.note.pitch and index not in taken
        ]
        distance, index = min(near, default=(_TOLERANCE + 1, 0))
        if distance <= _TOLERANCE:
            taken.add(index)
            heard = replace(heard, truth=index)
        yield heard


def truth_of(piece: TechniquePiece, heard: HeardNote, kind: str) -> bool:
    """Whether a note is truly played so: a joint (slide, legato) has to lead so to the note that is heard to follow."""
    if heard.truth is None:
        return False
    played = piece.truth[heard.truth]
    if kind in ("vibrato", "bend", "slide_in"):
        return ("slide" if kind == "slide_in" else kind) in played.within
    joints = ("slide",) if kind == "slide" else (HAMMER_ON, PULL_OFF)
    return played.joint in joints and _leads_on(piece, heard)


def _leads_on(piece: TechniquePiece, heard: HeardNote) -> bool:
    """Whether the note that is heard to follow is the one that truly follows on the string."""
    follower = next((other for other in piece.heard if other.note.id == heard.follower), None)
    if follower is None or follower.truth is None or heard.truth is None:
        return False
    before, after = piece.truth[heard.truth].note, piece.truth[follower.truth].note
    between = [
        p.note for p in piece.truth if p.note.string == before.string and before.onset < p.note.onset < after.onset
    ]
    return before.string == after.string and not between
