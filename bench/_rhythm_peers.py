"""librosa's beat tracker, offline, in the peers' own environment."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._peers import PeersAbsentError, peers_bin, write_wav

_SCRIPT = """
import json, pathlib, sys
import librosa
folder = pathlib.Path(sys.argv[1])
found = []
for path in sorted(folder.glob("*.wav")):
    samples, rate_hz = librosa.load(path, sr=None)
    _, beats = librosa.beat.beat_track(y=samples, sr=rate_hz, units="time")
    found.append([float(beat) for beat in beats])
(folder / "found.json").write_text(json.dumps(found))
"""


def librosa_beats(signals: Sequence[tuple[NDArray[np.float32], int]]) -> list[NDArray[np.float64]]:
    """Beats in seconds that `librosa.beat.beat_track` finds at its defaults in whole signals.

    Args:
        signals: f32[n], mono, within ±1, and their rates in Hz.

    Raises:
        PeersAbsentError: the peers cannot be installed or do not run here.
    """
    python = peers_bin() / "python"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (samples, rate_hz) in enumerate(signals):
            write_wav(folder / f"{number:05}.wav", samples, rate_hz)
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", _SCRIPT, str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise PeersAbsentError(f"librosa does not run here: {done.stderr.strip()[-300:]}")
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return [np.asarray(beats, np.float64) for beats in found]
