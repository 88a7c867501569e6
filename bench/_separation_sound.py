"""What `bench separation` says of sound: how well stems come apart, how soon, and how a voice is told."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import av
import numpy as np
import onnx
import onnxruntime
import soxr
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bench._recordings import DATA, labelled
from bench._report import print_table
from inference.separation import WindowedSeparator
from inference.spectra import hann, spectrum_of
from inference.training.dataset import render_piece
from inference.training.recipes import VALIDATION
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ
from music.window_schedule import WindowSchedule
from orchestrator.auto_ear import LOOKS, VOICE_SHARE

RATE_HZ = 44_100
EXPECTED_DB = {"voice": 9.7, "rest": 15.1}
_FIRST_SEED = 1_090_000
_CHUNK = RATE_HZ // 50

Signal = NDArray[np.float32]


def read_stereo(path: Path) -> Signal:
    """Any audio file, f32[2, n] at 44.1 kHz."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", "stereo", RATE_HZ)
        blocks = [b.to_ndarray() for frame in container.decode(stream) for b in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1)


def sdr_db(true: Signal, found: Signal) -> float:
    """Energy of the true stem over that of the difference: SDR as the music demixing challenges define it."""
    return float(10 * np.log10(np.square(true).sum() / max(1e-12, np.square(true - found).sum())))


def separated(separator: WindowedSeparator, schedule: WindowSchedule, mix: Signal, chunk: int = 0) -> Signal:
    """The stem of a whole mix, in chunks of so many samples; 0 for all at once."""

    async def run() -> Signal:
        stream = separator.open_stream(schedule)
        step = chunk or mix.shape[1]
        out = [await stream.push(mix[:, begin : begin + step]) for begin in range(0, mix.shape[1], step)]
        return np.concatenate([*out, await stream.finish()], axis=1)

    return anyio.run(run)


def stems(separator: WindowedSeparator) -> dict[str, float]:
    """SDR of voice and rest by schedule, and what live chunks change."""
    folder = DATA / "stems" / "mallory"
    if not folder.exists():
        print("stems: left out, ../shared/data is not beside this checkout")
        return {}
    mix, voice, rest = (read_stereo(folder / f"{n}.mp3") for n in ("mix", "vocals_true", "accompaniment_true"))
    rows: list[list[object]] = []
    facts: dict[str, float] = {}
    schedules = {"file": separator.file_schedule}
    schedules |= {f"live {number}": s for number, s in enumerate(separator.live_schedules, start=1)}
    for name, schedule in schedules.items():
        found = separated(separator, schedule, mix)
        streamed = separated(separator, schedule, mix, _CHUNK) if name == "live 1" else found
        facts |= {f"{name} voice": sdr_db(voice, mix - found), f"{name} rest": sdr_db(rest, found)}
        off = float(np.abs(found - streamed).max())
        stated_s, cores = schedule.latency / RATE_HZ, separator.cores_of(schedule)
        rows.append([name, facts[f"{name} voice"], facts[f"{name} rest"], stated_s, cores, off])
    print("\nSDR in dB on 30 s of Mallory (voice is the mix less the rest), by window schedule")
    print_table(["schedule", "voice", "rest", "latency s", "cores", "streamed - whole"], rows)
    print(f"expected of Spleeter, within 0.2: voice {EXPECTED_DB['voice']}, rest {EXPECTED_DB['rest']}")
    return facts


def waiting(separator: WindowedSeparator) -> dict[str, float]:
    """How long a sample of a live stream waits for its stem, in 20 ms chunks: the stream's clock, computing on top."""
    rows: list[list[object]] = []
    facts: dict[str, float] = {}
    noise = 0.1 * np.random.default_rng(1).standard_normal((2, 6 * RATE_HZ)).astype(np.float32)
    for schedule in separator.live_schedules:

        async def run(schedule: WindowSchedule = schedule) -> tuple[list[float], list[float]]:
            stream, received, given = separator.open_stream(schedule), 0, 0
            waits, computing_ms = [], []
            for begin in range(0, noise.shape[1], _CHUNK):
                received += _CHUNK
                started = time.perf_counter()
                count = (await stream.push(noise[:, begin : begin + _CHUNK])).shape[1]
                if count:
                    computing_ms.append((time.perf_counter() - started) * 1e3)
                waits += [(received - sample) / RATE_HZ for sample in range(given, given + count, 441)]
                given += count
            return waits, computing_ms

        waits, computing_ms = anyio.run(run)
        stated = schedule.latency / RATE_HZ
        rows.append([str(schedule), stated, statistics.median(waits), max(waits), statistics.median(computing_ms)])
        facts[f"waits at most s, {schedule.hop}"] = max(waits)
    print("\nhow long a live sample waits (s; one chunk of 20 ms may come on top of what is stated; computing in ms)")
    print_table(["schedule", "stated", "median", "most", "computing"], rows)
    return facts


def voices(separator: WindowedSeparator, pieces: int) -> dict[str, float]:
    """The share that `auto` decides by, with and without a voice, and what it would choose."""
    with_voice, without = list(_with_voice()), list(_without_voice(pieces))
    rows, worst = [], {"without": 0.0, "with": 1.0}
    wrong = {"without": 0, "with": 0}
    for kind, signals in (("without", without), ("with", with_voice)):
        for name, signal in signals:
            looks = [look for look in LOOKS if look.at * 2 <= signal.shape[1]] or [LOOKS[-1]]
            shares = [
                anyio.run(separator.voice_share, _before(signal, look.at * 2, separator.look_samples)) for look in looks
            ]
            chosen = next((p for p in zip(looks, shares, strict=True) if p[1] >= p[0].voice_share), None)
            decided = max(shares) if chosen is None else chosen[1]
            worst[kind] = max(worst[kind], decided) if kind == "without" else min(worst[kind], decided)
            wrong[kind] += (chosen is not None) != (kind == "with")
            if not name.startswith("rendered"):
                at_s = "" if chosen is None else f"{chosen[0].at / SAMPLE_RATE_HZ:.1f}"
                rows.append([f"{name}, {kind} a voice", decided, "off" if chosen is None else "vocals_removed", at_s])
    print(f"\nauto: share of the energy that is voice, where it decides (from {VOICE_SHARE} on somebody sings)")
    print_table(["mix", "share", "chosen", "at s"], rows)
    print(
        f"{len(without)} without a voice, {wrong['without']} heard as one, largest share {worst['without']:.4f}; "
        f"{len(with_voice)} with, {wrong['with']} missed, smallest share {worst['with']:.4f}"
    )
    return {
        "without_voice": len(without),
        "without_voice_wrong": wrong["without"],
        "without_voice_largest": worst["without"],
        "with_voice": len(with_voice),
        "with_voice_wrong": wrong["with"],
        "with_voice_smallest": worst["with"],
    }


def transforms() -> dict[str, float]:
    """One spectrogram beside a graph and as convolutions in one: milliseconds for a window of 64 frames."""
    frame, hop, count = 4_096, 1_024, 64
    signal = np.random.default_rng(0).standard_normal((2, (count - 1) * hop + frame)).astype(np.float32)
    turns = np.arange(frame)[None] * np.arange(frame // 2)[:, None] * (-2j * np.pi / frame)
    waves = (np.exp(turns) * hann(frame)).astype(np.complex64)
    bank = np.concatenate([waves.real, waves.imag])[:, None]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["signal", "bank"], ["spectrum"], strides=[hop])],
        "transform",
        [helper.make_tensor_value_info("signal", TensorProto.FLOAT, [2, 1, signal.shape[1]])],
        [helper.make_tensor_value_info("spectrum", TensorProto.FLOAT, [2, frame, count])],
        [numpy_helper.from_array(np.ascontiguousarray(bank, np.float32), "bank")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx.ModelProto.SerializeToString(model), options, providers=["CPUExecutionProvider"]
    )
    facts = {
        "beside_ms": _median_ms(lambda: spectrum_of(signal, frame, hop)),
        "inside_ms": _median_ms(lambda: session.run(None, {"signal": signal[:, None]})),
    }
    print(
        f"\nspectrogram of 64 frames, both sides, one thread: beside the graph {facts['beside_ms']:.1f} ms, "
        f"as convolutions in it {facts['inside_ms']:.1f} ms"
    )
    return facts


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        begun = time.thread_time()
        work()
        times.append((time.thread_time() - begun) * 1e3)
    return statistics.median(times)


def _before(signal: Signal, end: int, length: int) -> Signal:
    piece = signal[:, max(0, end - length) : end]
    return np.pad(piece, ((0, 0), (length - piece.shape[1], 0)))


def _both_sides(samples: Signal, rate_hz: int) -> Signal:
    mono = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ)
    return np.stack([mono, mono]).astype(np.float32)


def _without_voice(pieces: int) -> Iterator[tuple[str, Signal]]:
    for recording in labelled()[0]:
        yield recording.name, _both_sides(*recording.read())
    for name in ("mixes/choice_drum_bass.ogg", "stems/mallory/accompaniment_true.mp3"):
        if (DATA / name).exists():
            yield name, read_stereo(DATA / name)
    library = SoundLibrary(default_sounds_dir())
    recipe = replace(VALIDATION, duration_s=13.0)
    for seed in range(_FIRST_SEED, _FIRST_SEED + pieces):
        piece = render_piece(recipe, seed, library)
        yield "rendered", _both_sides(piece.samples, 22_050)


def _with_voice() -> Iterator[tuple[str, Signal]]:
    """The song with a voice, cut every seven seconds where the voice's own stem is loud; and voices over guitars."""
    folder = DATA / "stems" / "mallory"
    if not folder.exists():
        return
    mix, voice = (read_stereo(folder / f"{n}.mp3") for n in ("mix", "vocals_true"))
    yield "mallory mix", mix
    solo = read_stereo(DATA / "voice/vocadito_10.wav")
    yield "vocadito, solo", solo
    for recording in labelled()[0]:
        guitar = _both_sides(*recording.read())
        for level_db in (-12, -6, 0, 6):
            for name, sung in (("mallory's voice", voice[:, 3 * RATE_HZ :]), ("vocadito", solo)):
                yield f"{recording.name} + {name} {level_db:+d} dB", under(guitar, sung, level_db)


def under(signal: Signal, other: Signal, level_db: float) -> Signal:
    """`signal` with `other` (over and over) at a level, RMS against RMS; within ±1."""
    repeated = np.tile(other, (1, -(-signal.shape[1] // other.shape[1])))[:, : signal.shape[1]]
    own, its = (float(np.sqrt(np.mean(np.square(s, dtype=np.float64)))) for s in (signal, repeated))
    mixed = signal + repeated * np.float32(own / max(its, 1e-9) * 10 ** (level_db / 20))
    return np.asarray(mixed * min(1.0, 0.98 / float(np.abs(mixed).max())), np.float32)
