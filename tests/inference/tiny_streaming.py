"""A streaming transcriber small enough to make on the spot: how loud each frame is, told early and late."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HOP, STEP_FRAMES = 32, 4
STEP = HOP * STEP_FRAMES
EARLY, LATE = 1, 6
LOWEST, PITCHES = 50, 12
STATE = LATE + 1
"""The last frames' loudness, and all that was ever heard added up."""

CONFIG = """
name: "{name}"
backend: "onnxruntime"
max_batch_size: 4
input [
  {{ name: "samples" data_type: TYPE_FP32 dims: [ {step} ] }},
  {{ name: "frets" data_type: TYPE_FP32 dims: [ 8, 12 ] }},
  {{ name: "state" data_type: TYPE_FP32 dims: [ {state} ] }}
]
output [
  {{ name: "early" data_type: TYPE_FP32 dims: [ 4, 2, 12 ] }},
  {{ name: "onset" data_type: TYPE_FP32 dims: [ 4, 12 ] }},
  {{ name: "frame" data_type: TYPE_FP32 dims: [ 4, 12 ] }},
  {{ name: "velocity" data_type: TYPE_FP32 dims: [ 4, 12 ] }},
  {{ name: "deviation" data_type: TYPE_FP32 dims: [ 4, 12 ] }},
  {{ name: "strings" data_type: TYPE_FP32 dims: [ 4, 8, 12 ] }},
  {{ name: "next_state" data_type: TYPE_FP32 dims: [ {state} ] }}
]
{parameters}
"""

PARAMETERS = {
    "role": "transcriber",
    "kind": "streaming",
    **{
        f"tensor_{name}": name
        for name in ("samples", "frets", "state", "early", "onset", "frame", "velocity", "deviation", "strings")
    },
    "tensor_next_state": "next_state",
    "sample_rate_hz": "22050",
    "step_samples": str(STEP),
    "frame_hop": str(HOP),
    "lowest_pitch": str(LOWEST),
    "early_delay_frames": str(EARLY),
    "late_delay_frames": str(LATE),
    "onset_lag": "0",
}


def tiny_streaming_model(value: float = 1.0) -> bytes:
    """ONNX: with l the mean loudness of a frame times `value`, in every column onset and both early maps are l, frame
    is 1 - l, velocity all loudness up to the end of the step, deviation -l; strings are l times the frets.
    """

    def constant(name: str, values: object, dtype: type[np.generic] = np.int64) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(values, dtype), name)

    def cut(output: str, begin: int, end: int) -> onnx.NodeProto:
        for at in (begin, end):
            constants.setdefault(f"at{at}", constant(f"at{at}", [at]))
        return helper.make_node("Slice", ["known", f"at{begin}", f"at{end}", "one"], [output])

    shapes_of: dict[str, list[int]] = {
        "framed": [-1, STEP_FRAMES, HOP],
        "one": [1],
        "two": [2],
        "split": [LATE, 1],
        "rows": [-1, STEP_FRAMES, 1],
        "rows4": [-1, STEP_FRAMES, 1, 1],
        "single": [-1, 1, 1],
        "necks": [-1, 1, 8, PITCHES],
    }
    constants = {name: constant(name, values) for name, values in shapes_of.items()}
    constants["wide"] = constant("wide", np.ones([1, 1, PITCHES]), np.float32)
    constants["wide_rows"] = constant("wide_rows", np.ones([1, STEP_FRAMES, PITCHES]), np.float32)
    constants["wide2"] = constant("wide2", np.ones([1, 1, 2, PITCHES]), np.float32)
    constants["value"] = constant("value", [value], np.float32)
    nodes = [
        helper.make_node("Reshape", ["samples", "framed"], ["frames"]),
        helper.make_node("Abs", ["frames"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified", "two"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "value"], ["loud"]),
        helper.make_node("Split", ["state", "split"], ["past", "before"], axis=1),
        helper.make_node("Concat", ["past", "loud"], ["known"], axis=1),
        cut("late_1", 0, STEP_FRAMES),
        cut("early_1", LATE - EARLY, LATE - EARLY + STEP_FRAMES),
        cut("kept", STEP_FRAMES, STEP_FRAMES + LATE),
        helper.make_node("ReduceSum", ["loud", "one"], ["heard"], keepdims=1),
        helper.make_node("Add", ["before", "heard"], ["total"]),
        helper.make_node("Concat", ["kept", "total"], ["next_state"], axis=1),
        helper.make_node("Reshape", ["late_1", "rows"], ["late"]),
        helper.make_node("Mul", ["late", "wide"], ["onset"]),
        helper.make_node("Sub", ["wide_rows", "onset"], ["frame"]),
        helper.make_node("Neg", ["onset"], ["deviation"]),
        helper.make_node("Reshape", ["total", "single"], ["sum"]),
        helper.make_node("Mul", ["sum", "wide_rows"], ["velocity"]),
        helper.make_node("Reshape", ["early_1", "rows4"], ["early_2"]),
        helper.make_node("Mul", ["early_2", "wide2"], ["early"]),
        helper.make_node("Reshape", ["late_1", "rows4"], ["late_2"]),
        helper.make_node("Reshape", ["frets", "necks"], ["neck"]),
        helper.make_node("Mul", ["late_2", "neck"], ["strings"]),
    ]
    rows: list[str | int | None] = ["batch", STEP_FRAMES]
    shapes: dict[str, list[str | int | None]] = {
        "samples": ["batch", STEP],
        "frets": ["batch", 8, PITCHES],
        "state": ["batch", STATE],
        "early": [*rows, 2, PITCHES],
        "strings": [*rows, 8, PITCHES],
        "next_state": ["batch", STATE],
    }
    shapes |= {name: [*rows, PITCHES] for name in ("onset", "frame", "velocity", "deviation")}
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    inputs = [values.pop(name) for name in ("samples", "frets", "state")]
    graph = helper.make_graph(nodes, "tiny", inputs, list(values.values()), list(constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def write_tiny_streaming(
    repository: Path,
    name: str = "tiny",
    content: bytes | None = None,
    state: int = STATE,
    step: int = STEP,
    without: str = "",
    parameters: Mapping[str, str] | None = None,
) -> Path:
    """A model folder in `repository`: its configuration, and its file unless `content` is b"".

    Args:
        repository: where.
        name: of the model.
        content: the file, if not `tiny_streaming_model()`; the digest in the configuration is this one's.
        state: length of the state that the configuration claims.
        step: the same of the samples.
        without: a parameter to leave out.
        parameters: replace those of `PARAMETERS`, or add to them.
    """
    data = tiny_streaming_model() if content is None else content
    facts = {**PARAMETERS, "sha256": hashlib.sha256(data).hexdigest(), **(parameters or {})}
    facts.pop(without, None)
    lines = [f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in facts.items()]
    folder = repository / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    config = CONFIG.format(name=name, state=state, step=step, parameters="\n".join(lines))
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    if data:
        (folder / "1" / "model.onnx").write_bytes(data)
    return folder
