"""How long a file takes, whole commands, ours beside stock Basic Pitch's. `python -m bench transcribe_file`."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from bench._commands import Timing, run_timed
from bench._peers import PeersAbsentError, stock_command
from bench._recordings import GUITARSET, demo, write_looped
from bench._report import print_json, print_table

LENGTH_S = 180.0
RUNS = 3


def main() -> None:
    """Print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audio = folder / "three_minutes.wav"
        take = GUITARSET / "00_BN1-129-Eb_comp_mic.wav"
        write_looped(take if take.exists() else demo().audio, audio, LENGTH_S)
        timings, absent = time_side_by_side(audio, folder)
    medians = {who: _median(runs) for who, runs in timings.items()}
    rows = [[who, m.wall_s, m.cpu_s, m.peak_mib, LENGTH_S / m.wall_s] for who, m in medians.items()]
    print_table(["command", "wall s", "cpu s", "peak MiB", "× real time"], rows)
    print(
        f"{LENGTH_S:.0f} s of {'guitarset comp' if take.exists() else 'the demo piece'}, median of {RUNS}, alternating"
    )
    facts: dict[str, object] = {f"{who}_s": m.wall_s for who, m in medians.items()}
    facts |= {f"{who}_cpu_s": m.cpu_s for who, m in medians.items()}
    facts |= {f"{who}_peak_mib": m.peak_mib for who, m in medians.items()}
    if absent:
        print(absent)
    else:
        facts["ratio"] = medians["ours"].wall_s / medians["stock"].wall_s
        print(f"ours / stock: {facts['ratio']:.2f}")
    print_json("transcribe_file", audio_s=LENGTH_S, runs=RUNS, **facts)


def time_side_by_side(audio: Path, folder: Path) -> tuple[dict[str, list[Timing]], str]:
    """Timings of each command, run in turns so that a busy moment hits both; and why the stock one is left out, or "".

    Args:
        audio: the file to transcribe.
        folder: where results may be written.
    """
    genesis = Path(sys.executable).with_name("genesis")
    timings: dict[str, list[Timing]] = {"ours": []}
    absent = ""
    try:
        stock_command(audio, folder)
        timings["stock"] = []
    except PeersAbsentError as error:
        absent = f"stock: left out, {error}"
    # The first turn warms caches (and lets the stock program compile what it compiles once) and does not count.
    for turn in range(RUNS + 1):
        for who, runs in timings.items():
            out = folder / f"{who}-{turn}"
            out.mkdir()
            if who == "ours":
                command = [str(genesis), "transcribe", str(audio), "--json", str(out / "notes.json")]
            else:
                command = stock_command(audio, out)
            timing = run_timed(command)
            if turn:
                runs.append(timing)
    return timings, absent


def _median(runs: list[Timing]) -> Timing:
    return Timing(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.cpu_s for run in runs),
        statistics.median(run.peak_mib for run in runs),
    )


if __name__ == "__main__":
    main()
