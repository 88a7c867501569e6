"""A transcriber small enough to make on the spot: the loudness of each frame, as if it were every pitch at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FRAMES, HOP = 8, 32
SAMPLES = FRAMES * HOP

CONFIG = """
name: "{name}"
backend: "onnxruntime"
max_batch_size: 4
input [ {{ name: "audio" data_type: TYPE_FP32 dims: [ {samples}, 1 ] }} ]
output [
  {{ name: "a" data_type: TYPE_FP32 dims: [ 8, 88 ] }},
  {{ name: "b" data_type: TYPE_FP32 dims: [ 8, 88 ] }},
  {{ name: "c" data_type: TYPE_FP32 dims: [ 8, 264 ] }}
]
{parameters}
"""

PARAMETERS = {
    "role": "transcriber",
    "tensor_samples": "audio",
    "tensor_onset": "a",
    "tensor_frame": "b",
    "tensor_contour": "c",
    "sample_rate_hz": "22050",
    "frame_hop": str(HOP),
    "left_frames": "2",
    "hop_frames": "4",
    "onset_lag": "0",
}


def tiny_model(value: float = 1.0) -> bytes:
    """ONNX: [b, 256, 1] → `value` times the mean loudness of each of 8 frames, as [b, 8, 88] twice and [b, 8, 264]."""

    def constant(name: str, array: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(array, name)

    constants = [
        constant("frames", np.array([-1, FRAMES, HOP], np.int64)),
        constant("axis", np.array([2], np.int64)),
        constant("ones88", np.full([1, 1, 88], value, np.float32)),
        constant("ones264", np.full([1, 1, 264], value, np.float32)),
    ]
    nodes = [
        helper.make_node("Reshape", ["audio", "frames"], ["framed"]),
        helper.make_node("Abs", ["framed"], ["loud"]),
        helper.make_node("ReduceMean", ["loud", "axis"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "ones88"], ["a"]),
        helper.make_node("Sub", ["ones88", "a"], ["b"]),
        helper.make_node("Mul", ["mean", "ones264"], ["c"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", SAMPLES, 1])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", FRAMES, width])
            for name, width in (("a", 88), ("b", 88), ("c", 264))
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def write_tiny_model(
    repository: Path,
    name: str = "tiny",
    content: bytes | None = None,
    samples: int = SAMPLES,
    without: str = "",
    parameters: Mapping[str, str] | None = None,
) -> Path:
    """A model folder in `repository`: its configuration, and its file unless `content` is b"".

    Args:
        repository: where.
        name: of the model.
        content: the file, if not `tiny_model()`; the digest in the configuration is this one's.
        samples: length of the input that the configuration claims.
        without: a parameter to leave out.
        parameters: replace those of `PARAMETERS`, or add to them.
    """
    data = tiny_model() if content is None else content
    facts = {**PARAMETERS, "sha256": hashlib.sha256(data).hexdigest(), **(parameters or {})}
    facts.pop(without, None)
    lines = [f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in facts.items()]
    folder = repository / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    config = CONFIG.format(name=name, samples=samples, parameters="\n".join(lines))
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    if data:
        (folder / "1" / "model.onnx").write_bytes(data)
    return folder
