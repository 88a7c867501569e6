"""The programs we compare with, in an environment of their own: their dependencies must not touch ours."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import venv
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._scoring import PlainNote

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "bench" / "peers-requirements.txt"
FOLDER = ROOT / "var" / "bench-peers"


# What `basic_pitch.inference.predict` does, with the network run once for all settings.
_STOCK_SCRIPT = """
import json, pathlib, sys
from basic_pitch import FilenameSuffix, build_icassp_2022_model_path, note_creation
from basic_pitch.constants import AUDIO_SAMPLE_RATE, FFT_HOP
from basic_pitch.inference import Model, run_inference
model = Model(build_icassp_2022_model_path(FilenameSuffix.onnx))
folder, settings = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
shortest = round(127.70 / 1000 * AUDIO_SAMPLE_RATE / FFT_HOP)
found = [[] for _ in settings]
for path in sorted(folder.glob("*.wav")):
    output = run_inference(path, model)
    for notes, (onset, frame) in zip(found, settings):
        _, events = note_creation.model_output_to_notes(output, onset, frame, min_note_len=shortest)
        notes.append([[float(e[0]), float(e[1]), int(e[2])] for e in events])
(folder / "found.json").write_text(json.dumps(found))
"""


class PeersAbsentError(Exception):
    """The peers cannot be installed here; the message says why."""


def peers_bin() -> Path:
    """The folder of the peers' commands; installs them (500 MB, half a minute) when they are not there yet.

    The peers are pinned by hash, and what they say they need is not asked: stock Basic Pitch wants TensorFlow, which
    its ONNX network does without.

    Raises:
        PeersAbsentError: no index in reach, or no wheels for this Python.
    """
    commands = FOLDER / ("Scripts" if sys.platform == "win32" else "bin")
    stamp, wanted = FOLDER / "installed", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return commands
    print("installing the peers into var/bench-peers", file=sys.stderr)
    venv.create(FOLDER, clear=True, symlinks=sys.platform != "win32")
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(commands / "python")]
    install += ["--no-deps", "--require-hashes", "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PeersAbsentError(f"the peers could not be installed: {done.stderr.strip() or done.returncode}")
    stamp.write_text(wanted, encoding="utf-8")
    return commands


def stock_command(audio: Path, out: Path) -> list[str]:
    """The stock `basic-pitch` command at its defaults (onset 0.5, frame 0.3), on ONNX Runtime as we are; writes MIDI.

    Raises:
        PeersAbsentError: see `peers_bin`.
    """
    return [str(peers_bin() / "basic-pitch"), "--model-serialization", "onnx", str(out), str(audio)]


def stock_notes(
    signals: Sequence[tuple[NDArray[np.float32], int]], settings: Mapping[str, tuple[float, float]]
) -> dict[str, list[list[PlainNote]]]:
    """What the stock program's own Python finds offline in whole signals, all of them in one process.

    Args:
        signals: f32[n], mono, within ±1, and their rates in Hz.
        settings: by name, onset and frame threshold; everything else is as the stock command has it.

    Returns:
        By name of the setting, the notes of each signal by onset.

    Raises:
        PeersAbsentError: see `peers_bin`.
    """
    python = peers_bin() / "python"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (samples, rate_hz) in enumerate(signals):
            write_wav(folder / f"{number:05}.wav", samples, rate_hz)
        asked = json.dumps([[onset, frame] for onset, frame in settings.values()])
        command = [str(python), "-W", "ignore", "-c", _STOCK_SCRIPT, str(folder), asked]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PeersAbsentError(f"the stock program does not run here: {done.stderr.strip()[-300:]}")
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return {
        name: [sorted(PlainNote(*note) for note in notes) for notes in of_setting]
        for name, of_setting in zip(settings, found, strict=True)
    }


def write_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    """f32[n], mono, within ±1, as 16-bit PCM."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
