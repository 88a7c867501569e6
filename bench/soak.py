"""Hours of audio and a thousand sessions, with an eye on memory. `python -m bench.soak`, `make soak`.

One session takes two hours of audio as fast as it is accepted (`--real-time`: as a microphone would give it), and 1 000
short ones follow; a whole stack of real processes, a socket of the edge beside each session. Exit status 1 when the
memory of a judged process is not within 5 % of its baseline at the end, or a session failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench._flatness import TOLERANCE, Course, courses_of, returned
from bench._processes import Memory, load_of_the_machine, memory_of
from bench._recordings import demo
from bench._report import print_json, print_table
from bench.idle import settled
from genesis.pacing import CHUNK_S
from music.events import AudioEncoding, AudioFormat, SessionConfig
from music.tuning import Instrument
from tests.support.stack import Stack, running_stack
from wire.config_codec import encode_config
from wire.gen.genesis.v1 import audio_pb2
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

JUDGED = ("orchestrator", "edge")
"""nats caches what it likes of its streams and the supervisor does nothing: both are printed only."""
LOOKS = 60
SHORT_S, AT_ONCE = 2.0, 4
WARM_UP_SHARE, WARM_UP_MOST = 0.2, 100
FAST_CHUNK_S = 1.0
_PATIENCE_S = 60.0
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(slots=True)
class Caller:
    """Sessions of one stack: what is played, over and over, and what became of it.

    Attributes:
        notes: note events that came by gRPC; `frames` those of the sockets.
        failures: why sessions did not complete.
    """

    stack: Stack
    transcriber: str = ""
    notes: int = 0
    frames: int = 0
    failures: list[str] = field(default_factory=list)
    _pcm: bytes = field(init=False)
    _rate_hz: int = field(init=False)

    def __post_init__(self) -> None:
        samples, self._rate_hz = demo().read()
        self._pcm = np.round(samples * 32767).astype("<i2").tobytes()

    async def session(self, length_s: float, *, real_time: bool = False) -> AsyncIterator[float]:
        """One session; yields how much has been accepted, in seconds, whenever the log says so."""
        socket_url = self.stack.edge_url.replace("http", "ws", 1).rstrip("/") + "/ws"
        accepted_s, is_completed = 0.0, False
        async with (
            grpc.aio.insecure_channel(self.stack.grpc_address, options=_OWN_CONNECTION) as channel,
            connect(socket_url, max_queue=64) as socket,
        ):
            stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
            following: asyncio.Task[None] | None = None
            try:
                async for answer in stub.StreamTranscribe(self._requests(length_s, real_time=real_time)):
                    event = answer.event
                    following = following or asyncio.create_task(self._follow(socket, event.session_id))
                    self.notes += event.HasField("note")
                    if event.HasField("progress"):
                        accepted_s = event.progress.received_until_s
                        yield accepted_s
                    is_completed = is_completed or event.HasField("ended")
            except grpc.aio.AioRpcError as error:
                self.failures.append(f"{error.code().name}: {error.details()}")
                return
            if not is_completed or abs(accepted_s - length_s) > CHUNK_S:
                self.failures.append(f"ended after {accepted_s:.1f} of {length_s:.1f} s")
            if following is not None:
                await asyncio.wait([following], timeout=_PATIENCE_S)
                if not following.done():
                    self.failures.append("the socket never heard of the end")
                    following.cancel()

    async def _follow(self, socket: ClientConnection, session_id: str) -> None:
        await socket.send(json.dumps({"type": "subscribe:job", "id": session_id}))
        async for frame in socket:
            self.frames += 1
            if _is_last(json.loads(frame)):
                return

    async def _requests(
        self, length_s: float, *, real_time: bool
    ) -> AsyncIterator[service_pb2.StreamTranscribeRequest]:
        audio = AudioFormat(AudioEncoding.PCM_S16LE, self._rate_hz, 1)
        config = SessionConfig(audio, Instrument(), transcriber=self.transcriber)
        yield service_pb2.StreamTranscribeRequest(config=encode_config(config))
        begun_s, sent_s = time.monotonic(), 0.0
        for chunk in self._chunks(length_s, CHUNK_S if real_time else FAST_CHUNK_S):
            sent_s += len(chunk) / 2 / self._rate_hz
            if real_time and (early_s := begun_s + sent_s - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            yield service_pb2.StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=chunk))

    def _chunks(self, length_s: float, chunk_s: float) -> Iterator[bytes]:
        """The demo piece over and over."""
        left, size, at = 2 * round(length_s * self._rate_hz), 2 * round(chunk_s * self._rate_hz), 0
        while left > 0:
            chunk = self._pcm[at : at + min(size, left)]
            at = (at + len(chunk)) % len(self._pcm)
            left -= len(chunk)
            yield chunk


def _is_last(frame: Mapping[str, Any]) -> bool:
    """Whether nothing follows; who comes late gets a snapshot that says so."""
    snapshot = frame.get("event", {}).get("snapshot", {})
    return frame["type"] in ("job:complete", "job:error") or bool({"ended", "failed"} & snapshot.keys())


def main(arguments: Sequence[str] = ()) -> int:
    """Run both parts, print tables and the JSON line; 1 when memory is not flat or a session failed."""
    wish = _parse(arguments)
    print(load_of_the_machine(), flush=True)
    with running_stack(environment={**os.environ}) as stack:
        caller = Caller(stack, wish.transcriber)
        long_looks, long_wall_s = asyncio.run(_one_long(caller, wish.minutes * 60, real_time=wish.real_time))
        speed = wish.minutes * 60 / long_wall_s
        _say(f"one session of {wish.minutes:g} minutes, {speed:.1f}× real time", courses_of(long_looks))
        begun_s = time.monotonic()
        before, after = asyncio.run(_many_short(caller, wish.sessions))
        _say(f"{wish.sessions} sessions of {SHORT_S:g} s, {AT_ONCE} at a time", returned(before, after))
        short_wall_s = time.monotonic() - begun_s
    for failure in dict.fromkeys(caller.failures):
        print(f"{caller.failures.count(failure)} sessions failed: {failure}")
    grown = _grown(courses_of(long_looks), "one long session") + _grown(returned(before, after), "many short sessions")
    print("\n".join(grown) if grown else f"flat: no judged process grew by more than {TOLERANCE:.0%}")
    print_json(
        "soak",
        minutes=wish.minutes,
        real_time=wish.real_time,
        times_real_time=speed,
        notes=caller.notes,
        frames=caller.frames,
        long_pss_mib={name: [round(look[name].pss, 1) for look in long_looks] for name in long_looks[0]},
        long_growth={name: course.growth for name, course in courses_of(long_looks).items()},
        sessions=wish.sessions,
        sessions_a_second=wish.sessions / short_wall_s,
        short_pss_mib={name: [before[name].pss, after[name].pss] for name in before},
        short_growth={name: course.growth for name, course in returned(before, after).items()},
        failed=len(caller.failures),
        flat=not grown,
    )
    return 1 if grown or caller.failures else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="of audio in the long session; 120 unless told")
    parser.add_argument("--sessions", type=int, help="short ones; 1000 unless told")
    parser.add_argument(
        "--quick", action="store_true", help="5 minutes and 30 sessions: a trial, too short to prove much"
    )
    parser.add_argument("--real-time", action="store_true", help="the long session as a microphone would give it")
    parser.add_argument("--transcriber", default="", metavar="NAME", help="instead of the default one")
    wish = parser.parse_args(arguments)
    wish.minutes = wish.minutes or (5.0 if wish.quick else 120.0)
    wish.sessions = wish.sessions or (30 if wish.quick else 1000)
    return wish


async def _one_long(caller: Caller, length_s: float, *, real_time: bool) -> tuple[list[Mapping[str, Memory]], float]:
    """Looks at even distances of audio, and the time it took."""
    looks: list[Mapping[str, Memory]] = []
    begun_s = time.monotonic()
    async for accepted_s in caller.session(length_s, real_time=real_time):
        if accepted_s >= (len(looks) + 1) / LOOKS * length_s:
            looks.append(await asyncio.to_thread(memory_of, caller.stack.pids))
    return looks, time.monotonic() - begun_s


async def _many_short(caller: Caller, count: int) -> tuple[Mapping[str, Memory], Mapping[str, Memory]]:
    """Memory at rest after a few sessions that warm up, and after `count` more."""
    await _short(caller, min(WARM_UP_MOST, max(AT_ONCE, round(WARM_UP_SHARE * count))))
    before = await asyncio.to_thread(settled, caller.stack)
    await _short(caller, count)
    return before, await asyncio.to_thread(settled, caller.stack)


async def _short(caller: Caller, count: int) -> None:
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            async for _accepted_s in caller.session(SHORT_S):
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


def _say(title: str, courses: Mapping[str, Course]) -> None:
    print(f"\n{title}")
    rows: list[list[object]] = [
        [name, *(f"{mib:.1f}" for mib in (c.baseline, c.end, c.highest, c.rss_end)), f"{c.growth:+.1%}"]
        for name, c in courses.items()
    ]
    print_table(["process", "PSS MiB, baseline", "at the end", "highest", "RSS MiB, end", "growth"], rows)


def _grown(courses: Mapping[str, Course], when: str) -> list[str]:
    return [
        f"NOT FLAT: {name} grew by {courses[name].growth:.1%} over {when}"
        for name in JUDGED
        if not courses[name].is_flat
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
