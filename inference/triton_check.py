"""Whether a Triton server serves the models that are meant. Nothing is found out by trying a session on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, TensorSpec, mismatch
from inference.onnx_runner import check_outputs, zeros_for
from inference.ports import Runner
from inference.triton_client import TritonClient
from music.errors import Reason, Unavailable

_FREE_LENGTH = 32
_RELATIVE, _ABSOLUTE = 1e-2, 1e-2
"""Far above what devices and batches differ by (1e-3 with TF32), far below what other weights would."""


async def check_served(client: TritonClient, ours: ModelSpec, timeout_s: float, local: Runner | None = None) -> None:
    """Hold the server's model to ours: ready, same tensors, same digest, and the same answer to the same noise.

    Args:
        client: the server.
        ours: the model as this side's configuration describes it.
        timeout_s: of each question.
        local: the same model in this process, whose answer the server's must be; without it numbers that are finite and
            of the right shape do. The container's backend looks at no digest: this finds a file that is another one.

    Raises:
        ServerUnavailable: MODEL_SERVER_UNAVAILABLE.
        Unavailable: MODEL_MISSING or MODEL_MISMATCH, saying which of it and what to do.
    """
    state = (await client.states(timeout_s)).get(ours.name)
    if state is None:
        message = f"The server at {client.address} has no model {ours.name}: start it on this model repository."
        raise Unavailable(Reason.MODEL_MISSING, message, model=ours.name, address=client.address)
    if not state.is_ready:
        raise mismatch(ours.name, f"the server at {client.address} could not load it: {_first_line(state.detail)}.")
    _compare(client.address, ours, await client.spec(ours, timeout_s))
    noise = noise_for(ours)
    outputs = await client.infer(ours, noise, timeout_s)
    check_outputs(ours, outputs)
    if local is not None:
        _compare_answers(client.address, ours, outputs, await local.run(noise))


def noise_for(spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """Quiet noise in the shape of the model's inputs, the same every time."""
    generator = np.random.default_rng(0)
    free = int(spec.parameters.get("free_length", _FREE_LENGTH))
    shapes = {t.name: tuple(free if n is None else n for n in t.shape) for t in spec.inputs}
    return {
        name: (0.1 * generator.standard_normal(shapes[name])).astype(array.dtype)
        for name, array in zeros_for(spec).items()
    }


def _compare(address: str, ours: ModelSpec, served: ModelSpec) -> None:
    where = f"on the server at {address}"
    for kind, mine, theirs in (("input", ours.inputs, served.inputs), ("output", ours.outputs, served.outputs)):
        if _by_name(mine) != _by_name(theirs):
            listed = ", ".join(str(t) for t in theirs), ", ".join(str(t) for t in mine)
            raise mismatch(ours.name, f"its {kind}s are {listed[0]} {where}, and {listed[1]} here.")
    for what, mine_said, theirs_said in (
        ("max_batch_size", ours.max_batch_size, served.max_batch_size),
        ("version", ours.path.parent.name, served.path.parent.name),
        ("SHA-256", ours.sha256, served.parameters.get("sha256", "none")),
    ):
        if mine_said != theirs_said:
            message = f"its {what} is {theirs_said} {where}, and {mine_said} here; both must use one model repository."
            raise mismatch(ours.name, message, found=theirs_said, expected=mine_said)


def _compare_answers(
    address: str, ours: ModelSpec, served: dict[str, NDArray[Any]], local: dict[str, NDArray[Any]]
) -> None:
    for name, array in local.items():
        if not np.allclose(served[name], array, rtol=_RELATIVE, atol=_ABSOLUTE):
            worst = float(np.abs(served[name].astype(np.float64) - array).max())
            message = (
                f"the server at {address} gives other numbers for {name} than the file here (up to {worst:.3g} apart): "
                "its file is another one."
            )
            raise mismatch(ours.name, message, tensor=name)


def _by_name(tensors: tuple[TensorSpec, ...]) -> dict[str, TensorSpec]:
    return {tensor.name: tensor for tensor in tensors}


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].removesuffix(".") if lines else "it does not say why"
