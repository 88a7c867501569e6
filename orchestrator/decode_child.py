"""Decodes one file in a process of its own: `python -m orchestrator.decode_child MAX_DURATION_S CPU_S MEMORY_BYTES`.

The file is standard input (a real file, so that it can be sought; it has no name a playlist could refer to). Standard
output gets one JSON line (`sample_rate_hz`, `channel_count`, `duration_s` or null), then interleaved f32le PCM. What
goes wrong is one JSON line on standard error (`reason`, `message`) and exit status 3; PCM written before it is good.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from music.errors import GenesisError, InvalidInput, Reason
from orchestrator.audio_limits import check_rate_and_channels
from orchestrator.container_headers import Container, identify

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_WRITE_BYTES = 1 << 16
_CODECS = ("pcm_", "adpcm_", "flac", "vorbis", "opus", "mp3", "aac", "alac")
_SLACK_S = 0.25
"""Encoders pad and prime; a file that is shorter than its header says by more than this was cut."""


def main(arguments: list[str]) -> int:
    """Exit status: 0 decoded, 3 the file is at fault."""
    max_duration_s, cpu_s, memory_bytes = float(arguments[0]), int(arguments[1]), int(arguments[2])
    _limit_resources(cpu_s, memory_bytes)
    try:
        with os.fdopen(0, "rb", closefd=False) as source, os.fdopen(1, "wb", closefd=False) as sink:
            _decode(source, sink, max_duration_s)
    except GenesisError as error:
        _report(error.reason, error.message)
    except MemoryError:
        _report(Reason.AUDIO_UNREADABLE, "Decoding this file takes more memory than it may.")
    except BrokenPipeError:
        # Whoever asked has gone.
        return 0
    else:
        return 0
    return 3


def _report(reason: Reason, message: str) -> None:
    sys.stderr.write(json.dumps({"reason": reason.value, "message": message}) + "\n")


def _limit_resources(cpu_s: int, memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _decode(source: BinaryIO, sink: BinaryIO, max_duration_s: float) -> None:
    kind = identify(source, os.fstat(source.fileno()).st_size)
    if kind.empty:
        raise InvalidInput(Reason.AUDIO_EMPTY, "The file holds no samples.")
    source.seek(0)
    # Imported late: the limits must stand before any decoder is loaded.
    import av

    try:
        opened = av.open(
            source, format=kind.demuxer, options={"protocol_whitelist": "none"}, io_open=_refuse, buffer_size=1 << 17
        )
    except (av.error.FFmpegError, ValueError, EOFError) as error:
        raise _unreadable(kind, "it cannot be opened") from error
    with cast("InputContainer", opened) as container:
        streams = container.streams.audio
        if not streams:
            raise InvalidInput(Reason.AUDIO_UNREADABLE, "The file has no audio track.")
        _pump(container, streams[0], kind, sink, max_duration_s)


def _refuse(url: str, _flags: int, _options: dict[str, str]) -> BinaryIO:
    raise PermissionError(f"a file may not open others: {url}")


def _pump(
    container: InputContainer, stream: AudioStream, kind: Container, sink: BinaryIO, max_duration_s: float
) -> None:
    import av

    context = stream.codec_context
    if not context.name.startswith(_CODECS):
        raise InvalidInput(Reason.ENCODING_UNSUPPORTED, f"Audio coded as {context.name} is not taken.")
    check_rate_and_channels(context.sample_rate, context.channels)
    declared_s = _declared_duration_s(container, stream)
    _check_duration(declared_s or 0.0, max_duration_s)
    rate_hz, channels = context.sample_rate, context.channels
    header = {"sample_rate_hz": rate_hz, "channel_count": channels, "duration_s": declared_s}
    sink.write(json.dumps(header).encode() + b"\n")
    to_float = av.AudioResampler(format="flt", layout=context.layout, rate=rate_hz)
    frames_out = 0
    waiting = bytearray()
    for frame in _frames(container, stream, kind):
        for converted in to_float.resample(frame):
            waiting += memoryview(converted.planes[0])[: converted.samples * channels * 4]
            frames_out += converted.samples
        if len(waiting) >= _WRITE_BYTES:
            _check_duration(frames_out / rate_hz, max_duration_s)
            sink.write(waiting)
            waiting.clear()
    sink.write(waiting)
    sink.flush()
    _check_length(kind, frames_out / rate_hz, declared_s)


def _check_length(kind: Container, decoded_s: float, declared_s: float | None) -> None:
    exact = kind.demuxer in ("flac", "mov") and declared_s is not None and decoded_s < declared_s - _SLACK_S
    if kind.truncated or exact:
        raise _truncated(decoded_s)
    if decoded_s == 0:
        raise InvalidInput(Reason.AUDIO_EMPTY, "The file holds no samples.")


def _check_duration(duration_s: float, max_duration_s: float) -> None:
    if duration_s > max_duration_s:
        raise InvalidInput(
            Reason.AUDIO_TOO_LONG, f"The audio is longer than the {max_duration_s / 60:.0f} minutes taken at once."
        )


def _declared_duration_s(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1_000_000


def _frames(container: InputContainer, stream: AudioStream, kind: Container) -> Iterator[AudioFrame]:
    """Decoded frames. Tags before and behind the audio may look like broken packets and are passed over; a broken
    packet between good ones would shift everything behind it, so there the reading stops.
    """
    import av

    decoded = 0
    failed = False
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            frames = packet.decode()
        except (av.error.FFmpegError, EOFError, ValueError):
            failed = True
            continue
        if frames and failed and decoded:
            raise InvalidInput(Reason.AUDIO_UNREADABLE, "The file is damaged in the middle; what lay before was read.")
        decoded += len(frames)
        yield from frames
    if failed and not decoded:
        raise _unreadable(kind, "nothing in it can be decoded")


def _unreadable(kind: Container, what: str) -> InvalidInput:
    if kind.truncated:
        return _truncated(0.0)
    return InvalidInput(Reason.AUDIO_UNREADABLE, f"The file looks like {kind.demuxer}, but {what}; export it again.")


def _truncated(decoded_s: float) -> InvalidInput:
    return InvalidInput(
        Reason.AUDIO_TRUNCATED,
        f"The file ends before its header says; {decoded_s:.1f} s of it could be read. Copy it again.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
