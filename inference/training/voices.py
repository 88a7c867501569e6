"""Notes out of recorded ones: re-pitched, softened, cut and damped as the performance says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import lfilter

from inference.training.sample_bank import PRE_ROLL, Recording
from inference.training.sample_bank import SAMPLE_RATE_HZ as RECORDED_HZ
from inference.training.score import DEAD, HAMMER_ON, PALM_MUTE, PULL_OFF, GuitarNote
from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

INAUDIBLE_DB = -40.0
"""A note is over when it has fallen this far below its own peak, if nothing stopped it before."""

VELOCITY_RANGE_DB = 24.0
_TONE_RMS = 0.1
_LEVEL_WINDOW_S = 0.3
_ENVELOPE_HOP = 220
_RISE_WINDOW_S, _RISE_LEVEL = 0.06, 0.1
_FURTHEST_CHOICE = 3


@dataclass(frozen=True, slots=True)
class Take:
    """A guitar's part as it sounds.

    Attributes:
        samples: f32[duration], mono at 22 050 Hz; any level.
        offsets: of each note, when it is no longer heard: its own offset or earlier.
    """

    samples: NDArray[np.float32]
    offsets: tuple[int, ...]


class Guitar(Protocol):
    """Something that plays notes. `lowest` and `highest` are the MIDI pitches it is good for; an `electric` one is
    usually heard through an amplifier.
    """

    @property
    def electric(self) -> bool: ...

    @property
    def lowest(self) -> int: ...

    @property
    def highest(self) -> int: ...

    def play(
        self, notes: Sequence[GuitarNote], instrument: Instrument, duration: int, random: np.random.Generator
    ) -> Take:
        """The notes' sound: its onsets are where the notes' are, within 3 ms."""
        ...


@dataclass(frozen=True, slots=True)
class _Tone:
    """A note of one pitch: f32 samples at 22 050 Hz, sample of its attack, samples after it until inaudible."""

    samples: NDArray[np.float32]
    attack: int
    audible: int


class RecordedGuitar:
    """Plays recordings of single notes. Re-pitched ones are kept: the second piece costs less than the first."""

    def __init__(self, recordings: Sequence[Recording], *, electric: bool = False, reach: int = 8) -> None:
        """`reach`: semitones that a recording may be shifted beyond the lowest and highest one."""
        self._recordings = sorted(recordings, key=lambda recording: recording.pitch)
        self.electric = electric
        self._tones: dict[tuple[int, int], _Tone] = {}
        self.lowest = self._recordings[0].pitch - reach
        self.highest = self._recordings[-1].pitch + reach

    def play(
        self,
        notes: Sequence[GuitarNote],
        instrument: Instrument,  # noqa: ARG002 - a recording is the same whatever string it is used for
        duration: int,
        random: np.random.Generator,
    ) -> Take:
        """See `Guitar`. The nearest recording is not always taken: a hand has more than one sound for a pitch."""
        samples = np.zeros(duration, np.float32)
        release = round(float(random.uniform(0.012, 0.06)) * SAMPLE_RATE_HZ)
        softness = float(random.uniform(0.3, 1.0))
        muting_s = float(random.uniform(0.06, 0.15))
        variety = int(random.integers(1, _FURTHEST_CHOICE + 1))
        offsets = []
        for note in notes:
            tone = self._tone(note.pitch, int(random.integers(variety)))
            voice, attack, audible = _voice(tone, note, release, softness, muting_s)
            add(samples, voice, note.onset - attack)
            offsets.append(min(note.offset, note.onset + audible))
        return Take(samples, tuple(offsets))

    def _tone(self, pitch: int, choice: int) -> _Tone:
        key = (pitch, choice)
        if key not in self._tones:
            nearest = sorted(self._recordings, key=lambda recording: abs(recording.pitch - pitch))
            near = [r for r in nearest if abs(r.pitch - pitch) <= abs(nearest[0].pitch - pitch) + 3]
            self._tones[key] = _make_tone(near[choice % len(near)], pitch)
        return self._tones[key]


def _make_tone(recording: Recording, pitch: int) -> _Tone:
    ratio = 2 ** ((pitch - recording.pitch) / 12)
    samples = soxr.resample(recording.samples, RECORDED_HZ * ratio, SAMPLE_RATE_HZ, quality="HQ").astype(np.float32)
    attack = _rise(samples, round(PRE_ROLL / ratio * SAMPLE_RATE_HZ / RECORDED_HZ))
    window = samples[attack : attack + round(_LEVEL_WINDOW_S * SAMPLE_RATE_HZ)]
    samples *= _TONE_RMS / max(1e-6, float(np.sqrt(np.mean(window**2))))
    tail = min(len(samples), round(0.05 * SAMPLE_RATE_HZ))
    samples[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return _Tone(samples, attack, _audible(samples[attack:]))


def _rise(samples: NDArray[np.float32], cut: int) -> int:
    """Where the note itself begins: some recordings open with a few milliseconds of the pick touching the string."""
    head = np.abs(samples[: cut + round(_RISE_WINDOW_S * SAMPLE_RATE_HZ)])
    return int(np.flatnonzero(head > _RISE_LEVEL * head.max())[0])


def _audible(samples: NDArray[np.float32]) -> int:
    blocks = samples[: len(samples) // _ENVELOPE_HOP * _ENVELOPE_HOP].reshape(-1, _ENVELOPE_HOP)
    level = np.sqrt(np.mean(blocks**2, axis=1))
    heard = np.flatnonzero(level > level.max() * 10 ** (INAUDIBLE_DB / 20))
    return int(heard[-1] + 1) * _ENVELOPE_HOP


def _voice(
    tone: _Tone, note: GuitarNote, release: int, softness: float, muting_s: float
) -> tuple[NDArray[np.float32], int, int]:
    """Samples, where in them the onset is, and for how long after it they are heard."""
    sounding = note.offset - note.onset
    begin, attack, audible = 0, tone.attack, tone.audible
    if note.technique in (HAMMER_ON, PULL_OFF):
        # The string is moving already: no pick, a softer start from a few milliseconds into the recording.
        begin = tone.attack + round(0.012 * SAMPLE_RATE_HZ)
        attack, audible = 0, max(1, tone.audible - (begin - tone.attack))
    voice = bent(tone.samples[begin:], attack, attack + sounding + release, note)
    if begin:
        fade = min(len(voice), round(0.003 * SAMPLE_RATE_HZ))
        voice[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    voice *= level_of(note)
    dullness = float(np.clip(softness * (0.85 - note.velocity), 0.0, 0.75))
    if note.technique in (PALM_MUTE, DEAD):
        dullness = 0.7
        muting_s = 0.012 if note.technique == DEAD else muting_s
        voice *= np.exp(-np.maximum(0, np.arange(len(voice)) - attack) / (muting_s * SAMPLE_RATE_HZ), dtype=np.float32)
        audible = min(audible, round(-muting_s * np.log(10 ** (INAUDIBLE_DB / 20)) * SAMPLE_RATE_HZ))
    if dullness > 0.02:
        voice = lfilter([1 - dullness], [1, -dullness], voice).astype(np.float32)
    damp(voice, attack + sounding, release)
    return voice, attack, audible


def level_of(note: GuitarNote) -> float:
    """Amplitude of a note's velocity; what a finger hammers or pulls is weaker than what is plucked."""
    weaker_db = 4.0 if note.technique in (HAMMER_ON, PULL_OFF) else 0.0
    return float(10 ** ((VELOCITY_RANGE_DB * (note.velocity - 1) - weaker_db) / 20))


def bent(samples: NDArray[np.float32], attack: int, length: int, note: GuitarNote) -> NDArray[np.float32]:
    """A copy of `samples`, at most `length` long, read slower and faster so that its pitch follows the note's bends."""
    if not note.bends:
        return samples[:length].copy()
    points = np.array(note.bends)
    semitones = np.interp(np.arange(length - attack), points[:, 0], points[:, 1])
    places = attack + np.concatenate([[0.0], np.cumsum(2 ** (semitones / 12))])
    read = np.interp(places[:-1], np.arange(len(samples)), samples, right=0.0)
    return np.concatenate([samples[:attack], read]).astype(np.float32)


def damp(voice: NDArray[np.float32], at: int, release: int) -> None:
    """Stop a string in place: from sample `at` on, over `release` samples."""
    stopped = voice[at : at + release]
    stopped *= np.linspace(1, 0, release, dtype=np.float32)[: len(stopped)] ** 2


def add(track: NDArray[np.float32], voice: NDArray[np.float32], at: int) -> None:
    """Mix `voice` into `track` from sample `at`, which may lie before the beginning, as far as the track goes."""
    if at < 0:
        voice, at = voice[-at:], 0
    room = len(track) - at
    if room > 0:
        track[at : at + len(voice)] += voice[:room]
