"""The configurations for a GPU: Triton's own format, the same models, run elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.model_spec import read_config, read_model_spec, triton_schema
from inference.registry import default_model_repo, model_names
from inference.triton_overlay import WINDOW_US, overlay, write_overlay
from music.errors import Reason, Unavailable
from tests.inference.tiny_streaming import write_tiny_streaming


@pytest.mark.parametrize("name", model_names(default_model_repo()))
def test_nothing_changes_but_where_a_model_runs(tmp_path: Path, name: str) -> None:
    ours = read_model_spec(default_model_repo() / name)
    (tmp_path / name).mkdir()
    (tmp_path / name / "config.pbtxt").write_text(overlay(ours), encoding="utf-8")
    theirs = read_model_spec(tmp_path / name)
    # What a server is held to when a session's orchestrator starts.
    assert (theirs.inputs, theirs.outputs, theirs.max_batch_size, theirs.parameters) == (
        ours.inputs,
        ours.outputs,
        ours.max_batch_size,
        ours.parameters,
    )
    config = read_config(tmp_path / name)
    assert [group.kind for group in config.instance_group] == [triton_schema().ModelInstanceGroup.KIND_GPU]
    assert config.dynamic_batching.max_queue_delay_microseconds in WINDOW_US.values()
    assert config.dynamic_batching.default_queue_policy.max_queue_size == 256
    warmed = {sample.batch_size for sample in config.model_warmup}
    assert warmed == {1, max(1, ours.max_batch_size)}
    for sample in config.model_warmup:
        assert set(sample.inputs) == {tensor.name for tensor in ours.inputs}
        assert all(n > 0 for given in sample.inputs.values() for n in given.dims)


@pytest.mark.parametrize(("tensorrt", "providers"), [(False, ["cuda"]), (True, ["tensorrt", "cuda"])])
def test_a_whole_repository(tmp_path: Path, tensorrt: bool, providers: list[str]) -> None:
    folder = write_tiny_streaming(tmp_path / "ours")
    assert write_overlay(tmp_path / "ours", tmp_path / "gpu", tensorrt=tensorrt) == ["tiny"]
    read_model_spec(tmp_path / "gpu" / "tiny").read_model()
    accelerators = read_config(tmp_path / "gpu" / "tiny").optimization.execution_accelerators.gpu_execution_accelerator
    assert [accelerator.name for accelerator in accelerators] == providers
    assert accelerators[-1].parameters["use_tf32"] == "0"
    (folder / "1" / "model.onnx").write_bytes(b"another one")
    with pytest.raises(Unavailable) as caught:
        write_overlay(tmp_path / "ours", tmp_path / "gpu")
    assert caught.value.reason is Reason.MODEL_MISMATCH
