"""Every model on this machine's CUDA device beside its processor: parity and speed. `python -m bench gpu`.

Needs a CUDA device and the extra `gpu` (onnxruntime-gpu) in place of `cpu`; says so where either is missing.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench._report import print_json, print_table
from inference.model_spec import ModelSpec, read_model_spec
from inference.onnx_runner import OnnxRunner
from inference.registry import default_model_repo, list_models
from inference.triton_check import noise_for

CUDA = "CUDAExecutionProvider"
# The same as in inference/onnx_runner.py: fixed algorithms in full precision.
OPTIONS = {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}
DEVICE = Path("/dev/nvidia0")
WARM_UP, RUNS = 10, 100
MOST = 1e-3
"""Largest difference that is still the same model."""


def main() -> None:
    """Print the table and the JSON line."""
    import onnxruntime

    if missing := what_is_missing(onnxruntime, DEVICE):
        print(f"not run: {missing}")
        print_json("gpu", not_run=missing)
        return
    names = [model.name for model in list_models(default_model_repo()) if model.problem is None]
    rows = [measure(onnxruntime, read_model_spec(default_model_repo() / name)) for name in names]
    print_table(
        ["model", "batch", "processor ms", "CUDA ms", "ratio", "largest difference"], [r for some in rows for r in some]
    )
    worst = {str(some[0][0]): max(float(str(row[5])) for row in some) for some in rows}
    apart = [name for name, value in worst.items() if not value <= MOST]
    print(f"further apart than {MOST:g}: {', '.join(apart) or 'none'}")
    print_json("gpu", worst_difference=worst, within=not apart)


def what_is_missing(onnxruntime: ModuleType, device: Path) -> str:
    """Why nothing can be measured here; empty when it can."""
    if not device.exists():
        return f"there is no CUDA device on this machine ({device} is absent)"
    if CUDA not in onnxruntime.get_available_providers():
        return "this environment has no onnxruntime-gpu; install genesis-music[gpu] in place of genesis-music[cpu]"
    return ""


def measure(onnxruntime: ModuleType, spec: ModelSpec) -> list[list[object]]:
    """One row a batch size: medians of a run on either, and how far their answers lie apart."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(spec.read_model(), options, providers=[(CUDA, OPTIONS)])
    if session.get_providers()[0] != CUDA:
        raise RuntimeError(f"{spec.name}: ONNX Runtime fell back to {session.get_providers()}")
    local, noise, rows = OnnxRunner(spec, 1), noise_for(spec), []
    names = [tensor.name for tensor in spec.outputs]
    local_ms = _median_ms(lambda: local.run_blocking(noise))
    expected = local.run_blocking(noise)
    for batch in (1, spec.max_batch_size) if spec.max_batch_size > 1 else (1,):
        feeds = {name: _batched(array, batch, spec) for name, array in noise.items()}
        found = dict(zip(names, session.run(names, feeds), strict=True))
        worst = max(float(np.abs(found[n] - expected[n]).max()) for n in names)
        cuda_ms = _median_ms(lambda feeds=feeds: session.run(names, feeds))
        rows.append([spec.name, batch, local_ms, cuda_ms / batch, local_ms * batch / cuda_ms, f"{worst:.1e}"])
    return rows


def _batched(array: NDArray[Any], batch: int, spec: ModelSpec) -> NDArray[Any]:
    return np.repeat(array[np.newaxis], batch, axis=0) if spec.max_batch_size else array


def _median_ms(run: Any) -> float:
    times = []
    for number in range(WARM_UP + RUNS):
        begun = time.perf_counter()
        run()
        if number >= WARM_UP:
            times.append((time.perf_counter() - begun) * 1e3)
    return float(np.median(times))
