"""Writes the trained guitar model as the graph that is served, calibrated, and holds it to the original.

`python -m inference.export.guitar var/training/run/network.pt` (needs torch).
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from inference.training.front_end import PITCHES
from inference.training.network import OUTPUT_NAMES, STRINGS, Network, Streamed, state_size

_OPSET = 17
_STEP = 1024
_TOLERANCE = 1e-4


def write_graph(network: Network, path: Path) -> None:
    """The network and its front end as one ONNX file, any batch, one block of samples a run."""
    size = state_size(network)
    inputs = (torch.zeros(1, _STEP), torch.zeros(1, STRINGS, PITCHES), torch.zeros(1, size))
    # Only the batch is free: with the block's length fixed, the sizes inside are constants.
    free = {name: {0: "batch"} for name in ("samples", "frets", "state", *OUTPUT_NAMES)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The exporter warns about its own age and about sizes that are constant here on purpose.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Streamed(network.eval()).eval(),
            inputs,
            str(path),
            input_names=["samples", "frets", "state"],
            output_names=list(OUTPUT_NAMES),
            dynamic_axes=free,
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def largest_difference(network: Network, path: Path, seconds: float = 4.0) -> float:
    """Between torch on a whole signal and ONNX Runtime step by step: noise bursts of all levels, all outputs."""
    random = np.random.default_rng(5)
    steps = int(seconds * 22050 / _STEP)
    loudness = np.exp(random.uniform(-7, 0, steps)).repeat(_STEP)
    samples = (random.standard_normal(steps * _STEP) * loudness * 0.2).astype(np.float32)[None]
    frets = random.uniform(-1, 2, (1, STRINGS, PITCHES)).astype(np.float32)
    state = np.zeros((1, state_size(network)), np.float32)
    with torch.no_grad():
        whole = Streamed(network.eval())(*(torch.from_numpy(part) for part in (samples, frets, state)))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    said: list[list[np.ndarray]] = []
    for step in range(steps):
        part = {"samples": samples[:, step * _STEP : (step + 1) * _STEP], "frets": frets, "state": state}
        outputs = session.run(list(OUTPUT_NAMES), part)
        said.append(outputs[:-1])
        state = outputs[-1]
    parts = [np.concatenate(rows, axis=1) for rows in zip(*said, strict=True)]
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip([*parts, state], whole, strict=True))


def main() -> None:
    """Write the graph, print its digest and how far it is from the original."""
    parser = argparse.ArgumentParser(description="Write the trained guitar model as ONNX.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, default=Path("model_repo/guitar/1/model.onnx"))
    options = parser.parse_args()
    network = Network()
    network.load_state_dict(torch.load(options.weights, weights_only=True))
    write_graph(network, options.out)
    difference = largest_difference(network, options.out)
    print(f"state: {state_size(network)} floats; largest difference from torch: {difference:.1e}")
    print(f"sha256: {hashlib.sha256(options.out.read_bytes()).hexdigest()}")
    if difference > _TOLERANCE:
        raise SystemExit(f"more than {_TOLERANCE}")


if __name__ == "__main__":
    main()
