"""Where this installation keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def default_data_dir() -> Path:
    """`$GENESIS_DATA_DIR`, else `var/` at the root of a checkout, else `var/` here."""
    named = os.environ.get("GENESIS_DATA_DIR")
    if named:
        return Path(named)
    return (_ROOT if (_ROOT / "pyproject.toml").exists() else Path.cwd()) / "var"


def demo_dir(data_dir: Path) -> Path:
    return data_dir / "demo"


def default_ui_dir() -> Path:
    """Where `make` builds the page."""
    return _ROOT / "web_edge" / "ui" / "dist"
