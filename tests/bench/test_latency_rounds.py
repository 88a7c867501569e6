"""What `bench latency` plays, and how its options are read; nothing is timed."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from bench.__main__ import main
from bench._recordings import Recording
from bench._scoring import PlainNote
from bench.latency import FULL_STREAMS, QUICK_STREAMS, _line_up, _parse, _stacks
from bench.latency_client import Material, material_of
from music.events import AudioEncoding
from orchestrator.settings import Settings
from wire.codec import decode_config
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2

RATE = 8000
TUNING = (64, 59, 55, 50, 45, 38)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    path = tmp_path / "second.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(n % 251 for n in range(2 * RATE)))
    truth = [PlainNote(0.1, 0.9, 40), PlainNote(0.8, 1.0, 45)]
    return Recording("second", "made up", path, truth, TUNING)


def test_a_material_is_its_configuration_and_20_ms_of_pcm_in_every_request(recording: Recording) -> None:
    material = material_of(recording, 0.51)
    first, *rest = (service_pb2.StreamTranscribeRequest.FromString(data) for data in material.requests)
    config = decode_config(first.config)
    assert (config.audio.encoding, config.audio.sample_rate_hz) == (AudioEncoding.PCM_S16LE, RATE)
    assert config.instrument.tuning == TUNING
    sizes = [len(request.audio.data) for request in rest]
    assert sizes == [2 * RATE // 50] * 25 + [RATE // 50]
    assert b"".join(request.audio.data for request in rest) == bytes(n % 251 for n in range(round(2 * 0.51 * RATE)))
    assert material.length_s == pytest.approx(0.51)
    assert material.truth == recording.truth[:1]


def test_one_stream_plays_every_recording_and_several_share_them_out() -> None:
    a, b = (Material(name, [], 1.0, []) for name in "ab")
    rounds = _line_up([a, b], [1, 3])
    assert [[material.name for material in chosen] for chosen in rounds] == [["a"], ["b"], ["a", "b", "a"]]


def test_full_means_more_streams_and_what_is_given_goes_first() -> None:
    assert _parse([]).streams == QUICK_STREAMS
    assert _parse(["--full"]).streams == FULL_STREAMS
    assert _parse(["--full", "--streams", "2,3"]).streams == (2, 3)


def test_cadences_are_tried_only_where_there_is_such_a_setting() -> None:
    names = list(_stacks((50, 100)))
    known = "cadence_ms" in Settings.model_fields
    assert names == (["cadence 50 ms", "cadence 100 ms"] if known else ["default"])
    assert list(_stacks(())) == ["default"]


@pytest.mark.parametrize("arguments", [["nothing"], ["idle", "--full"], ["latency", "idle", "--full"], ["--full"]])
def test_what_no_benchmark_understands_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err
