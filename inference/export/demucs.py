"""Any HTDemucs checkpoint as the ONNX graph that is served: `python -m inference.export.demucs htdemucs_6s`.

Needs the extra `export` (torch and demucs), at export only. The checkpoint comes through the demucs package's own
loader, which keeps a cache and checks a digest. The graph gives one stem; the spectrogram's transform stays outside
(inference/waveforms.py), so that only one stem's inverse has to be worked out and a library's transform does it.
Attention looks with one head after another: all at once they hold 220 MB of weights that are used once.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from inference.export.place import place_model
from inference.export.precision import with_half_weights
from inference.model_spec import CONFIG_NAME, mismatch, read_model_spec
from inference.registry import default_model_repo
from inference.waveforms import joined_signal, parted_spectrum
from music.errors import GenesisError, Reason, Unavailable

_OPSET = 17
_TOLERANCE = 1e-3
_SEPARATIONS = {"guitar": "guitar", "vocals": "vocals_removed"}
_CONFIG = """\
# {name}: the stem "{stem}" of an HTDemucs checkpoint. Written by inference/export/demucs.py together with its file.
name: "{name}"
backend: "onnxruntime"
max_batch_size: 1
default_model_filename: "model.onnx"
version_policy {{ specific {{ versions: [ 1 ] }} }}

input [
  {{ name: "mix" data_type: TYPE_FP32 dims: [ 2, {window} ] }},
  {{ name: "spectrum" data_type: TYPE_FP32 dims: [ 4, {bins}, {frames} ] }}
]
output [
  {{ name: "stem_waveform" data_type: TYPE_FP32 dims: [ 2, {window} ] }},
  {{ name: "stem_spectrum" data_type: TYPE_FP32 dims: [ 4, {bins}, {frames} ] }}
]
"""


def load_checkpoint(name: str, folder: Path | None = None) -> Any:
    """An HTDemucs in evaluation mode.

    Args:
        name: of a model the demucs package knows, or a signature in `folder`.
        folder: with checkpoints of one's own, `SIGNATURE-DIGEST.th`; None for the published ones.

    Raises:
        Unavailable: MODEL_MISSING, it is out of reach; MODEL_MISMATCH, its digest is wrong or it is no HTDemucs.
    """
    from demucs.apply import BagOfModels
    from demucs.htdemucs import HTDemucs
    from demucs.pretrained import get_model

    try:
        model = get_model(name, folder)
    except Exception as error:
        # The loader tries two hubs and a cache; what it raises shares no base class.
        if "checksum" in str(error) or "hash" in str(error):
            raise mismatch(name, f"its checkpoint is not the published one ({error}). Nothing was changed.") from error
        message = (
            f"The checkpoint of {name} did not arrive ({type(error).__name__}: {error}). The demucs package fetches it "
            "from its hub once and keeps it; check the network, or give --folder with the checkpoint in it."
        )
        raise Unavailable(Reason.MODEL_MISSING, message, model=name) from error
    if isinstance(model, BagOfModels):
        if len(model.models) != 1:
            raise mismatch(name, f"it is a bag of {len(model.models)} networks; export one of them by its signature.")
        model = model.models[0]
    if not isinstance(model, HTDemucs) or not model.cac:
        raise mismatch(name, f"it is a {type(model).__name__}, not an HTDemucs over complex channels.")
    return model.eval()


class OneStem(torch.nn.Module):
    """An HTDemucs whose spectrogram is given and taken outside.

    The network's own four steps between signal and spectrogram are replaced on this instance, and the way its attention
    is worked out; everything else is its code, unchanged.
    """

    def __init__(self, model: Any, stem: int) -> None:
        super().__init__()
        self.model = model
        self._stem = stem

    def forward(self, mix: torch.Tensor, spectrum: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """f32[b, 2, n] and f32[b, 4, bins, t] → waveform and spectrogram whose signals add up to the stem."""
        said: list[torch.Tensor] = []

        def taken(parts: torch.Tensor, _length: int) -> torch.Tensor:
            said.append(parts)
            return mix.new_zeros(())

        steps = {
            "_spec": lambda _signal: spectrum,
            "_magnitude": lambda parts: parts,
            "_mask": lambda _mix, parts: parts,
            "_ispec": taken,
        }
        attentions = [part for part in self.model.modules() if isinstance(part, torch.nn.MultiheadAttention)]
        for name, step in steps.items():
            setattr(self.model, name, step)
        for attention in attentions:
            attention.forward = partial(_attend, attention)
        try:
            waveform = self.model(mix)
        finally:
            for name in steps:
                delattr(self.model, name)
            for attention in attentions:
                del attention.forward
        return waveform[:, self._stem], said[0][:, self._stem]


def _attend(
    attention: torch.nn.MultiheadAttention, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **_: Any
) -> tuple[torch.Tensor, None]:
    """What the module says without masks, f32[b, n, width] or as it wants its batch, one head after another."""
    if not attention.batch_first:
        query, key, value = (said.transpose(0, 1) for said in (query, key, value))
    shares = attention.in_proj_weight.chunk(3)
    biases = (None,) * 3 if attention.in_proj_bias is None else attention.in_proj_bias.chunk(3)
    queries, keys, values = (
        torch.nn.functional.linear(said, share, bias).split(attention.head_dim, dim=-1)
        for said, share, bias in zip((query, key, value), shares, biases, strict=True)
    )
    scale = attention.head_dim**-0.5
    heads = [
        torch.softmax(q * scale @ k.transpose(1, 2), dim=-1) @ v for q, k, v in zip(queries, keys, values, strict=True)
    ]
    result = attention.out_proj(torch.cat(heads, dim=-1))
    return result if attention.batch_first else result.transpose(0, 1), None


def graph_of(model: Any, stem: str) -> onnx.ModelProto:
    """The graph of one stem, at the length the network was trained on."""
    core = OneStem(model, model.sources.index(stem)).eval()
    inputs = sample_inputs(model)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter warns about its own age and about sizes that are constant here on purpose.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            core,
            tuple(torch.from_numpy(array[np.newaxis]) for array in inputs),
            file,
            input_names=["mix", "spectrum"],
            output_names=["stem_waveform", "stem_spectrum"],
            opset_version=_OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(file.getvalue())
    for tensor in (*graph.graph.input, *graph.graph.output):
        # The configuration counts the batch apart, and says that it is one.
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(graph)
    return graph


def window_of(model: Any) -> int:
    """Samples of the window it was trained on."""
    return int(model.segment * model.samplerate)


def sample_inputs(model: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A window of noise and its spectrogram."""
    mix = 0.3 * np.random.default_rng(seed).standard_normal((2, window_of(model))).astype(np.float32)
    return mix, parted_spectrum(mix, model.nfft, model.hop_length)


def config_of(model: Any, name: str, stem: str, sha256: str) -> str:
    """The model's `config.pbtxt`."""
    window = window_of(model)
    rate = int(model.samplerate)
    quarter = window // 4
    live = [f"{window}/{hop}/{fade}/{right}" for hop, fade, right in _live(rate, window)]
    parameters = {
        "role": "separator",
        "kind": "waveforms",
        "separation": _SEPARATIONS.get(stem, "guitar"),
        **{f"tensor_{meaning}": meaning for meaning in ("mix", "spectrum", "stem_waveform", "stem_spectrum")},
        "sample_rate_hz": str(rate),
        "frame_samples": str(model.nfft),
        "frame_hop": str(model.hop_length),
        # The demucs program's own: a quarter of each window is faded into the next.
        "schedule_file": f"{window}/{window - quarter}/{quarter}/0",
        "schedules_live": " ".join(live),
        "runs_alone": "true",
        # The container's backend knows this one alone.
        "enable_mem_pattern": "0",
        "sha256": sha256,
        "source": f"demucs checkpoint {name}",
        "licence": "MIT",
        "attribution": "Hybrid Transformer Demucs, Meta Platforms, Inc. and affiliates",
    }
    head = _CONFIG.format(
        name=name, stem=stem, window=window, bins=model.nfft // 2, frames=-(-window // model.hop_length)
    )
    lines = (f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in parameters.items())
    return head + "\n" + "\n".join(lines) + "\n"


def _live(rate: int, window: int) -> list[tuple[int, int, int]]:
    """Hop, fade and right context, quickest answer first: half a second to two seconds between windows."""
    steps = [(rate // 2, rate // 10, rate // 2), (rate, rate // 10, rate // 2), (2 * rate, rate // 5, rate)]
    return [step for step in steps if sum(step) <= window] or [(window // 2, window // 8, window // 8)]


def export(model: Any, name: str, stem: str, model_repo: Path, *, half: bool = False) -> Path:
    """Write the model's folder: configuration and file, held to torch on the way. The folder.

    Raises:
        Unavailable: MODEL_MISMATCH, the graph says something else than torch; what was there stays.
        OSError: the disk is full or read-only; what was there stays.
    """
    graph = graph_of(model, stem)
    off = largest_difference(model, stem, graph)
    if not off <= _TOLERANCE:
        raise mismatch(name, f"the graph differs from torch by {off:.1e}, more than {_TOLERANCE}.")
    content = (with_half_weights(graph) if half else graph).SerializeToString(deterministic=True)
    folder = model_repo / name
    config = folder / CONFIG_NAME
    before = config.read_text(encoding="utf-8") if config.exists() else None
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(config_of(model, name, stem, hashlib.sha256(content).hexdigest()), encoding="utf-8")
    try:
        place_model(read_model_spec(folder), content)
    except BaseException:
        if before is None:
            config.unlink(missing_ok=True)
        else:
            config.write_text(before, encoding="utf-8")
        raise
    return folder


def largest_difference(model: Any, stem: str, graph: onnx.ModelProto) -> float:
    """Between torch's stem, whole, and the graph's, over a window of noise."""
    expected, found = both(model, stem, graph)
    return float(np.abs(expected - found).max())


def both(model: Any, stem: str, graph: onnx.ModelProto, mix: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A window's stem by torch, by its own code alone, and by the graph: f32[2, n] each."""
    noise, _ = sample_inputs(model, seed=1)
    window = noise if mix is None else mix
    with torch.no_grad():
        expected = model(torch.from_numpy(window[np.newaxis]))[0, model.sources.index(stem)].numpy()
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    spectrum = parted_spectrum(window, model.nfft, model.hop_length)
    feeds = {"mix": window[np.newaxis], "spectrum": spectrum[np.newaxis]}
    waveform, parts = session.run(["stem_waveform", "stem_spectrum"], feeds)
    found = waveform[0] + joined_signal(parts[0], window.shape[1], model.nfft, model.hop_length)
    return expected, found


def main() -> None:
    """Export a checkpoint and say what came of it."""
    parser = argparse.ArgumentParser(description="Write one stem of an HTDemucs checkpoint as ONNX.")
    parser.add_argument("name", nargs="?", default="htdemucs_6s")
    parser.add_argument("--stem", default="guitar")
    parser.add_argument("--folder", type=Path, help="with checkpoints of one's own")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    options = parser.parse_args()
    try:
        model = load_checkpoint(options.name, options.folder)
        if options.stem not in model.sources:
            parser.error(f"{options.name} has no stem {options.stem}; it has {', '.join(model.sources)}")
        folder = export(model, options.name, options.stem, default_model_repo(), half=options.half)
    except GenesisError as error:
        raise SystemExit(error.message) from None
    print(f"{folder}: ready; `genesis models verify` runs it")


if __name__ == "__main__":
    main()
