"""The recordings that benchmarks share."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bench._peers import ROOT
from bench._scoring import PlainNote, notes_of
from genesis.demo.build import build_demo
from genesis.paths import default_data_dir, demo_dir

DATA = ROOT.parent / "shared" / "data"
"""Lies beside the checkout on some machines; whoever needs it says so where it is absent."""
GUITARSET = DATA / "guitarset"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording with its truth; `kind` is what one must know to read a score on it."""

    name: str
    kind: str
    audio: Path
    truth: list[PlainNote]
    tuning: tuple[int, ...]
    is_rendered: bool = False

    def read(self) -> tuple[NDArray[np.float32], int]:
        """The samples, f32[n], mono, and their rate."""
        with wave.open(str(self.audio)) as file:
            channels, rate_hz = file.getnchannels(), file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
        return samples.mean(axis=1, dtype=np.float32) / np.float32(32_768), rate_hz


def labelled() -> tuple[list[Recording], list[str]]:
    """The recordings there are, and a line for each one that is not, saying why."""
    found, absent = [], []
    take = GUITARSET / "00_BN1-129-Eb_comp_mic.wav"
    if take.exists():
        kind = "real guitar; Basic Pitch was trained on it"
        found.append(_read("guitarset comp", kind, take, GUITARSET / "00_BN1-129-Eb_comp.json"))
    else:
        absent.append("guitarset comp: left out, ../shared/data is not beside this checkout")
    found.append(demo())
    return found, absent


def demo() -> Recording:
    """The product's demo piece, rendered when it is not there."""
    folder = demo_dir(default_data_dir())
    build_demo(folder)
    kind = "rendered from samples: exact truth, cleaner than life"
    return replace(_read("demo piece", kind, folder / "demo.wav", folder / "demo.json"), is_rendered=True)


def read_audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """Any audio file: f32[n], mono (the channels' mean), and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate_hz = int(stream.rate)
        planar = av.AudioResampler("fltp", stream.layout, rate_hz)
        blocks = [block.to_ndarray() for frame in container.decode(stream) for block in planar.resample(frame)]
    return np.concatenate(blocks, axis=1).mean(axis=0, dtype=np.float32), rate_hz


def write_looped(source: Path, target: Path, length_s: float) -> None:
    """A mono 16-bit WAV of `length_s`: `source` (16-bit WAV) over and over."""
    with wave.open(str(source)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)[:, 0]
    looped = np.resize(samples, round(length_s * rate))
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(looped.tobytes())


def _read(name: str, kind: str, audio: Path, truth: Path) -> Recording:
    document = json.loads(truth.read_text(encoding="utf-8"))
    return Recording(name, kind, audio, notes_of(document), tuple(document["tuning"]))
