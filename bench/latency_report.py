"""Tables and facts of what `bench latency` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from bench._processes import Usage
from bench._report import print_table
from bench.latency_client import Played, notes_in
from bench.latency_statistics import Figures, Heard, figures, percentiles
from music.events import CadenceChanged, SessionStarted

LEAD_OUT_S = 2.0
"""At the end of a session everything is decided at once: notes that begin later than this before it are not timed."""
LIMIT_UNDER_LOAD_MS = 350.0
SERVER = ("orchestrator", "edge", "nats", "supervisor")


@dataclass(frozen=True, slots=True)
class Round:
    """A number of streams played at once; `beside` says what else there was to do, "" for nothing."""

    streams: int
    played: list[Played]
    usage: Usage
    beside: str = ""

    @property
    def stream_seconds(self) -> float:
        return sum(one.material.length_s for one in self.played)

    @property
    def name(self) -> str:
        playing = self.played[0].material.name if self.streams == 1 else "all"
        return f"{playing}, {self.beside}" if self.beside else playing

    @property
    def failures(self) -> list[str]:
        return [f"{one.material.name}: {one.failure}" for one in self.played if one.failure]

    @property
    def models(self) -> str:
        """Names of the models that took part, as the sessions say."""
        started = (a.event.payload for one in self.played for a in one.by_grpc)
        return ", ".join(sorted({m.name for p in started if isinstance(p, SessionStarted) for m in p.models}))

    def figures(self) -> Figures:
        return reduce(add, (_judged(one) for one in self.played), Figures())

    def cores(self, *names: str) -> float:
        """Processor seconds per second of a stream."""
        return sum(self.usage.cpu_s[name] for name in names) / self.stream_seconds

    def plumbing_ms(self, *, socket: bool) -> list[float]:
        return [a.age_ms for one in self.played for a in (one.by_socket if socket else one.by_grpc)]

    def cadence_changes(self) -> int:
        """How often sessions said that they show notes more or less often from now on."""
        payloads = (a.event.payload for one in self.played for a in one.by_grpc)
        return sum(isinstance(payload, CadenceChanged) for payload in payloads)

    def events_a_second(self) -> float:
        """In one stream: what the plumbing carries."""
        return sum(len(one.by_grpc) for one in self.played) / self.stream_seconds

    def late_ms(self) -> list[float]:
        return [late_s * 1000 for one in self.played for late_s in one.late_s]

    def drained_s(self) -> float:
        return max(one.drained_s for one in self.played)


def streams_held(rounds: Sequence[Round], limit_ms: float = LIMIT_UNDER_LOAD_MS) -> tuple[int, bool]:
    """The most streams up to which every round without company stayed within p95 `limit_ms` and lost no session; and
    whether that is all that was tried. 0 when not even the fewest did.
    """
    held = 0
    alone = sorted((one for one in rounds if not one.beside), key=lambda one: one.streams)
    for one in alone:
        if one.failures or not percentiles(one.figures().tentative_ms)["p95"] <= limit_ms:
            return (held if held < one.streams else _fewer(alone, one.streams)), False
        held = one.streams
    return held, True


def print_rounds(name: str, rounds: Sequence[Round]) -> None:
    """Latency, then cost and plumbing, of each round."""
    print(f"\n{name}: truth onset → gRPC client, ms")
    header = ["streams", "playing", "tentative p50", "p95", "p99", "committed p50", "p95", "p99"]
    header += ["unmatched", "F1", "taken back", "share", "unannounced"]
    rows: list[list[object]] = []
    for one in rounds:
        f = one.figures()
        row: list[object] = [one.streams, one.name, *_rounded(f.tentative_ms), *_rounded(f.committed_ms)]
        row += [f"{f.truth - f.matched} of {f.truth}", f.f1, f"{f.taken_back} of {f.tentative}"]
        rows.append([*row, f.taken_back_share, f.unannounced])
    print_table(header, rows)
    print(f"\n{name}: processor time per stream-second (cores per stream), and the plumbing: event made → there, ms")
    header = ["streams", "playing", "cores", *SERVER, "client", "events/s"]
    header += ["gRPC p50", "p95", "p99", "socket p50", "p95", "p99"]
    header += ["cadence changes", "chunk late p99", "drained s", "others' cores"]
    rows = []
    for one in rounds:
        rows.append([one.streams, one.name, one.cores(*SERVER), *(one.cores(p) for p in (*SERVER, "client"))])
        rows[-1].append(f"{one.events_a_second():.1f}")
        for socket in (False, True):
            rows[-1] += [f"{value:.1f}" for value in percentiles(one.plumbing_ms(socket=socket)).values()]
        rows[-1] += [one.cadence_changes(), f"{percentiles(one.late_ms())['p99']:.1f}"]
        rows[-1] += [f"{one.drained_s():.2f}", f"{one.usage.others_cores:.2f}"]
    print_table(header, rows)
    for one in rounds:
        for failure in one.failures:
            print(f"{one.streams} streams: a session failed: {failure}")
    held, is_all = streams_held(rounds)
    more = ", the most that was tried" if is_all else ""
    print(f"streams held within p95 ≤ {LIMIT_UNDER_LOAD_MS:.0f} ms: {held}{more}")


def round_facts(one: Round) -> dict[str, object]:
    """For the JSON line."""
    f = one.figures()
    return {
        "streams": one.streams,
        "playing": one.name,
        "transcriber": one.models,
        "tentative_ms": percentiles(f.tentative_ms),
        "committed_ms": percentiles(f.committed_ms),
        "timed": len(f.tentative_ms),
        "untimed": f.untimed,
        "truth": f.truth,
        "matched": f.matched,
        "f1": f.f1,
        "tentative": f.tentative,
        "taken_back": f.taken_back,
        "taken_back_share": f.taken_back_share,
        "unannounced": f.unannounced,
        "cores_per_stream": one.cores(*SERVER),
        "cores": {process: one.cores(process) for process in (*SERVER, "client")},
        "edge_and_nats_share": one.cores("edge", "nats") / max(1e-9, one.cores(*SERVER)),
        "cadence_changes": one.cadence_changes(),
        "events_a_second": one.events_a_second(),
        "plumbing_grpc_ms": percentiles(one.plumbing_ms(socket=False)),
        "plumbing_socket_ms": percentiles(one.plumbing_ms(socket=True)),
        "chunk_late_ms": percentiles(one.late_ms()),
        "drained_s": one.drained_s(),
        "others_cores": one.usage.others_cores,
        "failed": len(one.failures),
    }


def curve_of(rounds: Sequence[Round]) -> dict[int, Mapping[str, float]]:
    """By number of streams, rounds without company only: percentiles of tentative (ms), cores a stream, and the
    socket's plumbing (ms, "socket p50" and so on).
    """
    curve: dict[int, Mapping[str, float]] = {}
    for count in sorted({one.streams for one in rounds if not one.beside}):
        these = [one for one in rounds if one.streams == count and not one.beside]
        tentative = percentiles([ms for one in these for ms in one.figures().tentative_ms])
        plumbing = percentiles([ms for one in these for ms in one.plumbing_ms(socket=True)])
        cores = sum(one.cores(*SERVER) for one in these) / len(these)
        curve[count] = {**tentative, **{f"socket {p}": ms for p, ms in plumbing.items()}, "cores": cores}
    return curve


def _judged(played: Played) -> Figures:
    heard = [Heard(revised.note, at_s) for revised, at_s in notes_in(played.by_grpc)]
    return figures(played.material.truth, heard, played.material.length_s - LEAD_OUT_S)


def _fewer(rounds: Sequence[Round], streams: int) -> int:
    return max((one.streams for one in rounds if one.streams < streams), default=0)


def _rounded(values: Sequence[float]) -> list[str]:
    return [f"{value:.0f}" for value in percentiles(values).values()]
