"""Separation: stems, latency, what `auto` hears, what it does to notes, what it costs. `python -m bench separation`.

See bench/NOTES.md for predictions and outcomes. Demucs is measured where the extra `export` is installed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soxr

from bench._commands import Timing, run_timed
from bench._models import load, session_notes
from bench._recordings import DATA, labelled
from bench._report import print_json, print_table
from bench._separation_notes import AUTO, AUTO_FILE, notes
from bench._separation_sound import (
    RATE_HZ,
    Signal,
    read_stereo,
    stems,
    transforms,
    voices,
    waiting,
)
from inference.ports import Transcriber
from inference.registry import default_model_repo
from inference.separation import WindowedSeparator
from inference.separators import load_separator
from music.events import AudioFormat, Separation
from music.tuning import Instrument
from orchestrator.ears import Ear
from orchestrator.separating import NO_SEPARATION, SeparationPlan, Tell
from orchestrator.stems import StemSink

MODES = ("off", "vocals_removed", AUTO, AUTO_FILE)
COMMANDS = MODES[:3]
LENGTH_S = 180.0
RUNS = 3


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench separation")
    parser.add_argument("--quick", action="store_true", help="fewer pieces and levels; what is done without options")
    parser.add_argument("--pieces", type=int, default=12, help="rendered pieces, for auto and for notes")
    parser.add_argument("--notes", action="store_true", help="what it does to notes alone")
    parser.add_argument("--demucs", action="store_true", help="the full-size Demucs architecture alone")
    wish = parser.parse_args(arguments)
    if wish.demucs:
        from bench._demucs import main as demucs

        demucs()
        return
    separator = load_separator(Separation.VOCALS_REMOVED, default_model_repo(), threads=1)
    assert isinstance(separator, WindowedSeparator)
    if wish.notes:
        print_json("separation_notes", **notes(plans(separator), load(), wish.pieces))
        return
    facts: dict[str, object] = {
        "sdr_db": stems(separator),
        "waiting": waiting(separator),
        "transform": transforms(),
        "auto": voices(separator, wish.pieces),
        "notes": notes(plans(separator), load(), wish.pieces),
        "odd_inputs": odd_inputs(separator, load()),
        "bypassed": bypassed(separator, load()),
        "commands": commands(),
    }
    print("\ndemucs, true SDR with the published weights: not run: no weights (the hub is asked by the export only);")
    print("the architecture at full size: python -m bench separation --demucs, with the extra export")
    print_json("separation", **facts)


class FilePlan(SeparationPlan):
    """A plan as a file's session follows it: `auto` chooses before anything is heard."""

    def open_ear(
        self,
        audio: AudioFormat,
        tell: Tell,
        *,
        is_file: bool = False,  # noqa: ARG002 - what comes here as samples stands for one
        sink: StemSink | None = None,
    ) -> Ear:
        """See `SeparationPlan.open_ear`."""
        return super().open_ear(audio, tell, is_file=True, sink=sink)


def plans(separator: WindowedSeparator) -> dict[str, SeparationPlan]:
    """By choice, what a session does; each with a file's windows.

    What auto costs live is then what it waits for alone. The windows that answer soonest cost their own, whoever chose
    them, and eight seconds of processor time for each 20 s of every mix here.
    """
    schedule = separator.file_schedule
    return {
        "off": NO_SEPARATION,
        "vocals_removed": SeparationPlan(Separation.VOCALS_REMOVED, separator, schedule),
        AUTO: SeparationPlan(Separation.AUTO, separator, schedule),
        AUTO_FILE: FilePlan(Separation.AUTO, separator, schedule),
    }


def odd_inputs(separator: WindowedSeparator, transcriber: Transcriber) -> dict[str, int]:
    """Notes found in what is short, silent or of another rate, by every choice: none of them fails."""
    take = labelled()[0][0]
    samples, rate_hz = take.read()
    inputs = {
        "mono at 16 kHz": (_resampled(samples[: 10 * rate_hz], rate_hz, 16_000), 16_000),
        "stereo at 96 kHz": (np.stack([_resampled(samples[: 10 * rate_hz], rate_hz, 96_000)] * 2, axis=1), 96_000),
        "silence": (np.zeros(10 * RATE_HZ, np.float32), RATE_HZ),
        "0.1 s": (samples[: rate_hz // 10], rate_hz),
    }
    rows: list[list[object]] = []
    facts: dict[str, int] = {}
    for name, (signal, rate) in inputs.items():
        counts = [
            len(session_notes(transcriber, signal, rate, Instrument(take.tuning), plan))
            for plan in plans(separator).values()
        ]
        rows.append([name, *counts])
        facts |= {f"{name}, {mode}": count for mode, count in zip(MODES, counts, strict=True)}
    print("\nnotes found in odd inputs")
    print_table(["input", *MODES], rows)
    return facts


def _resampled(samples: Signal, rate_hz: int, to_hz: int) -> Signal:
    return np.asarray(soxr.resample(samples, rate_hz, to_hz), np.float32)


def bypassed(separator: WindowedSeparator, transcriber: Transcriber) -> dict[str, float]:
    """Processor time of three minutes of guitar: off, and auto, which looks and then leaves the mix as it is."""
    take = labelled()[0][0]
    samples, rate_hz = take.read()
    signal = np.resize(samples, round(LENGTH_S * rate_hz))
    spent: dict[str, list[float]] = {"off": [], "auto": []}
    for _ in range(RUNS):
        for mode, times in spent.items():
            begun = time.process_time()
            session_notes(transcriber, signal, rate_hz, Instrument(take.tuning), plans(separator)[mode])
            times.append(time.process_time() - begun)
    off, auto = (statistics.median(times) for times in spent.values())
    print(
        f"\nbypassed: {LENGTH_S:.0f} s of guitar, separator loaded: off {off:.2f} s, auto {auto:.2f} s of processor "
        f"time, {(auto / off - 1) * 100:+.1f} % (the aim is 2)"
    )
    return {"off_cpu_s": off, "auto_cpu_s": auto, "more_percent": (auto / off - 1) * 100}


def commands() -> dict[str, object]:
    """Whole commands on a three-minute mix with a voice, in turns."""
    source = DATA / "stems" / "mallory" / "mix.mp3"
    if not source.exists():
        print("whole commands: left out, ../shared/data is not beside this checkout")
        return {}
    genesis = Path(sys.executable).with_name("genesis")
    timings: dict[str, list[Timing]] = {mode: [] for mode in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "mix.wav"
        _write(np.tile(read_stereo(source), (1, 6))[:, : round(LENGTH_S * RATE_HZ)], audio)
        for _ in range(RUNS):
            for mode, runs in timings.items():
                out = Path(folder) / f"{mode}.json"
                runs.append(
                    run_timed([str(genesis), "transcribe", str(audio), "--separation", mode, "--json", str(out)])
                )
    medians = {
        mode: Timing(*(statistics.median(values) for values in zip(*(asdict(r).values() for r in runs), strict=True)))
        for mode, runs in timings.items()
    }
    print(
        f"\nwhole commands, {LENGTH_S:.0f} s of a mix with a voice, stereo, median of {RUNS} (vocals_removed: aim 30)"
    )
    print_table(
        ["separation", "wall s", "cpu s", "peak MiB"], [[mode, *asdict(m).values()] for mode, m in medians.items()]
    )
    return {mode: asdict(timing) for mode, timing in medians.items()}


def _write(signal: Signal, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(signal, -1, 1).T * 32_767).astype("<i2").tobytes())


if __name__ == "__main__":
    main(sys.argv[1:])
