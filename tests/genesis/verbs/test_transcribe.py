"""`genesis transcribe`, as a person runs it: results, exit statuses, one line for every error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from music.audio import SAMPLE_RATE_HZ
from tests.support.bad_audio import BAD_AUDIO, wav
from tests.support.command import genesis
from tests.support.plucked import phrase, render


@pytest.fixture
def plucked(tmp_path: Path) -> Path:
    path = tmp_path / "plucked.wav"
    samples = 32767 * 0.5 * render(phrase(seed=1, duration_s=4.0), 6.0)
    path.write_bytes(wav(samples.astype("<i2").tobytes(), rate_hz=SAMPLE_RATE_HZ))
    return path


@pytest.mark.parametrize("name", BAD_AUDIO)
def test_bad_audio_is_status_3_and_names_its_reason(name: str, tmp_path: Path) -> None:
    data, reason = BAD_AUDIO[name]
    path = tmp_path / f"{name}.wav"
    path.write_bytes(data)
    done = genesis("transcribe", str(path), "--json", str(tmp_path / "out.json"))
    assert (done.status, done.reason) == (3, reason), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


def test_a_missing_file_is_status_3(tmp_path: Path) -> None:
    done = genesis("transcribe", str(tmp_path / "nowhere.wav"))
    assert (done.status, done.reason) == (3, "FILE_NOT_FOUND")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "."])
def test_a_name_that_cannot_be_a_file_is_status_3(name: str) -> None:
    done = genesis("transcribe", name)
    assert (done.status, done.reason) == (3, "AUDIO_UNREADABLE")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--tuning", "banjo"), "TUNING_INVALID"),
        (("--tuning", "64,59"), "TUNING_INVALID"),
        (("--capo", "13"), "CAPO_INVALID"),
        (("--transcriber", "oracle"), "TRANSCRIBER_UNKNOWN"),
        (("--separation", "guitar"), "SEPARATION_UNAVAILABLE"),
        (("--max-stretch", "9"), "CONFIG_INVALID"),
        (("--neck", "high"), "CONFIG_INVALID"),
        (("--neck", "9-5"), "CONFIG_INVALID"),
        (("--frets", "99"), "CONFIG_INVALID"),
        (("--pin", "n1=3"), "REQUEST_INVALID"),
        (("--pin", "n1", "--final"), "REQUEST_INVALID"),
        (("--midi", "a.mid"), "REQUEST_INVALID"),
        (("--musicxml", "a.xml"), "REQUEST_INVALID"),
        (("--gp5", "a.gp5"), "REQUEST_INVALID"),
        (("--json", "/nowhere/at/all.json"), "REQUEST_INVALID"),
    ],
)
def test_wrong_options_are_status_2(plucked: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = genesis("transcribe", str(plucked), *arguments)
    assert (done.status, done.reason) == (2, reason), done.stderr


def test_an_address_is_refused_before_any_fetch() -> None:
    done = genesis("transcribe", "https://example.org/song.mp3")
    assert (done.status, done.reason) == (2, "REQUEST_INVALID")


def test_an_unknown_option_is_status_2(plucked: Path) -> None:
    assert genesis("transcribe", str(plucked), "--colour", "red").status == 2


def test_a_server_that_is_not_there_is_status_4(plucked: Path) -> None:
    done = genesis("transcribe", str(plucked), "--server", "127.0.0.1:1")
    assert (done.status, done.reason) == (4, "ORCHESTRATOR_UNAVAILABLE")


def test_json_to_a_file_says_nothing_on_stdout(plucked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = genesis("transcribe", str(plucked), "--json", str(out), "--tuning", "drop_d", "--capo", "2")
    assert (done.status, done.stdout) == (0, "")
    # What cannot be played is the one thing worth a word where nobody watches.
    assert all(line.endswith("flagged unplayable.") for line in done.stderr.splitlines())
    document = json.loads(out.read_text())
    assert document["schema"] == "genesis.transcription/1"
    assert document["tuning"] == [64, 59, 55, 50, 45, 38]
    assert document["capo"] == 2
    assert document["duration_s"] == pytest.approx(6.0, abs=0.001)
    assert document["models"]["transcriber"].startswith("guitar@sha256:")
    for note in document["notes"]:
        assert note["state"] == "ended"
        assert note["string"] is None or document["tuning"][note["string"] - 1] + 2 + note["fret"] == note["pitch"]


@pytest.mark.parametrize("transcriber", ["guitar", "basic_pitch"])
def test_a_transcriber_is_chosen_by_name(plucked: Path, transcriber: str) -> None:
    done = genesis("transcribe", str(plucked), "--json", "-", "--transcriber", transcriber)
    assert done.status == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["models"]["transcriber"].startswith(f"{transcriber}@sha256:")
    assert document["notes"]
    heard = {len(note["string_evidence"]) for note in document["notes"]}
    assert heard == ({6} if transcriber == "guitar" else {0}), "only our own network hears strings"


def test_json_and_text_to_stdout(plucked: Path) -> None:
    assert json.loads(genesis("transcribe", str(plucked), "--json", "-").stdout)["notes"]
    assert genesis("transcribe", str(plucked)).stdout.splitlines()[1].startswith("E|")


def test_the_optimum_moves_positions_only(plucked: Path) -> None:
    live, final = (
        json.loads(genesis("transcribe", str(plucked), "--json", "-", *more).stdout) for more in ((), ("--final",))
    )
    heard = [
        [(note["onset_s"], note["pitch"], note["offset_s"]) for note in document["notes"]] for document in (live, final)
    ]
    assert heard[0] == heard[1]


def test_the_hand_keeps_to_its_part_of_the_neck_and_a_pin_is_kept(plucked: Path, tmp_path: Path) -> None:
    def notes(*options: str) -> list[dict[str, Any]]:
        done = genesis("transcribe", str(plucked), "--json", "-", *options)
        assert done.status == 0, done.stderr
        return list(json.loads(done.stdout)["notes"])

    for live in (notes("--neck", "5-9"), notes("--neck", "5-9", "--final")):
        low = [note for note in live if note["fret"] is not None and 0 < note["fret"] < 5]
        # A finger goes elsewhere only for a note that cannot be had there.
        assert all(not any(5 <= other["fret"] <= 9 for other in note["alternatives"]) for note in low)
    free = notes("--final")
    chosen = next(note for note in free if note["alternatives"])
    string = chosen["alternatives"][0]["string"]
    pinned = notes("--final", "--pin", f"{chosen['id']}={string}")
    assert next(note["string"] for note in pinned if note["id"] == chosen["id"]) == string


def test_what_cannot_be_played_is_told(tmp_path: Path, plucked: Path) -> None:
    out = tmp_path / "notes.json"
    genesis("transcribe", str(plucked), "--json", str(out))
    done = genesis("arrange", str(out), "--tuning", "bass")
    arranged = json.loads(done.stdout)
    flagged = sum(bool(note["flags"]) for note in arranged["notes"])
    assert flagged > 0
    assert sum(arranged["summary"].values()) == len(arranged["notes"]) + flagged
    assert f"of {len(arranged['notes'])} notes lie outside" in done.stderr


def test_a_reader_that_hangs_up_is_no_error(plucked: Path) -> None:
    command = [sys.executable, "-m", "genesis", "transcribe", str(plucked)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 0
