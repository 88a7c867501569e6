"""Small operations on ONNX graphs that leave every result as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


def initializers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """The model's constants by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def set_constant(model: onnx.ModelProto, name: str, value: NDArray[np.generic]) -> None:
    """Replace a constant, or add one."""
    tensor = numpy_helper.from_array(np.asarray(value, order="C"), name)
    known = initializers(model).get(name)
    if known is None:
        model.graph.initializer.append(tensor)
    else:
        known.CopyFrom(tensor)


def constant(model: onnx.ModelProto, name: str) -> NDArray[Any]:
    """A constant's value."""
    value: NDArray[Any] = numpy_helper.to_array(initializers(model)[name])
    return value


def rename(model: onnx.ModelProto, before: str, after: str) -> None:
    """Call a tensor by another name, wherever it is used."""
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == before:
                    names[index] = after


def part_of(
    model: onnx.ModelProto, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> onnx.ModelProto:
    """The nodes that lie between some tensors, as a model of their own.

    Args:
        model: left as it is.
        name: of the new graph.
        inputs: float tensors that are given; shapes with names for free lengths.
        outputs: float tensors that are wanted.
    """
    wanted, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            nodes.append(node)
            wanted |= set(node.input) - set(inputs)
    used = {tensor for node in nodes for tensor in node.input}
    graph = helper.make_graph(
        nodes[::-1],
        name,
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in inputs.items()],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in outputs.items()],
        [tensor for tensor in model.graph.initializer if tensor.name in used],
    )
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(part)
    return part
