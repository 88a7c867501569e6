"""Small HTDemucs networks, made by the test, as graphs: what torch says they say."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exporting Demucs needs torch: pip install genesis-music[export]")
onnx = pytest.importorskip("onnx")
htdemucs = pytest.importorskip("demucs.htdemucs", reason="exporting Demucs needs demucs: genesis-music[export]")

from inference.export import demucs as exporting  # noqa: E402
from inference.export.precision import with_half_weights  # noqa: E402
from inference.separation import WindowedSeparator  # noqa: E402
from inference.separators import load_separator  # noqa: E402
from music.errors import Reason, Unavailable  # noqa: E402
from music.events import Separation  # noqa: E402

SIX = ["drums", "bass", "other", "vocals", "guitar", "piano"]
FOUR = SIX[:4]


def small(sources: list[str] = SIX, **changes: Any) -> Any:
    torch.manual_seed(1)
    shape = {"channels": 8, "depth": 4, "t_layers": 1, "t_heads": 2, "bottom_channels": 16, "samplerate": 8192}
    model = htdemucs.HTDemucs(sources=sources, segment=Fraction(1), **{**shape, **changes}).eval()
    for part in model.modules():
        if type(part).__name__ == "LayerScale":
            # They begin at 1e-4, where whatever the transformer says goes unnoticed.
            part.scale.data.uniform_(0.1, 0.9)
    return model


@pytest.mark.parametrize(
    ("model", "stem"),
    [(small(), "guitar"), (small(FOUR), "vocals"), (small(bottom_channels=0, t_layers=0), "bass")],
    ids=["six stems", "four stems", "no transformer"],
)
def test_the_graph_says_what_torch_says(model: Any, stem: str) -> None:
    graph = exporting.graph_of(model, stem)
    expected, found = exporting.both(model, stem, graph)
    assert np.abs(expected).max() > 1e-2
    # The last digits of what is as large as `expected`.
    assert np.abs(expected - found).max() <= 1e-5 * np.abs(expected).max()
    _, half = exporting.both(model, stem, with_half_weights(graph))
    assert 10 * np.log10(np.square(expected).sum() / np.square(expected - half).sum()) >= 60


def test_attention_holds_the_weights_of_one_head_at_a_time() -> None:
    graph = onnx.shape_inference.infer_shapes(exporting.graph_of(small(), "guitar"), data_prop=True)
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.graph.value_info}
    weights = [shapes[node.output[0]] for node in graph.graph.node if node.op_type == "Softmax"]
    # Two transformers of one layer, two heads each.
    assert len(weights) == 4
    assert all(len(shape) == 3 for shape in weights)


def test_an_exported_checkpoint_is_a_separator(tmp_path: Path) -> None:
    model = small()
    exporting.export(model, "htdemucs_small", "guitar", tmp_path)
    separator = load_separator(Separation.GUITAR, tmp_path, threads=2)
    assert isinstance(separator, WindowedSeparator)
    # A window holds hundreds of MiB at full size: they come one after another, whatever the threads.
    assert separator.windows_at_a_time == 1
    schedule = separator.choose_schedule(live=False, budget_cores=0)
    assert schedule is not None
    mix = 0.2 * np.random.default_rng(2).standard_normal((2, 8192)).astype(np.float32)

    async def run() -> np.ndarray:
        stream = separator.open_stream(schedule)
        return np.concatenate([await stream.push(mix), await stream.finish()], axis=1)

    found = anyio.run(run)
    mono = mix.mean(axis=0)
    mean, deviation = mono.mean(), mono.std(ddof=1)
    with torch.no_grad():
        expected = model(torch.from_numpy((mix - mean) / deviation)[None])[0, 4].numpy() * deviation + mean
    # The first window is the whole signal; the last samples pass into the next one, which holds their rest alone.
    np.testing.assert_allclose(found[:, :6000], expected[:, :6000], atol=1e-4)


def test_a_graph_that_differs_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = exporting.export(small(), "small", "guitar", tmp_path)
    before = {path: path.read_bytes() for path in (folder / "config.pbtxt", folder / "1" / "model.onnx")}
    monkeypatch.setattr(exporting, "largest_difference", lambda *_: 1.0)
    with pytest.raises(Unavailable) as caught:
        exporting.export(small(t_layers=0), "small", "guitar", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "largest_difference", lambda *_: 0.0)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        exporting.export(small(t_layers=0), "small", "guitar", tmp_path)
    assert before == {path: path.read_bytes() for path in before}


def test_a_wrong_digest_and_a_missing_checkpoint_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "abcd-00000000.th").write_bytes(b"not it")
    with pytest.raises(Unavailable) as caught:
        exporting.load_checkpoint("abcd", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH
    with pytest.raises(Unavailable) as caught:
        exporting.load_checkpoint("efgh", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISSING
    assert "--folder" in caught.value.message
