"""Training goes on from the graph that is served."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

torch = pytest.importorskip("torch", reason="the guitar model's training needs torch: make torch")

from torch import nn  # noqa: E402

from inference.export.guitar import largest_difference  # noqa: E402
from inference.training.front_end import BINS, PITCHES  # noqa: E402
from inference.training.network import STRINGS, Memory, Network  # noqa: E402
from inference.training.resume import served_network  # noqa: E402

GRAPH = Path(__file__).parents[3] / "model_repo" / "guitar" / "1" / "model.onnx"


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(2)
    examples = [(torch.rand(2, 64, BINS), torch.rand(2, STRINGS, PITCHES) * 2 - 0.5) for _ in range(2)]
    return served_network(GRAPH, examples)


def test_it_says_what_the_graph_says(network: Network) -> None:
    assert largest_difference(network.eval(), GRAPH, seconds=1.0) < 1e-4


def test_its_normalisations_know_what_their_convolutions_say(network: Network) -> None:
    """Else the first step of training, which normalises by the batch, would say something else altogether."""
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 11
    assert all(layer.running_var is not None and (layer.running_var != 1).all() for layer in norms)
    heard = torch.rand(2, 64, BINS)
    frets = torch.rand(2, STRINGS, PITCHES) * 2 - 0.5
    with torch.no_grad():
        served = network.eval()(heard, frets, Memory(None, 2)).onset
        learning = network.train()(heard, frets, Memory(None, 2)).onset
    assert float((served - learning).abs().mean()) < 0.1 * float(served.abs().mean())


def test_another_graph_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), other)
    with pytest.raises(KeyError):
        served_network(other, [])
