"""Many callers in one light process: recordings out in real time, arrival times back.

Requests are made before the start and answers are read after the end, so that in between the process only copies bytes
and looks at the clock.
"""

from __future__ import annotations

import asyncio
import json
import time
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import grpc.aio
from google.protobuf import json_format
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench._recordings import Recording
from bench._scoring import PlainNote
from genesis.pacing import CHUNK_S
from music.events import AudioEncoding, AudioFormat, NoteRevised, SessionConfig, SessionEvent, SessionFailed
from music.tuning import Instrument
from wire.codec import decode_event
from wire.config_codec import encode_config
from wire.gen.genesis.v1 import audio_pb2, event_pb2
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2

_METHOD = "/genesis.v1.TranscriptionService/StreamTranscribe"
# Callers in different places share no connection.
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Material:
    """What a caller plays: the requests of a whole session, the first one the configuration, then 20 ms each."""

    name: str
    truth: list[PlainNote]
    length_s: float
    requests: list[bytes]


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event and when it was there: seconds since the session's first sample, and Unix time."""

    event: SessionEvent
    at_s: float
    unix_ns: int

    @property
    def age_ms(self) -> float:
        """Since the event was made."""
        return (self.unix_ns - self.event.created_at_ns) / 1e6


@dataclass(slots=True)
class Played:
    """One session as its caller saw it.

    Attributes:
        by_grpc, by_socket: the same events on both ways; the socket's from its first frame that is not history.
        late_s: how long after its time each chunk was sent; large values are the client's fault, or its machine's.
        drained_s: from the last chunk to the session's end.
        failure: why the session did not complete, or "".
    """

    material: Material
    by_grpc: list[Arrived] = field(default_factory=list)
    by_socket: list[Arrived] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    drained_s: float = 0.0
    failure: str = ""


def material_of(recording: Recording, length_s: float) -> Material:
    """The first `length_s` of a mono 16-bit WAV, at its own rate."""
    with wave.open(str(recording.audio)) as file:
        rate, chunk = file.getframerate(), round(file.getframerate() * CHUNK_S)
        pcm = file.readframes(min(file.getnframes(), round(length_s * rate)))
    size = 2 * chunk
    audio = AudioFormat(AudioEncoding.PCM_S16LE, rate, 1)
    config = service_pb2.StreamTranscribeRequest(
        config=encode_config(SessionConfig(audio, Instrument(recording.tuning)))
    )
    chunks = (
        service_pb2.StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=pcm[at : at + size]))
        for at in range(0, len(pcm), size)
    )
    played_s = len(pcm) / 2 / rate
    truth = [note for note in recording.truth if note.onset_s < played_s]
    return Material(recording.name, truth, played_s, [message.SerializeToString() for message in (config, *chunks)])


async def play(server: str, socket_url: str, materials: Sequence[Material], spread_s: float) -> list[Caller]:
    """Play every material at once, one session and one follower's socket each; ask each caller for `played`.

    Args:
        server: host:port of the gRPC service.
        socket_url: of the edge's `/ws`.
        materials: one a stream.
        spread_s: streams begin at different moments within this time; guitarists do not start together.
    """
    callers = [Caller(material) for material in materials]
    golden = 0.618034  # multiples of it modulo 1 are spread evenly however many there are
    begins = [(number * golden) % 1.0 * spread_s for number in range(len(callers))]
    async with asyncio.TaskGroup() as group:
        for caller, begin_s in zip(callers, begins, strict=True):
            group.create_task(caller.run(server, socket_url, begin_s))
    return callers


class Caller:
    """One session: gRPC both ways, and a socket of the edge that follows it."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._start_s = 0.0
        self._answers: list[tuple[float, int, bytes]] = []
        self._frames: list[tuple[float, int, str | bytes]] = []
        self._late_s: list[float] = []
        self._sent_s = 0.0
        self._ended_s = 0.0
        self._failure = ""
        self._begun = asyncio.Event()

    async def run(self, server: str, socket_url: str, begin_s: float) -> None:
        await asyncio.sleep(begin_s)
        async with connect(socket_url) as socket:
            following = asyncio.create_task(self._follow(socket))
            try:
                async with asyncio.timeout(self._material.length_s + _PATIENCE_S):
                    await self._call(server)
                    self._ended_s = time.monotonic()
                    if not self._failure:
                        await following
            except TimeoutError:
                self._failure = self._failure or f"not over {_PATIENCE_S:.0f} s after the last chunk"
            finally:
                following.cancel()
                await asyncio.wait([following])

    async def _call(self, server: str) -> None:
        async with grpc.aio.insecure_channel(server, options=_OWN_CONNECTION) as channel:
            await asyncio.wait_for(channel.channel_ready(), _PATIENCE_S)
            call = channel.stream_stream(_METHOD, None, None)(self._requests())
            try:
                async for answer in call:
                    self._answers.append((time.monotonic(), time.time_ns(), answer))
                    self._begun.set()
            except grpc.aio.AioRpcError as error:
                self._failure = f"{error.code().name}: {error.details()}"

    async def _requests(self) -> AsyncIterator[bytes]:
        """Every chunk when a microphone would have recorded all of it, counted from the start: no error adds up."""
        config, *chunks = self._material.requests
        self._start_s = time.monotonic()
        yield config
        for number, chunk in enumerate(chunks, 1):
            due_s = self._start_s + min(number * CHUNK_S, self._material.length_s)
            if (early_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            self._late_s.append(time.monotonic() - due_s)
            yield chunk
        self._sent_s = time.monotonic()

    async def _follow(self, socket: ClientConnection) -> None:
        await self._begun.wait()
        first = service_pb2.StreamTranscribeResponse.FromString(self._answers[0][2])
        await socket.send(json.dumps({"type": "subscribe:job", "id": first.event.session_id}))
        try:
            async for frame in socket:
                self._frames.append((time.monotonic(), time.time_ns(), frame))
                if '"job:' in str(frame)[:30]:
                    return
        except ConnectionClosed as error:
            self._failure = f"the socket broke: {error}"

    def played(self) -> Played:
        """What came, read at last."""
        played = Played(self._material, late_s=self._late_s, failure=self._failure)
        played.drained_s = self._ended_s - self._sent_s
        for at_s, unix_ns, answer in self._answers:
            message = service_pb2.StreamTranscribeResponse.FromString(answer)
            played.by_grpc.append(Arrived(decode_event(message.event), at_s - self._start_s, unix_ns))
        live_ns = self._frames[0][1] if self._frames else 0
        for at_s, unix_ns, frame in self._frames:
            event = _event_of(frame)
            # What was made before the first frame came is history that was fetched, not news that travelled.
            if event is not None and event.created_at_ns > live_ns:
                played.by_socket.append(Arrived(event, at_s - self._start_s, unix_ns))
        failed = next((a.event.payload for a in played.by_grpc if isinstance(a.event.payload, SessionFailed)), None)
        if failed is not None:
            played.failure = f"{failed.reason.value}: {failed.message}"
        return played


def notes_in(arrived: Sequence[Arrived]) -> list[tuple[NoteRevised, float]]:
    """The note events and when they were there."""
    return [(a.event.payload, a.at_s) for a in arrived if isinstance(a.event.payload, NoteRevised)]


def _event_of(frame: str | bytes) -> SessionEvent | None:
    """None for heartbeats and errors."""
    members = json.loads(frame).get("event")
    if members is None:
        return None
    return decode_event(json_format.ParseDict(members, event_pb2.SessionEvent()))
