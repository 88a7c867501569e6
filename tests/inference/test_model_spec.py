"""What `config.pbtxt` says, and what is said about a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.model_spec import TensorSpec, read_model_spec
from inference.registry import default_model_repo
from inference.streaming import step_grid
from inference.tracking import tracking_rules
from music.errors import Reason, Unavailable
from music.tracking_rules import GUITAR_RULES, OnsetKind
from tests.inference.tiny_model import write_tiny_model


def test_reads_tensors_parameters_and_the_place_of_the_file(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path))
    assert spec.inputs == (TensorSpec("audio", "float32", (256, 1)),)
    assert spec.tensor("contour") == TensorSpec("c", "float32", (8, 264))
    assert spec.path == tmp_path / "tiny" / "1" / "model.onnx"
    assert (spec.role, spec.integer("hop_frames"), spec.max_batch_size) == ("transcriber", 4, 4)


def test_the_committed_configuration_of_basic_pitch_is_complete() -> None:
    spec = read_model_spec(default_model_repo() / "basic_pitch")
    assert spec.tensor("samples").shape == (43_844, 1)
    assert spec.tensor("onset").shape == spec.tensor("frame").shape == (172, 88)
    assert spec.tensor("contour").shape == (172, 264)
    assert len({spec.tensor(meaning).name for meaning in ("samples", "onset", "frame", "contour")}) == 4
    for key in ("source_wheel", "source_wheel_sha256", "source_member", "licence", "attribution"):
        assert spec.text(key)


def test_the_committed_configuration_of_the_guitar_is_complete() -> None:
    spec = read_model_spec(default_model_repo() / "guitar")
    grid = step_grid(spec)
    assert (grid.step_samples, grid.frame_hop, grid.lowest_pitch, grid.pitch_count) == (1024, 256, 23, 66)
    # Issue 4: no more than 150 ms of what follows; a step is waited for besides.
    assert grid.late_delay * grid.frame_hop / 22_050 <= 0.15
    for key in ("source", "licence", "attribution"):
        assert spec.text(key)
    assert tracking_rules(spec, GUITAR_RULES).onsets is OnsetKind.PROBABILITIES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name: "tiny" colour: "red"', "colour"),
        ('name: "other"', "'other'"),
        ('name: "tiny" input [ { name: "x" data_type: TYPE_STRING dims: [ 1 ] } ]', "TYPE_STRING"),
        ("\x00\x01", "not a Triton model configuration"),
    ],
    ids=["unknown field", "other name", "unsupported type", "no text format"],
)
def test_a_bad_configuration_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / "config.pbtxt").write_text(text, encoding="utf-8")
    with pytest.raises(Unavailable, match="tiny") as caught:
        read_model_spec(folder)
    assert caught.value.reason is Reason.MODEL_MISMATCH
    assert words in caught.value.message


def test_bytes_that_are_no_text_are_a_mismatch(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / "config.pbtxt").write_bytes(b"\xff\xfe name")
    with pytest.raises(Unavailable) as caught:
        read_model_spec(folder)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_no_configuration_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        read_model_spec(tmp_path / "nothing")
    assert caught.value.reason is Reason.MODEL_MISSING


def test_a_missing_parameter_is_named(tmp_path: Path) -> None:
    spec = read_model_spec(
        write_tiny_model(tmp_path, without="hop_frames", parameters={"frame_hop": "many", "tensor_onset": "z"})
    )
    for ask, word in (
        (lambda: spec.integer("hop_frames"), "hop_frames"),
        (lambda: spec.integer("frame_hop"), "many"),
        (lambda: spec.tensor("onset"), "onset"),
    ):
        with pytest.raises(Unavailable, match=word) as caught:
            ask()
        assert caught.value.reason is Reason.MODEL_MISMATCH


def test_a_model_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path, content=b""))
    with pytest.raises(Unavailable, match="genesis models build") as caught:
        spec.read_model()
    assert caught.value.reason is Reason.MODEL_MISSING


def test_a_truncated_file_is_a_mismatch_that_names_both_digests(tmp_path: Path) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path))
    spec.path.write_bytes(spec.path.read_bytes()[:-7])
    with pytest.raises(Unavailable, match="genesis models build") as caught:
        spec.read_model()
    assert caught.value.reason is Reason.MODEL_MISMATCH
    assert caught.value.about["expected"] == spec.sha256
    assert caught.value.about["found"] != spec.sha256
