"""Quick looks at what has been built, without loading what it is."""

from __future__ import annotations

from pathlib import Path

from genesis.demo.piece import ROMANCE
from inference.registry import default_model_repo

WAV_NAME, TRUTH_NAME = "demo.wav", "demo.json"


def demo_is_built(folder: Path) -> bool:
    """Whether both files of the demo are there and newer than the tab they play."""
    typed = ROMANCE.stat().st_mtime
    return all((folder / name).exists() and (folder / name).stat().st_mtime >= typed for name in (WAV_NAME, TRUTH_NAME))


def models_are_built() -> bool:
    """Whether every model of the repository has a file; `genesis models verify` looks closer."""
    folders = [config.parent for config in default_model_repo().glob("*/config.pbtxt")]
    return bool(folders) and all(any(folder.glob("*/model.onnx")) for folder in folders)
