"""A bucket to store recordings in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.s3 import BUCKET, empty_bucket, environment, running_s3


@pytest.fixture(scope="package")
def s3_server() -> Iterator[str]:
    with running_s3() as address:
        yield address


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting that names a folder of an empty bucket; its server and keys stand in the environment."""
    empty_bucket(s3_server)
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/recordings"
