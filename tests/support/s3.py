"""A server that speaks S3, on a free port of this machine, for the length of a test run."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.stack import wait_until

BUCKET = "genesis-test"
_PYTHON = Path(__file__).resolve().parents[2] / ".venv-s3" / "bin" / "python"
_RUNS = re.compile(r"Running on (http://\S+)")
_START_S = 60.0


@contextmanager
def running_s3() -> Iterator[str]:
    """Its address, with an empty bucket; skips where none is installed."""
    if not _PYTHON.exists():
        pytest.skip("no server that speaks S3 here: run `make s3-environment` (CI does)")
    command = [str(_PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with tempfile.NamedTemporaryFile("r") as log, open(log.name, "w") as written:  # noqa: PTH123 - its name
        server = subprocess.Popen(command, stdout=written, stderr=written)
        try:
            said = Path(log.name)
            wait_until(lambda: _RUNS.search(said.read_text()) is not None, _START_S, lambda: said.read_text())
            found = _RUNS.search(said.read_text())
            assert found is not None
            yield found[1]
        finally:
            server.kill()
            server.wait()


def empty_bucket(address: str) -> None:
    """Have `BUCKET` anew, with nothing in it."""
    httpx.post(f"{address}/moto-api/reset").raise_for_status()
    httpx.put(f"{address}/{BUCKET}").raise_for_status()


def environment(address: str) -> dict[str, str]:
    """What tools that speak S3 read."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
