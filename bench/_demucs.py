"""The full-size architecture of htdemucs_6s on random weights: parity, precision, time, memory. Needs `export`.

Each side runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench._report import print_json, print_table

SIX = ["drums", "bass", "other", "vocals", "guitar", "piano"]
LENGTH_S = 24.0
OVERLAP = 0.25
_RATE_HZ = 44_100


def main() -> None:
    """Print the table and the JSON line; says so where torch or demucs is not there."""
    import importlib.util

    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("demucs") is None:
        print("demucs: left out, pip install genesis-music[export]")
        return
    with tempfile.TemporaryDirectory() as folder:
        exported = _in_own_process("export", folder)
        package, ours = _in_own_process("package", folder), _in_own_process("ours", folder)
        found, expected = (np.load(Path(folder) / f"{side}.npy") for side in ("ours", "package"))
        facts = exported | {
            "ratio": package["seconds"] / ours["seconds"],
            "running_level_db": _signal_to_error_db(expected, found),
        }
    print(f"\nhtdemucs_6s at full size on random weights ({exported['parameters'] / 1e6:.1f} M), noise bursts")
    rows = [
        [who, side["seconds"], side["cpu_s"], side["seconds"] / LENGTH_S, side["peak_mib"]]
        for who, side in (("demucs package, torch", package), ("ours, ONNX Runtime", ours))
    ]
    print_table(["side", "s", "cpu s", "of real time", "peak MiB"], rows)
    print(
        f"{LENGTH_S:.0f} s, windows of 7.8 s, overlap {OVERLAP}, shifts 0, all cores; ours faster "
        f"{facts['ratio']:.2f} times (aim 1.5)"
    )
    print(f"largest difference from torch, one window: {exported['largest_difference']:.1e} (aim 1e-3)")
    print(f"16-bit weights: {exported['half_db']:.1f} dB signal to error (aim 60); 8-bit: {exported['int8_db']:.1f} dB")
    print(f"running level against the whole track's, over {LENGTH_S:.0f} s: {facts['running_level_db']:.1f} dB")
    print("true SDR with the published weights: not run: no weights")
    print_json("separation_demucs", package=package, ours=ours, **facts)


def full_size() -> Any:
    """An HTDemucs of the size of htdemucs_6s, its weights drawn anew from a fixed seed."""
    from fractions import Fraction

    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    model = HTDemucs(sources=SIX, segment=Fraction(39, 5), samplerate=_RATE_HZ, t_layers=5, bottom_channels=0).eval()
    for part in model.modules():
        if type(part).__name__ == "LayerScale":
            # They begin at 1e-4, where whatever the transformer says goes unnoticed.
            part.scale.data.uniform_(0.1, 0.9)
    return model


def mix() -> np.ndarray:
    """f32[2, n]: noise bursts whose level moves, so that running and whole level differ."""
    random = np.random.default_rng(4)
    count = round(LENGTH_S * _RATE_HZ)
    level = np.repeat(np.exp(random.uniform(-3, -1, int(LENGTH_S * 4))), _RATE_HZ // 4)[:count]
    return np.asarray(random.standard_normal((2, count)) * level, np.float32)


def export(folder: Path) -> dict[str, float]:
    """Export, compare one window by torch, by the graph, and by the graphs with smaller numbers."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from inference.export import demucs
    from inference.export.precision import with_half_weights

    model = full_size()
    parameters = sum(p.numel() for p in model.parameters())
    written = demucs.export(model, "htdemucs_full", "guitar", folder)
    window = mix()[:, : demucs.window_of(model)]
    path = written / "1" / "model.onnx"
    expected, found = demucs.both(model, "guitar", onnx.load(path), window)
    _, half = demucs.both(model, "guitar", with_half_weights(onnx.load(path)), window)
    small = folder / "int8.onnx"
    quantize_dynamic(path, small, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    _, eighth = demucs.both(model, "guitar", onnx.load(small), window)
    return {
        "parameters": parameters,
        "bytes": path.stat().st_size,
        "largest_difference": float(np.abs(expected - found).max()),
        "half_db": _signal_to_error_db(expected, half),
        "int8_db": _signal_to_error_db(expected, eighth),
    }


def package(folder: Path) -> dict[str, float]:
    """The demucs package's own way: its normalisation over the track, its windows, its overlap."""
    import torch
    from demucs.apply import apply_model

    model = full_size()
    signal = torch.from_numpy(mix())
    mono = signal.mean(0)
    level = (signal - mono.mean()) / mono.std()
    with torch.no_grad():
        apply_model(model, level[None, :, : model.samplerate], shifts=0, split=False)
        begun, spent = time.perf_counter(), time.process_time()
        stems = apply_model(model, level[None], shifts=0, split=True, overlap=OVERLAP)
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - spent
    np.save(folder / "package.npy", (stems[0, SIX.index("guitar")] * mono.std() + mono.mean()).numpy())
    return {"seconds": seconds, "cpu_s": cpu_s}


def ours(folder: Path) -> dict[str, float]:
    """Our way: the running level, the same windows and overlap."""
    import os

    import anyio

    from inference.model_spec import read_model_spec
    from inference.separators import open_separator

    separator = open_separator(read_model_spec(folder / "htdemucs_full"), threads=os.cpu_count() or 1)
    signal = mix()

    async def run() -> np.ndarray:
        stream = separator.open_stream(separator.file_schedule)
        return np.concatenate([await stream.push(signal), await stream.finish()], axis=1)

    separator.network.run(np.zeros((2, separator.file_schedule.window), np.float32))
    begun, spent = time.perf_counter(), time.process_time()
    found = anyio.run(run)
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - spent
    np.save(folder / "ours.npy", found)
    return {"seconds": seconds, "cpu_s": cpu_s}


def _signal_to_error_db(expected: np.ndarray, found: np.ndarray) -> float:
    return float(10 * np.log10(np.square(expected).sum() / max(1e-20, np.square(expected - found).sum())))


def _in_own_process(what: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench._demucs", what, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


if __name__ == "__main__":
    _work = {"export": export, "package": package, "ours": ours}[sys.argv[1]]
    _facts = _work(Path(sys.argv[2]))
    print(json.dumps(_facts | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
