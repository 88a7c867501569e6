"""`genesis stream` against a real stack: the same notes as `genesis transcribe`, one event a line, its latency."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.bad_audio import BAD_AUDIO, tone_wav
from tests.support.command import genesis
from tests.support.demo import demo_wav
from tests.support.stack import Stack, is_running, running_stack, wait_until

EXCERPT_S = 6.0


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's first seconds in stereo, the right channel softer: mixing and resampling must agree too."""
    path = tmp_path_factory.mktemp("excerpt") / "excerpt.wav"
    with wave.open(str(demo_wav())) as source:
        left = np.frombuffer(source.readframes(round(EXCERPT_S * source.getframerate())), "<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(44_100)
        out.writeframes(np.stack([left, left // 3], axis=1).tobytes())
    return path


@pytest.fixture(scope="module")
def transcribed(excerpt: Path) -> list[dict[str, Any]]:
    return notes_of(genesis("transcribe", str(excerpt), "--json", "-").stdout)


def notes_of(document: str) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = json.loads(document)["notes"]
    assert len(notes) >= 10
    return notes


def test_the_same_notes_as_transcribe(stack: Stack, excerpt: Path, transcribed: list[dict[str, Any]]) -> None:
    done = genesis("stream", str(excerpt), "--server", stack.grpc_address, "--json", "-")
    assert done.status == 0, done.stderr
    assert notes_of(done.stdout) == transcribed


def test_the_same_notes_in_real_time_one_event_a_line(
    stack: Stack, excerpt: Path, transcribed: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    begin = time.monotonic()
    done = genesis(
        "stream",
        str(excerpt),
        "--realtime",
        "--jsonl",
        "--json",
        str(out),
        environment={"GENESIS_SERVER": stack.grpc_address},
    )
    assert done.status == 0, done.stderr
    assert time.monotonic() - begin >= EXCERPT_S
    assert notes_of(out.read_text()) == transcribed
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert "started" in lines[0]
    assert "ended" in lines[-1]
    sequences = [int(line["sequence"]) for line in lines]
    assert sequences == sorted(set(sequences))
    latencies = [line["latency_ms"] for line in lines if "note" in line]
    assert len(latencies) >= 2 * len(transcribed)
    assert all("latency_ms" not in line for line in lines if "note" not in line)
    assert min(latencies) > 0, "no note can be known before it sounds"
    assert "self_latency_ms p50" in done.stderr


def test_another_transcriber_through_a_server(stack: Stack, excerpt: Path) -> None:
    arguments = (str(excerpt), "--json", "-", "--transcriber", "basic_pitch")
    here = json.loads(genesis("transcribe", *arguments).stdout)
    there = json.loads(genesis("stream", *arguments, "--server", stack.grpc_address).stdout)
    assert there["models"]["transcriber"].startswith("basic_pitch@sha256:")
    assert there["models"] == here["models"]
    assert len(there["notes"]) >= 10
    assert there["notes"] == here["notes"]


@pytest.mark.parametrize("here", [True, False])
def test_what_is_known_of_the_bars_holds_from_the_beginning(
    stack: Stack, excerpt: Path, transcribed: list[dict[str, Any]], here: bool
) -> None:
    known = ("--tempo", "96", "--metre", "3/4", "--bar-one", "0.5")
    done = (
        genesis("transcribe", str(excerpt), *known, "--json", "-")
        if here
        else genesis("stream", str(excerpt), *known, "--server", stack.grpc_address, "--json", "-")
    )
    file = json.loads(done.stdout)
    assert file["notes"] == transcribed, "no note moves"
    assert file["rhythm"] == {"tempo_bpm": 96.0, "time_signature": "3/4", "bar_one_s": 0.5, "taps_s": []}
    assert {bar["time_signature"] for bar in file["bars"]} == {"3/4"}
    first = next(bar for bar in file["bars"] if bar["beats_s"][0] > 0.4)
    assert first["beats_s"][0] == pytest.approx(0.5, abs=0.001)


def test_taps_that_fall_are_status_2(excerpt: Path) -> None:
    done = genesis("transcribe", str(excerpt), "--taps", "2,1")
    assert (done.status, done.stderr.split(":")[0]) == (2, "REQUEST_INVALID")


def test_a_server_does_the_transcribing(stack: Stack, excerpt: Path, transcribed: list[dict[str, Any]]) -> None:
    done = genesis("transcribe", str(excerpt), "--server", stack.grpc_address, "--json", "-")
    assert notes_of(done.stdout) == transcribed


@pytest.mark.parametrize("name", BAD_AUDIO)
@pytest.mark.parametrize("command", [("stream",), ("transcribe",)])
def test_bad_audio_has_the_same_reason_through_a_server(
    stack: Stack, command: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    data, reason = BAD_AUDIO[name]
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    done = genesis(*command, str(path), "--server", stack.grpc_address)
    assert (done.status, done.reason) == (3, reason), done.stderr


def test_doctor_finds_the_running_stack(stack: Stack) -> None:
    done = genesis("doctor", "--server", stack.grpc_address, "--listen", stack.edge_url.removeprefix("http://"))
    assert done.status == 0, done.stdout
    assert "a server answers" in " ".join(done.stdout.split())
    assert "broken" not in done.stdout


def test_a_server_that_is_not_there_is_status_4(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(tone_wav())
    done = genesis("stream", str(path), "--server", "127.0.0.1:1")
    assert (done.status, done.reason) == (4, "ORCHESTRATOR_UNAVAILABLE")
    assert done.stderr.count("\n") == 1


def test_two_results_on_stdout_are_status_2(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(tone_wav())
    done = genesis("stream", str(path), "--jsonl", "--json", "-")
    assert (done.status, done.reason) == (2, "REQUEST_INVALID")


def test_ctrl_c_is_status_130_and_ends_the_session(stack: Stack, excerpt: Path) -> None:
    command = [sys.executable, "-m", "genesis", "stream", str(excerpt), "--realtime", "--jsonl"]
    # Whatever is started in the background ignores Ctrl-C, and so do its children unless somebody listens to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [*command, "--server", stack.grpc_address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        session = json.loads(running.stdout.readline())["sessionId"]
        children = [child.pid for child in psutil.Process(running.pid).children(recursive=True)]
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == "CANCELLED: Interrupted.\n"
        assert running.wait(20) == 130
    assert not [pid for pid in children if is_running(pid)]
    wait_until(
        lambda: any(session in line and "session.over" in line for line in stack.log().splitlines()),
        10,
        lambda: f"the session goes on:\n{stack.log()}",
    )
