"""Composed pieces with their metre, and what a transcription might hear of them.

Fitting and reporting use other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench._songs import songs
from inference.training.composer import STYLES, compose, draw_instrument
from inference.training.score import GuitarNote, Performance
from inference.training.songbook import IDIOMS, write_song
from music.audio import SAMPLE_RATE_HZ
from music.note import Note, NoteState

FIT_SEED, REPORT_SEED = 2_050_000, 2_060_000
_EDGE = SAMPLE_RATE_HZ // 10


@dataclass(frozen=True, slots=True)
class Composed:
    """A performance and its notes as heard: some missing, some false, none exactly on time.

    `first_downbeat` is the index of the first beat that begins a bar: the beats before it are a pickup.
    """

    name: str
    performance: Performance
    first_downbeat: int
    notes: tuple[Note, ...]

    @property
    def truth(self) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """Beats from the one in which the first note lies to the last note, and which of them begin a bar."""
        played, beats = self.performance.notes, self.performance.beats
        last = played[-1].onset + _EDGE
        first = max((beat for beat in beats if beat <= played[0].onset + _EDGE // 2), default=beats[0])
        count = self.performance.beats_per_bar
        kept = [
            (beat, (index - self.first_downbeat) % count == 0)
            for index, beat in enumerate(beats)
            if first <= beat <= last
        ]
        return tuple(beat for beat, _ in kept), tuple(is_down for _, is_down in kept)


def composed_pieces(first_seed: int, count: int, duration_s: float = 30.0, *, turn: int = 0) -> Iterator[Composed]:
    """Every style and idiom in turn, the first one by `turn`. Unevenness and drift of time are the composer's; one
    piece in three bends its tempo further, one in seven begins with a pickup.
    """
    names = [*STYLES, *IDIOMS]
    for number in range(count):
        seed = first_seed + number
        random, shaping = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 2])
        name = names[(turn + number) % len(names)]
        performance = (
            compose(random, draw_instrument(random), name, duration_s)
            if name in STYLES
            else write_song(random, name, duration_s)
        )
        if shaping.random() < 1 / 3:
            performance = bent(performance, shaping)
        first_downbeat = 0
        if shaping.random() < 1 / 7 and performance.beats_per_bar > 2:
            skipped = int(shaping.integers(1, performance.beats_per_bar))
            performance, first_downbeat = begun_late(performance, skipped), performance.beats_per_bar - skipped
        if len({note.onset for note in performance.notes}) < 8:
            continue
        heard = heard_notes(np.random.default_rng([seed, 1]), performance)
        yield Composed(name, performance, first_downbeat, heard)


def song_pieces(
    first_seed: int, count: int, duration_s: float = 30.0, *, spare: bool = False, turn: int = 0
) -> Iterator[Composed]:
    """Songs of every part in turn, the first one by `turn` (`bench._songs`), as heard; one in three bends its tempo."""
    for number, song in enumerate(songs(first_seed, count, duration_s, spare=spare, turn=turn)):
        seed, performance = first_seed + number, song.performance
        shaping = np.random.default_rng([seed, 2])
        if shaping.random() < 1 / 3:
            performance = bent(performance, shaping)
        if song.pickup:
            performance = begun_late(performance, performance.beats_per_bar - song.pickup)
        if len({note.onset for note in performance.notes}) < 8:
            continue
        heard = heard_notes(np.random.default_rng([seed, 1]), performance)
        yield Composed(performance.style, performance, song.pickup, heard)


def odd_pieces(first_seed: int, count: int, duration_s: float = 30.0, *, turn: int = 0) -> Iterator[Composed]:
    """Five and seven beats a bar in every style of the composer, the first one by `turn`."""
    for number in range(count):
        seed = first_seed + number
        random = np.random.default_rng([seed, 7])
        beats = int(random.choice([5, 5, 7]))
        performance = compose(random, draw_instrument(random), STYLES[(turn + number) % len(STYLES)], duration_s, beats)
        if len({note.onset for note in performance.notes}) >= 8:
            yield Composed(f"{beats}/4", performance, 0, heard_notes(np.random.default_rng([seed, 1]), performance))


def bent(performance: Performance, random: np.random.Generator) -> Performance:
    """The same in a tempo that goes up or down by up to a sixth, steadily or to and fro."""
    depth, end = float(random.uniform(0.04, 0.16)) * float(random.choice([-1, 1])), performance.duration
    turns = float(random.choice([0.5, 0.5, 1.0, 2.0]))
    time = np.linspace(0, 2 * end, 4000)
    speed = 1 + depth * np.sin(2 * np.pi * turns * time / end - np.pi / 2 * (turns == 0.5))
    warped = np.concatenate([[0.0], np.cumsum(np.diff(time) / speed[1:])])
    return _moved(performance, lambda at: round(float(np.interp(at, time, warped))))


def begun_late(performance: Performance, beats: int) -> Performance:
    """The same without its first beats."""
    shift = performance.beats[beats] - performance.beats[0]
    begins = performance.beats[beats] - _EDGE
    kept = replace(
        performance,
        strokes=tuple(stroke for stroke in performance.strokes if stroke.onset >= begins),
        beats=performance.beats[beats:],
    )
    return _moved(kept, lambda at: at - shift)


def _moved(performance: Performance, to: Callable[[int], int]) -> Performance:
    strokes = [replace(s, onset=to(s.onset), offset=max(to(s.offset), to(s.onset) + 1)) for s in performance.strokes]
    kept = tuple(sorted(stroke for stroke in strokes if stroke.offset <= performance.duration))
    return replace(performance, strokes=kept, beats=tuple(to(beat) for beat in performance.beats))


def plain(notes: tuple[GuitarNote, ...]) -> tuple[Note, ...]:
    """Truth as notes."""
    return tuple(
        Note(f"t{n}", NoteState.ENDED, note.onset, note.pitch, note.offset, note.velocity, 1.0)
        for n, note in enumerate(notes)
    )


def heard_notes(random: np.random.Generator, performance: Performance) -> tuple[Note, ...]:
    """As the network hears rendered guitars: its velocities follow loudness little (correlation .25, slope .11)."""
    missing, false = float(random.uniform(0, 0.15)), float(random.uniform(0, 0.1))
    level, slope = float(random.normal(0.59, 0.04)), float(random.uniform(0.02, 0.2))
    heard: list[Note] = []
    for number, note in enumerate(performance.notes):
        if random.random() < missing:
            continue
        late = round(float(random.normal(0, 0.006)) * SAMPLE_RATE_HZ)
        onset = max(0, note.onset + late)
        loud = level + slope * (note.velocity - 0.6) + float(random.normal(0, 0.05))
        velocity = float(np.clip(loud, 0.05, 1))
        heard.append(Note(f"n{number}", NoteState.ENDED, onset, note.pitch, max(onset + 1, note.offset), velocity, 0.9))
        if random.random() < false:
            at = onset + int(random.integers(0, SAMPLE_RATE_HZ))
            pitch = note.pitch + int(random.choice([12, 7, -12]))
            heard.append(Note(f"f{number}", NoteState.ENDED, at, pitch, at + 4000, velocity, 0.5))
    return tuple(sorted(heard, key=lambda n: (n.onset, n.pitch, n.id)))


def without_metre(first_seed: int, count: int, duration_s: float = 30.0) -> Iterator[tuple[tuple[Note, ...], int]]:
    """Notes that follow no beat, waits drawn anew each time, and the duration in samples."""
    for seed in range(first_seed, first_seed + count):
        random = np.random.default_rng([seed, 5])
        mean_s, evenness = float(random.uniform(0.15, 0.9)), float(random.uniform(1.0, 4.0))
        time_s, pitch = 0.3, 60
        notes: list[Note] = []
        while time_s < duration_s - 1:
            pitch = int(np.clip(pitch + random.integers(-4, 5), 45, 76))
            at = round(time_s * SAMPLE_RATE_HZ)
            velocity = float(np.clip(random.normal(0.6, 0.15), 0.05, 1))
            notes.append(Note(f"x{len(notes)}", NoteState.ENDED, at, pitch, at + 8000, velocity, 0.9))
            time_s += max(0.06, float(random.gamma(evenness, mean_s / evenness)))
        yield tuple(notes), round(duration_s * SAMPLE_RATE_HZ)
