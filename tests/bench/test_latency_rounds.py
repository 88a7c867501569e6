"""What `bench latency` plays, and how its options are read; nothing is timed."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from bench.__main__ import main
from bench._processes import Usage
from bench._recordings import Recording
from bench._scoring import PlainNote
from bench.latency import FULL_STREAMS, QUICK_STREAMS, _line_up, _parse, _stacks
from bench.latency_client import Arrived, Material, Played, material_of
from bench.latency_report import Round, streams_held
from music.audio import sample_at
from music.events import AudioEncoding, NoteRevised, SessionEvent
from music.note import Note, NoteState
from orchestrator.settings import Settings
from wire.config_codec import decode_config
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


def test_a_stack_for_each_cadence_and_the_transcriber_that_was_named() -> None:
    assert dict(_stacks(())) == {"default cadence": {}}
    stacks = _stacks((50, 100), "guitar")
    assert list(stacks) == ["guitar, cadence 50 ms", "guitar, cadence 100 ms"]
    for ms, environment in zip((50, 100), stacks.values(), strict=True):
        # By the names under which the orchestrator reads them, or the figures would be of something else.
        names = {f"GENESIS_ORCHESTRATOR_{field.upper()}": field for field in ("transcriber", "cadence_ms")}
        given = {names[name]: value for name, value in environment.items()}
        settings = Settings.model_validate(given)
        assert (settings.transcriber, settings.cadence_ms) == ("guitar", ms)


def a_round(streams: int, tentative_ms: float, *, failure: str = "", beside: str = "") -> Round:
    """Streams of one note, found after `tentative_ms`."""
    material = Material("one note", [PlainNote(1.0, 2.0, 64)], 10.0, [])
    note = Note("n", NoteState.COMMITTED, sample_at(1.0), 64)
    event = SessionEvent("s", 1, 1, 0, 0, 0, NoteRevised(note))
    played = [
        Played(material, by_grpc=[Arrived(event, 1 + tentative_ms / 1000, 0)], failure=failure) for _ in range(streams)
    ]
    return Round(streams, played, Usage({}, 0.0, 1.0), beside)


@pytest.mark.parametrize(
    ("rounds", "held"),
    [
        ([a_round(1, 100), a_round(4, 200), a_round(8, 349)], (8, True)),
        ([a_round(8, 400), a_round(1, 100), a_round(4, 200)], (4, False)),
        ([a_round(1, 400), a_round(4, 200)], (0, False)),
        ([a_round(1, 100), a_round(1, 400)], (0, False)),
        ([a_round(1, 100), a_round(4, 100, failure="broke"), a_round(8, 100)], (1, False)),
        ([a_round(1, 100), a_round(1, 900, beside="page open")], (1, True)),
    ],
)
def test_streams_are_held_up_to_the_first_round_that_is_late_or_broken(
    rounds: list[Round], held: tuple[int, bool]
) -> None:
    assert streams_held(rounds) == held


@pytest.mark.parametrize("arguments", [["nothing"], ["idle", "--full"], ["latency", "idle", "--full"], ["--full"]])
def test_what_no_benchmark_understands_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err
