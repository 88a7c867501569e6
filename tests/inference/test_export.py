"""Building a model: from a real wheel through real pip, with no network."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from inference.export.place import place_model
from inference.model_spec import read_model_spec
from inference.registry import build_models
from music.errors import Reason, Unavailable
from tests.inference.tiny_model import tiny_model, write_tiny_model

MEMBER = "tiny_wheel/net.onnx"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with the tiny model in it, in the only place where pip may look."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "tiny_wheel-1.0-py3-none-any.whl"
    about = "tiny_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, tiny_model())
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def write_source(tmp_path: Path, wheel: Path, **changes: str) -> Path:
    """A repository whose model comes from the wheel and has not been built."""
    source = {
        "source_wheel": "tiny-wheel==1.0",
        "source_wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "source_member": MEMBER,
        "sha256": hashlib.sha256(tiny_model()).hexdigest(),
    }
    return write_tiny_model(tmp_path / "repo", "basic_pitch", b"", parameters={**source, **changes})


def test_builds_from_the_wheel_and_then_has_nothing_to_do(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_source(tmp_path, wheel)
    lines: list[str] = []
    build_models(folder.parent, lines.append)
    assert (folder / "1" / "model.onnx").read_bytes() == tiny_model()
    assert lines == ["basic_pitch: fetching tiny-wheel==1.0", "basic_pitch: ready"]
    assert [path.name for path in (folder / "1").iterdir()] == ["model.onnx"]

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lines.clear()
    build_models(folder.parent, lines.append)
    assert lines == ["basic_pitch: ready"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source_wheel_sha256": "0" * 64}, Reason.MODEL_MISSING),
        ({"source_wheel": "tiny-wheel==2.0"}, Reason.MODEL_MISSING),
        ({"source_member": "tiny_wheel/other.onnx"}, Reason.MODEL_MISMATCH),
        ({"sha256": "0" * 64}, Reason.MODEL_MISMATCH),
    ],
    ids=["another wheel", "out of reach", "no such member", "another model"],
)
def test_a_failed_build_keeps_the_old_file(
    tmp_path: Path, wheel: Path, changes: dict[str, str], reason: Reason
) -> None:
    folder = write_source(tmp_path, wheel, **changes)
    old = folder / "1" / "model.onnx"
    old.write_bytes(b"the model of last week")
    with pytest.raises(Unavailable) as caught:
        build_models(folder.parent)
    assert caught.value.reason is reason
    assert caught.value.about["model"] == "basic_pitch"
    assert old.read_bytes() == b"the model of last week"
    assert list((folder / "1").iterdir()) == [old]


def test_a_model_nobody_can_build_says_so(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, "tiny", b"")
    with pytest.raises(Unavailable) as caught:
        build_models(tmp_path)
    assert caught.value.reason is Reason.MODEL_MISSING


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        place_model(spec, tiny_model())
    assert [path.name for path in spec.path.parent.iterdir()] == ["model.onnx"]
    assert spec.path.read_bytes() == tiny_model()
