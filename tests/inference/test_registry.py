"""The repository as `genesis models` sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from inference.model_spec import read_model_spec
from inference.onnx_runner import OnnxRunner
from inference.registry import build_models, default_model_repo, list_models, load_transcriber, verify_models
from music.errors import InvalidInput, Reason, Unavailable
from tests.inference.tiny_model import tiny_model, write_tiny_model
from tests.inference.tiny_streaming import write_tiny_streaming


def test_lists_what_is_ready_and_what_is_not(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, "good", parameters={"licence": "MIT"})
    write_tiny_model(tmp_path, "missing", b"")
    (write_tiny_model(tmp_path, "cut") / "1" / "model.onnx").write_bytes(tiny_model()[:100])
    (write_tiny_model(tmp_path, "odd") / "config.pbtxt").write_text("odd", encoding="utf-8")
    found = {status.name: status for status in list_models(tmp_path)}
    assert list(found) == ["cut", "good", "missing", "odd"]
    assert (found["good"].problem, found["good"].role, found["good"].licence) == (None, "transcriber", "MIT")
    reasons = {name: status.problem.reason for name, status in found.items() if status.problem is not None}
    assert reasons == {
        "cut": Reason.MODEL_MISMATCH,
        "missing": Reason.MODEL_MISSING,
        "odd": Reason.MODEL_MISMATCH,
    }


def test_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="GENESIS_MODEL_REPO") as caught:
        list_models(tmp_path / "nowhere")
    assert caught.value.reason is Reason.MODEL_MISSING


def test_the_environment_names_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESIS_MODEL_REPO", str(tmp_path))
    assert default_model_repo() == tmp_path


@pytest.mark.parametrize("name", ["nope", "../tiny", "tiny/../tiny", "x" * 5000])
def test_an_unknown_transcriber_is_refused_with_the_names_there_are(tmp_path: Path, name: str) -> None:
    write_tiny_model(tmp_path)
    write_tiny_model(tmp_path, "splitter", parameters={"role": "separator"})
    with pytest.raises(InvalidInput, match=r"There is: tiny\.") as caught:
        load_transcriber(name, tmp_path)
    assert caught.value.reason is Reason.TRANSCRIBER_UNKNOWN
    assert len(caught.value.message) < 200


def test_a_model_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, "basic_pitch", b"")
    with pytest.raises(Unavailable, match="genesis models build") as caught:
        load_transcriber("basic_pitch", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISSING


def test_the_default_is_the_guitars_and_comes_with_the_checkout(tmp_path: Path) -> None:
    folder = write_tiny_streaming(tmp_path, "guitar", b"", parameters={"committed": "true"})
    for doing in (lambda: load_transcriber("", tmp_path), lambda: build_models(tmp_path)):
        with pytest.raises(Unavailable, match="git checkout") as caught:
            doing()
        assert caught.value.reason is Reason.MODEL_MISSING
    (folder / "1" / "model.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(Unavailable, match="git checkout") as caught:
        build_models(tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH
    assert (folder / "1" / "model.onnx").read_bytes().startswith(b"version"), "nothing may touch a committed file"
    assert [check.remedy for check in verify_models(tmp_path)] == [f"git checkout -- {folder / '1' / 'model.onnx'}"]


def test_a_file_that_disagrees_with_its_configuration_says_where(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path, samples=512))
    with pytest.raises(Unavailable, match="audio") as caught:
        OnnxRunner(spec, threads=1)
    assert caught.value.reason is Reason.MODEL_MISMATCH
    config = write_tiny_model(tmp_path) / "config.pbtxt"
    config.write_text(config.read_text(encoding="utf-8").replace('"a"', '"alpha"'), encoding="utf-8")
    with pytest.raises(Unavailable, match="alpha"):
        OnnxRunner(read_model_spec(tmp_path / "tiny"), threads=1)


def test_verify_tells_the_good_from_the_bad(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, "good")
    write_tiny_model(tmp_path, "infinite", tiny_model(value=float("inf")))
    write_tiny_model(tmp_path, "no_model", b"this is no model")
    write_tiny_model(tmp_path, "other_length", samples=512)
    write_tiny_model(tmp_path, "other_rate", parameters={"sample_rate_hz": "8000"})
    write_tiny_streaming(tmp_path, "steps")
    write_tiny_streaming(tmp_path, "odd_steps", parameters={"step_samples": "100"})
    write_tiny_streaming(tmp_path, "odd_notes", parameters={"tracking_reach": "9"})
    write_tiny_streaming(tmp_path, "other_state", state=3)
    (write_tiny_model(tmp_path, "cut") / "1" / "model.onnx").write_bytes(tiny_model()[:100])
    checks = {check.name: check for check in verify_models(tmp_path)}
    for name in ("good", "steps"):
        assert checks[name].problem is None
        assert checks[name].providers
        assert checks[name].run_ms > 0
    for name, word in (
        ("infinite", "no numbers"),
        ("no_model", "cannot be loaded"),
        ("other_length", "512"),
        ("other_rate", "8000"),
        ("odd_steps", "whole number of frames"),
        ("odd_notes", "9"),
        ("other_state", "state"),
        ("cut", "100 bytes"),
    ):
        problem = checks[name].problem
        assert problem is not None
        assert problem.reason is Reason.MODEL_MISMATCH
        assert word in problem.message


def test_every_model_of_the_product_verifies(built_model_repo: Path) -> None:
    checks = verify_models(built_model_repo)
    assert [check.name for check in checks if check.problem is None] == [check.name for check in checks]
    assert {"basic_pitch", "guitar"} <= {check.name for check in checks}


def test_the_guitars_file_belongs_to_the_checkout_and_no_clean_takes_it() -> None:
    spec = read_model_spec(default_model_repo() / "guitar")
    assert spec.is_committed
    assert spec.path.stat().st_size <= 8 * 2**20
    ignored = subprocess.run(["git", "check-ignore", "-q", str(spec.path)], cwd=default_model_repo(), check=False)
    assert ignored.returncode == 1, "git must see it"
    root = default_model_repo().parent
    cleaned = subprocess.run(["make", "-n", "clean"], cwd=root, check=True, capture_output=True, text=True).stdout
    patterns = [word for word in cleaned.split() if word.startswith("model_repo/")]
    removed = {path for pattern in patterns for path in root.glob(pattern)}
    assert spec.path not in removed
    assert root / "model_repo" / "basic_pitch" / "1" / "model.onnx" in removed


def test_the_registry_can_be_imported_without_the_runtime() -> None:
    code = "import sys, inference.registry; sys.exit(any(m in sys.modules for m in ('onnxruntime', 'grpc', 'zipfile')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
