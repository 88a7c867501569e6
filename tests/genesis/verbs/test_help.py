"""The command's face: quick, and complete."""

from __future__ import annotations

import time

import pytest

from tests.support.command import genesis

HEAVY = ("numpy", "grpc", "onnxruntime", "av", "soxr", "rich.console", "anyio", "google.protobuf")


@pytest.mark.parametrize(
    "verb",
    [
        "serve",
        "transcribe",
        "arrange",
        "bars",
        "stream",
        "models list",
        "models build",
        "models verify",
        "doctor",
        "demo build",
    ],
)
def test_every_verb_explains_itself(verb: str) -> None:
    done = genesis(*verb.split(), "--help")
    assert done.status == 0
    assert "Usage:" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    done = genesis("--help", environment={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "genesis.cli" in loaded
    assert not loaded.intersection(HEAVY)


def test_help_is_quick() -> None:
    def once() -> float:
        begin = time.perf_counter()
        genesis("--help")
        return time.perf_counter() - begin

    # 0.3 s when the machine has nothing else to do; it usually has.
    assert min(once() for _ in range(3)) < 1.5
