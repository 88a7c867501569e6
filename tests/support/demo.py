"""The product's own demo piece, built once per checkout: audio with exact truth that tests may always count on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEMO_DIR = ROOT / "var" / "demo"


@cache
def _built() -> Path:
    from genesis.demo.build import build_demo

    build_demo(DEMO_DIR)
    return DEMO_DIR


def demo_wav() -> Path:
    """44.1 kHz, mono, s16."""
    return _built() / "demo.wav"


def demo_truth() -> dict[str, Any]:
    """The notes as rendered, in the file schema."""
    truth: dict[str, Any] = json.loads((_built() / "demo.json").read_text())
    return truth
