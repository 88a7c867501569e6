"""`genesis bars`: other bars, the same notes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import genesis


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.json"
    entries = [{"id": f"n{i}", "onset_s": 0.5 + i * 0.5, "offset_s": 0.9 + i * 0.5, "pitch": 50} for i in range(24)]
    path.write_text(json.dumps({"schema": "genesis.transcription/1", "duration_s": 13.0, "notes": entries}))
    return path


def test_bars_are_where_they_are_wanted_and_notes_where_they_were(notes: Path) -> None:
    done = genesis("bars", str(notes), "--tempo", "120", "--metre", "3/4", "--bar-one", "1.0")
    assert done.status == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["notes"] == json.loads(notes.read_text())["notes"]
    assert written["time_signature"] == "3/4"
    assert written["tempo_bpm"] == pytest.approx(120, abs=0.1)
    assert any(bar["beats_s"][0] == pytest.approx(1.0, abs=1e-3) for bar in written["bars"])


def test_taps_are_beats(notes: Path) -> None:
    written = json.loads(genesis("bars", str(notes), "--taps", "0.5,1.5,2.5").stdout)
    assert written["tempo_bpm"] == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize(
    "wrong", [("--tempo", "1"), ("--metre", "4/5"), ("--taps", "2,1"), ("--taps", "x"), ("--taps", "nan")]
)
def test_what_cannot_be_is_refused(notes: Path, wrong: tuple[str, str]) -> None:
    assert genesis("bars", str(notes), *wrong).status == 2
