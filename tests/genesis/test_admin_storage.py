"""The command that seals the stored recordings with a new key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from web_edge.app import open_audio_files
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


def rotate(data_dir: Path, *options: str) -> str:
    command = [sys.executable, "-m", "genesis", "admin", "storage", "rotate", *options]
    done = subprocess.run(
        command, env=os.environ | {"GENESIS_EDGE_DATA_DIR": str(data_dir)}, capture_output=True, text=True, check=True
    )
    return done.stdout


async def test_recordings_are_read_after_their_key_was_replaced(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    files = open_audio_files(settings)
    async with files.receive("a" * 32) as incoming:
        await incoming.write(b"RIFF music")
        await incoming.finish("a.wav")
    before = settings.keys.read_text().splitlines()[1]
    assert rotate(tmp_path).startswith("1 recordings are sealed with the new key ")
    assert settings.keys.read_text().splitlines()[2] == before
    assert "0 older keys are kept" in rotate(tmp_path, "--forget")
    assert before not in settings.keys.read_text()
    # The one that was open all the while reads on.
    assert b"".join([piece async for piece in files.pieces("a" * 32)]) == b"RIFF music"
