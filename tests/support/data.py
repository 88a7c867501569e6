"""The labelled recordings that lie beside the checkout, never in it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """Path of a file in `../shared/data`; skips the calling test where that folder is absent."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{name}, which lies beside the checkout on the team's machines only")
    return path
