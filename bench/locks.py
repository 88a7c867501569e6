"""What it costs to draw a running session's bars anew when a person decides about them. `python -m bench locks`."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bench._report import print_json, print_table
from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, RhythmLock, TimeSignature
from music.live_music import REACH, LiveMusic
from music.note import Note, NoteState
from music.rhythm_locks import LockRequest

THREE = TimeSignature(3, 4)
LOCKS = {
    "tempo and metre": RhythmLock(100.0, THREE),
    "metre": RhythmLock(signature=THREE),
    "taken back": NO_LOCK,
}
LENGTHS_S = (60, 180, REACH // SAMPLE_RATE_HZ, 2 * REACH // SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one lock after so much music: processor time in this process, and how many bars were told anew."""

    length_s: int
    what: str
    cpu_s: float
    bars: int


def main() -> None:
    """Print the table and the JSON line."""
    costs = [cost_of(length_s, what) for length_s in LENGTHS_S for what in LOCKS]
    rows = [[f"{cost.length_s} s", cost.what, f"{cost.cpu_s:.2f}", str(cost.bars)] for cost in costs]
    print_table(["music so far", "lock", "processor s", "bars"], rows)
    print_json("locks", **{f"{cost.what.replace(' ', '_')}_{cost.length_s}s": cost.cpu_s for cost in costs})


def cost_of(length_s: int, what: str) -> Cost:
    """One lock, asked for when the music has lasted for `length_s`."""
    music, end = LiveMusic(), length_s * SAMPLE_RATE_HZ
    for note in played(length_s):
        music.add(note)
    music.advance(end)
    if LOCKS[what] == NO_LOCK:
        music.ask(LockRequest(RhythmLock(100.0)))
        music.advance(end)
    music.ask(LockRequest(LOCKS[what]))
    begun = time.process_time()
    told = music.advance(end)
    return Cost(length_s, what, time.process_time() - begun, sum(len(getattr(one, "bars", ())) for one in told))


def played(length_s: int) -> list[Note]:
    """A bass note and a chord in turns, 100 beats a minute with 8 ms of jitter: five onsets every three seconds."""
    random, notes = np.random.default_rng(7), []
    for beat in range(int(length_s / 0.6)):
        at = round((0.5 + 0.6 * beat + float(random.normal(0, 0.008))) * SAMPLE_RATE_HZ)
        struck = (45,) if beat % 4 == 0 else (57, 60, 64)
        notes += [Note(f"{beat}.{p}", NoteState.COMMITTED, at, p + beat // 4 % 4, velocity=0.6) for p in struck]
    return notes
