"""The guitar model's network: what it may know when, and that blocks of samples say what the whole says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the guitar model's training needs torch: make torch")

from inference.export.guitar import largest_difference, write_graph  # noqa: E402
from inference.training.front_end import HISTORY, HOP, LOWEST_PITCH, PITCHES, FrontEnd, bin_hz  # noqa: E402
from inference.training.network import (  # noqa: E402
    EARLY_DELAY,
    LATE_DELAY,
    STRINGS,
    Network,
    Shape,
    Streamed,
    state_size,
)

RATE_HZ = 22_050
SMALL = Shape(first=4, channels=6, late=6, last=5, dilations=(1, 2))


def random_network() -> Network:
    """A small one whose every part matters."""
    torch.manual_seed(3)
    network = Network(SMALL)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(network.say.weight)
    network.say.bias.data[6] = -3.5
    network.eval()
    return network


def noise(blocks: int, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    return torch.from_numpy((random.standard_normal((1, blocks * 1024)) * 0.1).astype(np.float32))


def said_by(network: Network, samples: Any) -> list[Any]:
    frets = torch.linspace(-1, 2, STRINGS * PITCHES).reshape(1, STRINGS, PITCHES)
    with torch.no_grad():
        return list(Streamed(network)(samples, frets, torch.zeros(1, state_size(network))))


@pytest.mark.parametrize("pitch", [28, 40, 57, 69, 88])
def test_a_sine_is_loudest_in_its_own_bin(pitch: int) -> None:
    centre = 3 * (pitch - LOWEST_PITCH) + 1
    time_s = torch.arange(HISTORY + 8 * HOP) / RATE_HZ
    with torch.no_grad():
        heard = FrontEnd()(0.5 * torch.sin(2 * math.pi * bin_hz(centre) * time_s)[None])[0]
    assert heard.shape[0] == 8
    assert heard[-1].argmax() in (centre - 1, centre, centre + 1)


def test_a_sine_of_440_hz_measures_its_amplitude() -> None:
    time_s = torch.arange(HISTORY + HOP) / RATE_HZ
    with torch.no_grad():
        heard = FrontEnd()(0.5 * torch.sin(2 * math.pi * 440 * time_s)[None])[0, 0]
    assert heard.max() == pytest.approx(0.5, rel=0.02)


def test_a_frame_knows_nothing_of_what_comes_a_hop_later() -> None:
    samples = noise(9)
    changed = samples.clone()
    at = HISTORY + 2 * HOP
    changed[:, at:] = 0.9
    with torch.no_grad():
        before, after = FrontEnd()(samples), FrontEnd()(changed)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])


def test_no_row_looks_further_ahead_than_its_delay() -> None:
    """Row t speaks about frame t - delay and is known with frame t, at most 150 ms after the frame it is about."""
    network, samples = random_network(), noise(16)
    changed = samples.clone()
    changed[:, 40 * HOP :] *= -3
    for before, after in zip(said_by(network, samples)[:-1], said_by(network, changed)[:-1], strict=True):
        assert torch.equal(before[:, :40], after[:, :40])
        assert not torch.allclose(before[:, 40:], after[:, 40:])
    assert (LATE_DELAY + 1) * HOP / RATE_HZ < 0.150
    assert EARLY_DELAY < LATE_DELAY


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=5))
def test_blocks_say_what_the_whole_says(blocks: list[int]) -> None:
    network, samples = random_network(), noise(sum(blocks))
    whole = said_by(network, samples)
    frets = torch.linspace(-1, 2, STRINGS * PITCHES).reshape(1, STRINGS, PITCHES)
    state, parts, at = torch.zeros(1, state_size(network)), [], 0
    with torch.no_grad():
        for count in blocks:
            *said, state = Streamed(network)(samples[:, at : at + count * 1024], frets, state)
            parts.append(said)
            at += count * 1024
    joined = [*(torch.cat(rows, dim=1) for rows in zip(*parts, strict=True)), state]
    for ours, theirs in zip(joined, whole, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_string_without_the_pitch_is_impossible() -> None:
    frets = torch.full((1, STRINGS, PITCHES), -1.0)
    frets[:, 2:4] = 0.5
    network = random_network()
    with torch.no_grad():
        strings = Streamed(network)(noise(2), frets, torch.zeros(1, state_size(network)))[6]
    assert float(strings[:, :, [0, 1, 4, 5, 6, 7]].max()) < 1e-9
    assert torch.allclose(strings.sum(2), torch.ones(1), atol=1e-5)


def test_the_served_graph_agrees_with_torch(tmp_path: Path) -> None:
    network = random_network()
    write_graph(network, tmp_path / "model.onnx")
    assert largest_difference(network, tmp_path / "model.onnx", seconds=1.5) < 1e-4
