"""`genesis arrange`: positions in, everything else untouched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import genesis
from tests.support.demo import demo_truth


def written(tmp_path: Path, document: object) -> str:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(document))
    return str(path)


def without_positions(document: dict[str, Any]) -> dict[str, Any]:
    placed = {"string", "fret", "alternatives", "flags"}
    notes = [{key: value for key, value in note.items() if key not in placed} for note in document["notes"]]
    return {**document, "notes": notes}


def test_fills_positions_and_touches_nothing_else(tmp_path: Path) -> None:
    truth = demo_truth()
    blank = {**truth, "notes": [{**note, "string": None, "fret": None} for note in truth["notes"]]}
    done = genesis("arrange", written(tmp_path, blank))
    assert (done.status, done.stderr) == (0, "")
    arranged = json.loads(done.stdout)
    assert without_positions(arranged) == without_positions(truth)
    for note in arranged["notes"]:
        assert truth["tuning"][note["string"] - 1] + note["fret"] == note["pitch"]


def test_arranging_twice_changes_nothing_more(tmp_path: Path) -> None:
    once = json.loads(genesis("arrange", written(tmp_path, demo_truth())).stdout)
    assert json.loads(genesis("arrange", written(tmp_path, once)).stdout) == once


def test_another_tuning_and_capo(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = genesis("arrange", written(tmp_path, demo_truth()), "--tuning", "drop_d", "--capo", "0", "--json", str(out))
    assert (done.status, done.stdout) == (0, "")
    arranged = json.loads(out.read_text())
    assert arranged["tuning"] == [64, 59, 55, 50, 45, 38]
    placed = [note for note in arranged["notes"] if note["string"] is not None]
    assert len(placed) > 0.9 * len(arranged["notes"])
    assert all(note["flags"] for note in arranged["notes"] if note not in placed), "a note without a place says why"
    for note in placed:
        assert arranged["tuning"][note["string"] - 1] + note["fret"] == note["pitch"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": "other/9"}', "null", "[" * 100_000, '{"notes": 1e309}']
)
def test_what_is_no_transcription_is_status_3(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(text)
    done = genesis("arrange", str(path))
    assert done.status == 3, done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_file_is_status_3() -> None:
    done = genesis("arrange", "nowhere.json")
    assert (done.status, done.reason) == (3, "FILE_NOT_FOUND")


def test_a_wrong_tuning_is_status_2(tmp_path: Path) -> None:
    done = genesis("arrange", written(tmp_path, demo_truth()), "--tuning", "banjo")
    assert (done.status, done.reason) == (2, "TUNING_INVALID")


def test_a_beginner_stays_low_and_a_pin_is_kept(tmp_path: Path) -> None:
    def frets(*options: str) -> list[int]:
        done = genesis("arrange", written(tmp_path, demo_truth()), *options)
        assert done.status == 0, done.stderr
        return [note["fret"] for note in json.loads(done.stdout)["notes"] if note["fret"] is not None]

    assert sum(frets("--difficulty", "beginner", "--style", "open_position")) <= sum(frets())
    free = json.loads(genesis("arrange", written(tmp_path, demo_truth())).stdout)["notes"]
    chosen = next(note for note in free if note["alternatives"])
    string = chosen["alternatives"][0]["string"]
    pinned = genesis("arrange", written(tmp_path, demo_truth()), "--pin", f"{chosen['id']}={string}")
    (again,) = (note for note in json.loads(pinned.stdout)["notes"] if note["id"] == chosen["id"])
    assert again["string"] == string


@pytest.mark.parametrize(
    ("pin", "status"), [("3", 2), ("=3", 2), ("t1=x", 2), ("nobody=3", 3), ("t1=9", 3), ("t1=0", 3)]
)
def test_a_wrong_pin_is_refused(tmp_path: Path, pin: str, status: int) -> None:
    truth = demo_truth()
    truth["notes"][0]["id"] = "t1"
    done = genesis("arrange", written(tmp_path, truth), "--pin", pin)
    assert (done.status, done.reason) == (status, "REQUEST_INVALID")
