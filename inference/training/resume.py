"""A network to go on training from, out of the graph that is served: what is committed is enough to train further.

The exporter folds every batch normalisation into the convolution before it. Here each is set up again from what its
convolution says of training examples, so that the network says the same as the graph and the next steps start well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from inference.training.network import Memory, Network


def served_network(graph: Path, examples: Iterable[tuple[Tensor, Tensor]]) -> Network:
    """The network of a served graph.

    Args:
        graph: an `.onnx` file that `inference.export.guitar` wrote.
        examples: magnitudes and frets as `Network.forward` takes them, a few batches of training material.

    Raises:
        KeyError: the graph has no node for one of the network's layers.
    """
    network = Network()
    model = onnx.load(graph)
    arrays = {array.name: numpy_helper.to_array(array).copy() for array in model.graph.initializer}
    nodes = {node.name: node for node in model.graph.node}
    norms: list[nn.BatchNorm2d] = []
    convolution = ""
    with torch.no_grad():
        for name, layer in network.named_modules():
            place = _node_name(name)
            if isinstance(layer, nn.Conv2d):
                convolution = place
                _fill(layer, *(arrays[array] for array in nodes[f"{place}/Conv"].input[1:]))
            elif isinstance(layer, nn.BatchNorm2d):
                # A normalisation follows its convolution and is that convolution's bias in the graph.
                layer.bias.copy_(torch.from_numpy(arrays[nodes[f"{convolution}/Conv"].input[2]]))
                norms.append(layer)
            elif isinstance(layer, nn.Linear) and f"{place}/Gemm" in nodes:
                _fill(layer, *(arrays[array] for array in nodes[f"{place}/Gemm"].input[1:]))
            elif isinstance(layer, nn.Linear):
                _fill(layer, arrays[nodes[f"{place}/MatMul"].input[1]].T, arrays[f"network.{name}.bias"])
    _unfold(network, norms, examples)
    return network


def _fill(layer: nn.Conv2d | nn.Linear, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
    if layer.bias is not None:
        layer.bias.copy_(torch.from_numpy(bias))


def _node_name(module: str) -> str:
    """The exporter's name of a module's node: members of a list or sequence keep its name before theirs."""
    parts = module.split(".")
    path: list[str] = []
    for index, part in enumerate(parts):
        if part.isdigit() and index:
            member = f"{parts[index - 1]}.{part}"
            # A list has no node of its own, a sequence has.
            path[-1:] = [member] if parts[index - 1] == "blocks" else [parts[index - 1], member]
        else:
            path.append(part)
    return "/network/" + "/".join(path)


def _unfold(network: Network, norms: list[nn.BatchNorm2d], examples: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Each normalisation gets the mean and spread that its convolution has, and takes them back by weight and bias."""
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {norm: [] for norm in norms}

    def note(norm: nn.Module, heard: tuple[Tensor, ...], _said: Tensor) -> None:
        seen[norm].append((heard[0].float().mean((0, 2, 3)), heard[0].float().square().mean((0, 2, 3))))

    network.eval()
    hooks = [norm.register_forward_hook(note) for norm in norms]
    with torch.no_grad():
        for norm in norms:
            norm.running_var.fill_(1.0 - norm.eps)
        for magnitudes, frets in examples:
            network(magnitudes, frets, Memory(None, len(magnitudes)))
        for hook in hooks:
            hook.remove()
        for norm in norms:
            mean, square = (torch.stack(part).mean(0) for part in zip(*seen[norm], strict=True))
            variance = (square - mean.square()).clamp(min=1e-8)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.add_(mean)
    network.train()
