"""How soon notes come, live, and what a stream costs. `python -m bench latency [--full] [--streams 1,4,8]`.

A whole local stack, recordings with exact truth replayed in real time over gRPC on loopback, one socket of the edge
beside each session. Figures are of this machine at this moment: what its neighbours took is printed with them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from bench._peers import ROOT
from bench._processes import Usage, UsageMeter, load_of_the_machine
from bench._recordings import labelled
from bench._report import print_json, print_table
from bench.latency_client import Material, Played, material_of, notes_in, play
from bench.latency_plots import plot_distribution, plot_streams
from bench.latency_statistics import Figures, Heard, figures, percentiles
from orchestrator.settings import Settings
from tests.support.stack import Stack, running_stack

RESULTS = ROOT / "bench" / "results"
LEAD_OUT_S = 2.0
QUICK_S, FULL_S = 12.0, 60.0
QUICK_STREAMS, FULL_STREAMS = (1, 4, 8), (1, 2, 4, 8, 12, 16)
FULL_CADENCES_MS = (50, 100, 200, 400)
MARKS_MS = {"tentative p95": 220.0, "committed p95": 800.0}
LIMIT_UNDER_LOAD_MS = 350.0
SPREAD_S = 2.0
SERVER = ("orchestrator", "edge", "nats", "supervisor")


@dataclass(frozen=True, slots=True)
class Round:
    """A number of streams played at once."""

    streams: int
    played: list[Played]
    usage: Usage

    @property
    def stream_seconds(self) -> float:
        return sum(one.material.length_s for one in self.played)

    def figures(self) -> Figures:
        return reduce(add, (_judged(one) for one in self.played), Figures())

    def cores(self, *names: str) -> float:
        """Processor seconds per second of a stream."""
        return sum(self.usage.cpu_s[name] for name in names) / self.stream_seconds

    def plumbing_ms(self, *, socket: bool) -> list[float]:
        return [a.age_ms for one in self.played for a in (one.by_socket if socket else one.by_grpc)]

    def cadence_changes(self) -> int:
        """How often sessions said that they show notes more or less often from now on."""
        # By name, so that an orchestrator that knows no such event can be measured too.
        payloads = [a.event.payload for one in self.played for a in one.by_grpc]
        return sum(type(payload).__name__ == "CadenceChanged" for payload in payloads)

    def events_a_second(self) -> float:
        """In one stream: what the plumbing carries."""
        return sum(len(one.by_grpc) for one in self.played) / self.stream_seconds

    def late_ms(self) -> list[float]:
        return [late_s * 1000 for one in self.played for late_s in one.late_s]


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line; write the plots."""
    wish = _parse(arguments)
    recordings, absent = labelled()
    materials = [material_of(recording, wish.seconds) for recording in recordings]
    print(load_of_the_machine(), flush=True)
    curves: dict[str, list[Round]] = {}
    for name, environment in _stacks(wish.cadences).items():
        with running_stack(environment={**os.environ, **environment}) as stack:
            curves[name] = [_round(stack, chosen) for chosen in _line_up(materials, wish.streams)]
    for name, rounds in curves.items():
        _print(name, rounds)
    for line in absent:
        print(line)
    for material in materials:
        print(f"{material.name}: {material.length_s:.0f} s, {len(material.truth)} true notes")
    print(
        f"latency counts notes before the last {LEAD_OUT_S:.0f} s (the end of a session hastens decisions); "
        f"streams of a round begin within {SPREAD_S:.0f} s"
    )
    print("plots: " + ", ".join(str(path.relative_to(ROOT)) for path in _plot(curves)))
    print_json("latency", **{name: [_facts(one) for one in rounds] for name, rounds in curves.items()})


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench latency")
    parser.add_argument("--full", action="store_true", help="whole recordings, more streams, several cadences")
    parser.add_argument("--streams", type=_numbers, help="how many at a time, such as 1,4,8")
    parser.add_argument("--cadences", type=_numbers, help="milliseconds, such as 50,100,200")
    parser.add_argument("--seconds", type=float, help="how much of each recording")
    wish = parser.parse_args(arguments)
    wish.streams = wish.streams or (FULL_STREAMS if wish.full else QUICK_STREAMS)
    wish.cadences = wish.cadences or (FULL_CADENCES_MS if wish.full else ())
    wish.seconds = wish.seconds or (FULL_S if wish.full else QUICK_S)
    return wish


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _stacks(cadences: Sequence[int]) -> Mapping[str, Mapping[str, str]]:
    """Environments by name: the default, and one for each cadence where this orchestrator has that setting."""
    if cadences and "cadence_ms" in Settings.model_fields:
        return {f"cadence {ms} ms": {"GENESIS_ORCHESTRATOR_CADENCE_MS": str(ms)} for ms in cadences}
    if cadences:
        print("this orchestrator has no cadence to set: default only")
    return {"default": {}}


def _line_up(materials: Sequence[Material], counts: Sequence[int]) -> list[list[Material]]:
    """Who plays in each round: one stream plays each recording in a round of its own, several share them out."""
    rounds: list[list[Material]] = []
    for count in counts:
        if count == 1:
            rounds += [[material] for material in materials]
        else:
            rounds.append([materials[number % len(materials)] for number in range(count)])
    return rounds


def _round(stack: Stack, materials: Sequence[Material]) -> Round:
    socket_url = stack.edge_url.replace("http", "ws", 1).rstrip("/") + "/ws"
    meter = UsageMeter({**stack.pids, "client": os.getpid()})
    callers = asyncio.run(play(stack.grpc_address, socket_url, materials, SPREAD_S if len(materials) > 1 else 0.0))
    usage = meter.stop()
    return Round(len(materials), [caller.played() for caller in callers], usage)


def _judged(played: Played) -> Figures:
    heard = [Heard(revised.note, at_s) for revised, at_s in notes_in(played.by_grpc)]
    return figures(played.material.truth, heard, played.material.length_s - LEAD_OUT_S)


def _name(one: Round) -> str:
    return one.played[0].material.name if one.streams == 1 else "all"


def _print(name: str, rounds: Sequence[Round]) -> None:
    print(f"\n{name}: truth onset → gRPC client, ms")
    header = ["streams", "playing", "tentative p50", "p95", "p99", "committed p50", "p95", "p99"]
    header += ["unmatched", "F1", "taken back", "unannounced"]
    rows: list[list[object]] = []
    for one in rounds:
        f = one.figures()
        row: list[object] = [one.streams, _name(one), *_round_all(f.tentative_ms), *_round_all(f.committed_ms)]
        row += [f"{f.truth - f.matched} of {f.truth}", f.f1, f"{f.taken_back} of {f.tentative}", f.unannounced]
        rows.append(row)
    print_table(header, rows)
    print(f"\n{name}: processor time per stream-second (cores per stream), and the plumbing: event made → there, ms")
    header = ["streams", "cores", *SERVER, "client", "events/s", "gRPC p50", "p95", "p99", "socket p50", "p95", "p99"]
    header += ["cadence changes", "chunk late p99", "drained s", "others' cores"]
    rows = []
    for one in rounds:
        rows.append([one.streams, one.cores(*SERVER), *(one.cores(process) for process in (*SERVER, "client"))])
        rows[-1].append(f"{one.events_a_second():.1f}")
        for socket in (False, True):
            rows[-1] += [f"{value:.1f}" for value in percentiles(one.plumbing_ms(socket=socket)).values()]
        drained_s = max(played.drained_s for played in one.played)
        rows[-1] += [one.cadence_changes(), f"{percentiles(one.late_ms())['p99']:.1f}"]
        rows[-1] += [f"{drained_s:.2f}", f"{one.usage.others_cores:.2f}"]
    print_table(header, rows)
    for one in rounds:
        for played in one.played:
            if played.failure:
                print(f"{one.streams} streams: a session of {played.material.name} failed: {played.failure}")


def _round_all(values: Sequence[float]) -> list[str]:
    return [f"{value:.0f}" for value in percentiles(values).values()]


def _facts(one: Round) -> dict[str, object]:
    f = one.figures()
    return {
        "streams": one.streams,
        "playing": _name(one),
        "tentative_ms": percentiles(f.tentative_ms),
        "committed_ms": percentiles(f.committed_ms),
        "timed": len(f.tentative_ms),
        "truth": f.truth,
        "matched": f.matched,
        "f1": f.f1,
        "tentative": f.tentative,
        "taken_back": f.taken_back,
        "taken_back_share": f.taken_back_share,
        "unannounced": f.unannounced,
        "cores_per_stream": one.cores(*SERVER),
        "cores": {process: one.cores(process) for process in (*SERVER, "client")},
        "edge_and_nats_share": one.cores("edge", "nats") / one.cores(*SERVER),
        "cadence_changes": one.cadence_changes(),
        "events_a_second": one.events_a_second(),
        "plumbing_grpc_ms": percentiles(one.plumbing_ms(socket=False)),
        "plumbing_socket_ms": percentiles(one.plumbing_ms(socket=True)),
        "chunk_late_ms": percentiles(one.late_ms()),
        "drained_s": max(played.drained_s for played in one.played),
        "others_cores": one.usage.others_cores,
        "failed": sum(bool(played.failure) for played in one.played),
    }


def _plot(curves: Mapping[str, Sequence[Round]]) -> list[Path]:
    """Write both pictures; the distribution is of single streams only."""
    samples: dict[str, Sequence[float]] = {}
    under_load: dict[str, dict[int, Mapping[str, float]]] = {}
    for name, rounds in curves.items():
        pooled: dict[int, Figures] = {}
        for one in rounds:
            pooled[one.streams] = pooled.get(one.streams, Figures()) + one.figures()
        under_load[name] = {count: percentiles(f.tentative_ms) for count, f in pooled.items() if f.tentative_ms}
        if 1 in pooled:
            samples[f"{name}, tentative"] = pooled[1].tentative_ms
            samples[f"{name}, committed"] = pooled[1].committed_ms
    distribution, streams = RESULTS / "latency-distribution.png", RESULTS / "latency-streams.png"
    plot_distribution(distribution, samples, MARKS_MS)
    plot_streams(streams, under_load, LIMIT_UNDER_LOAD_MS)
    return [distribution, streams]


if __name__ == "__main__":
    main()
