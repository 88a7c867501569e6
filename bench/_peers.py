"""The programs we compare with, in an environment of their own: their dependencies must not touch ours."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from bench._scoring import PlainNote

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "bench" / "peers-requirements.txt"
FOLDER = ROOT / "var" / "bench-peers"


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


def stock_notes(audio: Path) -> list[PlainNote]:
    """The notes that the stock command finds.

    Raises:
        PeersAbsentError: see `peers_bin`.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = stock_command(audio, Path(folder))
        command.insert(1, "--save-note-events")
        subprocess.run(command, capture_output=True, check=True)
        (found,) = Path(folder).glob("*.csv")
        # A row ends in as many pitch bends as the note has frames, so rows are longer than the header.
        rows = list(csv.reader(found.read_text(encoding="utf-8").splitlines()))[1:]
    return sorted(PlainNote(float(row[0]), float(row[1]), int(row[2])) for row in rows)
