"""How soon and how surely notes come live, by cadence. `python -m bench live`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import soxr
from numpy.typing import NDArray

from bench._models import load, transcriber_names
from bench._recordings import Recording, labelled
from bench._report import print_json, print_table
from bench.live_simulation import figures, play
from music.audio import SAMPLE_RATE_HZ, seconds
from music.tuning import Instrument

STEPS = (9, 6)


def main() -> None:
    """Print the table and the JSON line."""
    names, left_out = transcriber_names()
    recordings, absent = labelled()
    rows: list[list[object]] = []
    facts: dict[str, object] = {}
    for name in names:
        transcriber = load(name, threads=1)
        for recording in recordings:
            for step in STEPS:
                cadence_ms = round(seconds(step * transcriber.grid.hop) * 1000)
                run = play(transcriber, read_signal(recording), Instrument(recording.tuning), step)
                f = figures(recording.truth, run)
                latencies = [round(value) for value in (*f.tentative_ms, *f.committed_ms)]
                rows.append([name, recording.name, cadence_ms, *latencies, f.taken_back, f.f1, f.core])
                facts[f"{name}, {recording.name} at {cadence_ms} ms"] = asdict(f)
    columns = ["recording", "cadence ms", "tentative p50", "p95", "committed p50", "p95", "taken back", "F1", "core"]
    print_table(["transcriber", *columns], rows)
    for line in (*absent, *left_out):
        print(line)
    print_json("live", recordings=facts, absent=len(absent) + len(left_out))


def read_signal(recording: Recording) -> NDArray[np.float32]:
    """A recording as f32[n], mono at 22 050 Hz."""
    samples, rate_hz = recording.read()
    return np.asarray(soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ), np.float32)


if __name__ == "__main__":
    main()
