"""How soon notes come, live, and what a stream costs. `python -m bench latency [--full] [--transcriber NAME]`.

A whole local stack, recordings with exact truth replayed in real time over gRPC on loopback, one socket of the edge
beside each session. Figures are of this machine at this moment: what its neighbours took is printed with them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.async_api import expect

from bench._peers import ROOT
from bench._processes import Usage, UsageMeter, load_of_the_machine
from bench._recordings import labelled
from bench._report import print_json
from bench.latency_client import Caller, Material, material_of, play
from bench.latency_plots import plot_distribution, plot_plumbing, plot_streams
from bench.latency_report import (
    LEAD_OUT_S,
    LIMIT_UNDER_LOAD_MS,
    Round,
    curve_of,
    print_rounds,
    round_facts,
    streams_held,
)
from tests.support.browser import HOW, open_page
from tests.support.stack import Stack, running_stack

RESULTS = ROOT / "bench" / "results"
QUICK_S, FULL_S = 12.0, 60.0
QUICK_STREAMS, FULL_STREAMS = (1, 4, 8, 16), (1, 2, 4, 8, 16, 32)
FULL_CADENCES_MS = (50, 100, 200)
MARKS_MS = {"tentative p95": 220.0, "committed p95": 800.0}
SPREAD_S = 2.0
PAGE_OPEN, PAGE_PLAYING = "page open", "page playing"


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line; write the plots."""
    wish = _parse(arguments)
    recordings, absent = labelled()
    materials = [material_of(recording, wish.seconds) for recording in recordings]
    pages: Sequence[str] = (PAGE_OPEN, PAGE_PLAYING)
    if wish.without_page or not _has_browser():
        pages = ()
        absent += [] if wish.without_page else [f"the page beside a stream: left out, {HOW}"]
    print(load_of_the_machine(), flush=True)
    curves: dict[str, list[Round]] = {}
    for name, environment in _stacks(wish.cadences, wish.transcriber).items():
        with running_stack(environment={**os.environ, **environment}) as stack:
            rounds = [_round(stack, chosen) for chosen in _line_up(materials, wish.streams)]
            # The page is opened once: its cost does not hang on the cadence that is being tried.
            rounds += [_round(stack, materials[:1], page) for page in pages]
            pages = ()
        curves[name] = rounds
        print_rounds(name, rounds)
    _print_foot(curves, materials, absent)
    facts = {name: [round_facts(one) for one in rounds] for name, rounds in curves.items()}
    print_json("latency", held={name: streams_held(rounds)[0] for name, rounds in curves.items()}, **facts)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench latency")
    parser.add_argument("--full", action="store_true", help="whole recordings, up to 32 streams, three cadences")
    parser.add_argument("--streams", type=_numbers, help="how many at a time, such as 1,4,8")
    parser.add_argument("--cadences", type=_numbers, help="milliseconds, such as 50,100,200")
    parser.add_argument("--seconds", type=float, help="how much of each recording")
    parser.add_argument("--transcriber", default="", metavar="NAME", help="instead of the default one")
    parser.add_argument("--without-page", action="store_true", help="open no page beside a stream")
    wish = parser.parse_args(arguments)
    wish.streams = wish.streams or (FULL_STREAMS if wish.full else QUICK_STREAMS)
    wish.cadences = wish.cadences or (FULL_CADENCES_MS if wish.full else ())
    wish.seconds = wish.seconds or (FULL_S if wish.full else QUICK_S)
    return wish


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _stacks(cadences: Sequence[int], transcriber: str = "") -> Mapping[str, Mapping[str, str]]:
    """Environments by name: the default, or one for each cadence; `transcriber` is loaded before the first session."""
    common = {"GENESIS_ORCHESTRATOR_TRANSCRIBER": transcriber} if transcriber else {}
    prefix = f"{transcriber}, " if transcriber else ""
    if not cadences:
        return {f"{prefix}default cadence": common}
    return {f"{prefix}cadence {ms} ms": {**common, "GENESIS_ORCHESTRATOR_CADENCE_MS": str(ms)} for ms in cadences}


def _line_up(materials: Sequence[Material], counts: Sequence[int]) -> list[list[Material]]:
    """Who plays in each round: one stream plays each recording in a round of its own, several share them out."""
    rounds: list[list[Material]] = []
    for count in counts:
        if count == 1:
            rounds += [[material] for material in materials]
        else:
            rounds.append([materials[number % len(materials)] for number in range(count)])
    return rounds


def _round(stack: Stack, materials: Sequence[Material], page: str = "") -> Round:
    usage, callers = asyncio.run(_played(stack, materials, page))
    return Round(len(materials), [caller.played() for caller in callers], usage, page)


async def _played(stack: Stack, materials: Sequence[Material], page: str) -> tuple[Usage, list[Caller]]:
    """Play once what is beside the streams is there; what it takes to get there is not counted."""
    socket_url = stack.edge_url.replace("http", "ws", 1).rstrip("/") + "/ws"
    spread_s = SPREAD_S if len(materials) > 1 else 0.0

    async def run() -> tuple[Usage, list[Caller]]:
        meter = UsageMeter({**stack.pids, "client": os.getpid()})
        callers = await play(stack.grpc_address, socket_url, materials, spread_s)
        return meter.stop(), callers

    if not page:
        return await run()
    async with open_page(stack.edge_url) as opened:
        if page == PAGE_PLAYING:
            # A second session, played to the page in real time, and drawn.
            await opened.get_by_role("button", name="Demo").click()
            await expect(opened.locator('[data-phase="recording"]')).to_be_attached(timeout=15_000)
        return await run()


def _has_browser() -> bool:
    return bool(os.environ.get("GENESIS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome"))


def _print_foot(curves: Mapping[str, Sequence[Round]], materials: Sequence[Material], absent: Sequence[str]) -> None:
    print()
    for line in absent:
        print(line)
    for material in materials:
        print(f"{material.name}: {material.length_s:.0f} s, {len(material.truth)} true notes")
    print("transcriber: " + ", ".join(sorted({one.models for rounds in curves.values() for one in rounds})))
    print(
        f"latency counts notes before the last {LEAD_OUT_S:.0f} s (the end of a session hastens decisions); "
        f"streams of a round begin within {SPREAD_S:.0f} s"
    )
    if any(one.beside == PAGE_PLAYING for rounds in curves.values() for one in rounds):
        print(f"{PAGE_PLAYING}: a browser's own session beside the stream; the servers' cores are those of both")
    print("plots: " + ", ".join(str(path.relative_to(ROOT)) for path in _plot(curves)))


def _plot(curves: Mapping[str, Sequence[Round]]) -> list[Path]:
    """Write all pictures; the distribution is of single streams only."""
    samples: dict[str, Sequence[float]] = {}
    for name, rounds in curves.items():
        single = [one.figures() for one in rounds if one.streams == 1 and not one.beside]
        if single:
            samples[f"{name}, tentative"] = [ms for f in single for ms in f.tentative_ms]
            samples[f"{name}, committed"] = [ms for f in single for ms in f.committed_ms]
    under_load = {name: curve_of(rounds) for name, rounds in curves.items()}
    paths = [RESULTS / f"latency-{name}.png" for name in ("distribution", "streams", "plumbing")]
    plot_distribution(paths[0], samples, MARKS_MS)
    plot_streams(paths[1], under_load, LIMIT_UNDER_LOAD_MS)
    plot_plumbing(paths[2], under_load)
    return paths


if __name__ == "__main__":
    main(sys.argv[1:])
