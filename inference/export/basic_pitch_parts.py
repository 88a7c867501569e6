"""Basic Pitch's graph as two: samples → features for a whole window, features → activations for any frames.

The cut lies where time stops being global: before it the constant-Q transform and a normalisation over the window,
after it convolutions that see ten frames to either side. So a frame that moved into view costs the convolutions of a
few frames instead of 172. On the way three things of the front end that cost most and do least are written otherwise,
each with the same result: the filters that halve the rate, and two multiplications whose inner loop was one long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from inference.export.graph_surgery import Shape, constant, initializers, part_of, rename, set_constant
from inference.export.place import place_model
from inference.model_spec import ModelSpec, mismatch, read_model_spec

FEATURES = "features"
_BINS = 309
_FRAMES = 172
_PHASES = 16
_PARITY = 1e-6

_Message = TypeVar("_Message", onnx.ModelProto, onnx.NodeProto)


def build(spec: ModelSpec, progress: Callable[[str], None]) -> None:
    """Cut a part out of the model that `spec` names as `cut_from`, hold whole and parts side by side, put it in place.

    Args:
        spec: the front end's or the head's.
        progress: gets a line for people.

    Raises:
        Unavailable: MODEL_MISSING, the whole has not been built; MODEL_MISMATCH, it is another one, or its parts do not
            give what it gives. What was there stays.
    """
    whole = read_model_spec(spec.directory.parent / spec.text("cut_from"))
    content = whole.read_model()
    progress(f"{spec.name}: cutting it out of {whole.name}")
    front_end, head = (
        cut(
            onnx.load_from_string(content), read_model_spec(spec.directory.parent / whole.text(part))
        ).SerializeToString()
        for part, cut in (("front_end", front_end_of), ("head", head_of))
    )
    check_parity(content, front_end, head, whole)
    place_model(spec, front_end if spec.name == whole.text("front_end") else head)


def front_end_of(original: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """Samples of a window → its features, f32[b, 172, 309, 1].

    Args:
        original: Basic Pitch, left as it is.
        spec: the front end's configuration, for the tensors' names and sizes.
    """
    model = _copied(original)
    rename(model, _cut_of(original), FEATURES)
    samples = spec.tensor("samples")
    part = part_of(
        model, spec.name, {samples.name: ["batch", *_known(samples.shape)]}, {FEATURES: ["batch", _FRAMES, _BINS, 1]}
    )
    _widen_scale(part)
    _flatten_normalisation(part)
    _interleave_decimators(part)
    onnx.checker.check_model(part)
    return part


def head_of(original: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """Features of any number of consecutive frames → their onsets, notes and contours.

    Args:
        original: Basic Pitch, left as it is.
        spec: the head's configuration, for the tensors' names and sizes.
    """
    model = _copied(original)
    rename(model, _cut_of(original), FEATURES)
    outputs: dict[str, Shape] = {tensor.name: ["batch", "frames", *_known(tensor.shape[1:])] for tensor in spec.outputs}
    part = part_of(model, spec.name, {FEATURES: ["batch", "frames", _BINS, 1]}, outputs)
    for name in {node.input[1] for node in part.graph.node if node.op_type == "Reshape"}:
        shape = constant(part, name).tolist()
        # The batch is copied from the input, so that the number of frames can be the length worked out.
        set_constant(part, name, np.array([0, *(-1 if n == _FRAMES else n for n in shape[1:])], np.int64))
    onnx.checker.check_model(part)
    return part


def check_parity(original: bytes, front_end: bytes, head: bytes, spec: ModelSpec) -> None:
    """Run whole and parts on noise and on plucked strings.

    Raises:
        Unavailable: MODEL_MISMATCH, the parts say something else than the whole.
    """
    whole, first, second = (_session(content) for content in (original, front_end, head))
    names = [tensor.name for tensor in spec.outputs]
    samples = spec.tensor("samples").name
    for kind, signal in _signals().items():
        window = signal.reshape(1, -1, 1)
        expected = whole.run(names, {samples: window})
        features = first.run([FEATURES], {samples: window})[0]
        for begin, end, inner in ((0, _FRAMES, slice(0, _FRAMES)), (90, 130, slice(10, 30)), (112, 172, slice(10, 60))):
            found = second.run(names, {FEATURES: features[:, begin:end]})
            for name, right, ours in zip(names, expected, found, strict=True):
                off = float(np.abs(right[:, begin:end][:, inner] - ours[:, inner]).max())
                if not off <= _PARITY:
                    raise mismatch(spec.name, f"its parts differ from the whole by {off:.1e} in {name} on {kind}.")


def _copied(message: _Message) -> _Message:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _known(shape: tuple[int | None, ...]) -> list[int]:
    return [n for n in shape if n is not None]


def _cut_of(model: onnx.ModelProto) -> str:
    """The tensor whose harmonics are stacked: the first that enters the network proper."""
    stacking = next(node for node in model.graph.node if "harmonic-stacking" in node.output[0])
    return str(stacking.input[0])


def _widen_scale(part: onnx.ModelProto) -> None:
    """Each bin's scale for real and imaginary part, so that the multiplication runs along all bins at once."""
    for node in part.graph.node:
        if node.op_type == "Mul" and node.input[1] in initializers(part):
            scale = constant(part, node.input[1])
            if scale.shape == (_BINS, 1, 1):
                set_constant(part, node.input[1], np.repeat(scale, 2, axis=2))


def _flatten_normalisation(part: onnx.ModelProto) -> None:
    """The batch normalisation before the last axis, of length one, is added: after it each element is its own loop."""
    unsqueeze, scale, shift = (_copied(node) for node in part.graph.node[-3:])
    scale.input[0] = unsqueeze.input[0]
    shift.output[0], unsqueeze.input[0], unsqueeze.output[0] = f"{FEATURES}_flat", f"{FEATURES}_flat", FEATURES
    del part.graph.node[-3:]
    part.graph.node.extend([scale, shift, unsqueeze])


def _interleave_decimators(part: onnx.ModelProto) -> None:
    """The filters that halve the rate, sixteen outputs at a time.

    A convolution with one output channel is computed for eight or sixteen and all but one thrown away. As sixteen
    channels, each the same filter two samples later, every step of 32 samples gives sixteen outputs; the zeros around
    each filter leave its sum as it was.
    """
    nodes: list[onnx.NodeProto] = []
    lengths: dict[str, int] = {}
    for node in part.graph.node:
        if node.op_type == "Reshape" and node.input[1] in initializers(part):
            lengths[node.output[0]] = int(constant(part, node.input[1])[-1])
        if node.op_type == "Conv" and constant(part, node.input[1]).shape[0] == 1:
            nodes += _interleaved(part, node, f"decimator_{len(nodes)}", lengths[node.input[0]])
        else:
            nodes.append(node)
    del part.graph.node[:]
    part.graph.node.extend(nodes)


def _interleaved(part: onnx.ModelProto, node: onnx.NodeProto, name: str, length: int) -> list[onnx.NodeProto]:
    """What takes the place of one such filter over `length` samples."""
    taps = constant(part, node.input[1]).reshape(-1)
    bank = np.zeros((_PHASES, 1, 1, len(taps) + 2 * (_PHASES - 1)), np.float32)
    for phase in range(_PHASES):
        bank[phase, 0, 0, 2 * phase : 2 * phase + len(taps)] = taps
    count = (length - len(taps)) // 2 + 1
    blocks = -(-count // _PHASES)
    missing = 2 * _PHASES * (blocks - 1) + bank.shape[3] - length
    numbers = {"pads": [0] * 7 + [missing], "line": [0, 1, 1, -1], "begin": [0], "end": [count], "axis": [3]}
    set_constant(part, f"{name}_bank", bank)
    for key, value in numbers.items():
        set_constant(part, f"{name}_{key}", np.array(value, np.int64))
    convolution: dict[str, Any] = {"kernel_shape": [1, bank.shape[3]], "strides": [1, 2 * _PHASES]}
    return [
        # A negative pad cuts off what the last block does not reach.
        helper.make_node("Pad", [node.input[0], f"{name}_pads"], [f"{name}_padded"]),
        helper.make_node("Conv", [f"{name}_padded", f"{name}_bank"], [f"{name}_phases"], **convolution),
        helper.make_node("Transpose", [f"{name}_phases"], [f"{name}_turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{name}_turned", f"{name}_line"], [f"{name}_long"]),
        helper.make_node("Slice", [f"{name}_long", f"{name}_begin", f"{name}_end", f"{name}_axis"], [node.output[0]]),
    ]


def _session(content: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _signals() -> dict[str, NDArray[np.float32]]:
    """A window of noise, and one of decaying tones that begin one after the other."""
    time = np.arange(43_844) / 22_050
    plucked = np.zeros_like(time)
    for index, pitch in enumerate((40, 47, 52, 56, 59, 64)):
        since = np.maximum(0.0, time - 0.3 * index)
        tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * since) * np.exp(-3 * since)
        plucked += np.where(since > 0, tone, 0.0) / 6
    noise = np.random.default_rng(0).normal(0, 0.1, len(time))
    return {"noise": noise.astype(np.float32), "plucked strings": plucked.astype(np.float32)}
