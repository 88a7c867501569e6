"""`genesis models`, `genesis doctor` and `genesis demo build`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inference.registry import default_model_repo
from tests.support.command import genesis
from tests.support.samples import samples_dir

FREE = ("--server", "127.0.0.1:1", "--listen", "127.0.0.1:0")


@pytest.fixture
def empty_repo(tmp_path: Path) -> dict[str, str]:
    """A model repository whose models have not been built."""
    for config in default_model_repo().glob("*/config.pbtxt"):
        target = tmp_path / config.parent.name
        (target / "1").mkdir(parents=True)
        shutil.copy(config, target)
    return {"GENESIS_MODEL_REPO": str(tmp_path)}


def test_models_are_listed_and_verified() -> None:
    listed, verified = genesis("models", "list"), genesis("models", "verify")
    assert (listed.status, verified.status) == (0, 0)
    for name in ("basic_pitch", "guitar"):
        assert name in listed.stdout
        assert f"{name}: ok" in verified.stdout
    assert "ready" in listed.stdout
    assert "inference.training" in " ".join(listed.stdout.split()).replace(" │ ", "")


def test_models_that_are_missing_are_named(empty_repo: dict[str, str], tmp_path: Path) -> None:
    assert "MODEL_MISSING" in " ".join(genesis("models", "list", environment=empty_repo).stdout.split())
    verified = genesis("models", "verify", environment=empty_repo)
    assert (verified.status, verified.reason) == (1, "MODEL_MISSING")
    audio = tmp_path / "a.wav"
    audio.write_bytes(b"RIFF")
    for arguments, advice in (((), "git checkout -- "), (("--transcriber", "basic_pitch"), "genesis models build")):
        transcribed = genesis("transcribe", str(audio), *arguments, environment=empty_repo)
        assert (transcribed.status, transcribed.reason) == (4, "MODEL_MISSING")
        assert advice in transcribed.stderr


def test_doctor_is_content() -> None:
    done = genesis("doctor", *FREE)
    assert done.status == 0, done.stdout
    assert "basic_pitch" in done.stdout
    assert "nats-server" in done.stdout


def test_doctor_says_what_to_do(empty_repo: dict[str, str]) -> None:
    done = genesis("doctor", *FREE, environment=empty_repo)
    assert done.status == 1
    assert "MODEL_MISSING" in done.stdout
    assert "genesis models build" in done.stdout


def test_demo_is_built_where_told(tmp_path: Path) -> None:
    samples_dir()
    for expected in ("rendered into", "ready in"):
        done = genesis("demo", "build", "--out", str(tmp_path))
        assert (done.status, done.stdout) == (0, "")
        assert expected in done.stderr
    assert json.loads((tmp_path / "demo.json").read_text())["title"].startswith("Spanish Romance")


def test_a_demo_that_cannot_be_fetched_is_status_4(tmp_path: Path) -> None:
    no_npm = {"PATH": str(tmp_path), "GENESIS_DATA_DIR": str(tmp_path), "npm_config_registry": "http://127.0.0.1:1/"}
    done = genesis("demo", "build", environment={**no_npm, "npm_config_cache": str(tmp_path / "cache")})
    assert (done.status, done.reason) == (4, "DEMO_UNAVAILABLE"), done.stderr
    assert not (tmp_path / "demo").exists()
