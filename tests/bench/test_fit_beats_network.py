"""What is fitted is what ships."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from bench._beat_examples import FRAMES, NETWORK_SEED, beat_examples
from music.beats_hearing import HEARD
from music.beats_network import METRES


def test_torch_and_plain_arrays_say_the_same() -> None:
    torch = pytest.importorskip("torch")
    from bench.fit_beats_network import Net

    torch.manual_seed(3)
    net = Net().eval()
    heard = np.random.default_rng(0).normal(0, 1, (200, HEARD)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(heard.T[None])).numpy()[0].T
    assert np.abs(net.numbers().outputs(heard) - expected).max() < 1e-4


def test_examples_mark_beats_where_something_is_known_and_are_drawn_from_their_seed() -> None:
    first, again = (list(islice(beat_examples(NETWORK_SEED - 500), 12)) for _ in range(2))
    for example, same in zip(first, again, strict=True):
        assert np.array_equal(example.heard, same.heard)
        assert example.heard.shape == (FRAMES, HEARD)
        assert (example.beats[:, 1] <= example.beats[:, 0]).all()
        has_beats = example.metre < len(METRES)
        assert bool(example.beats.any()) == has_beats
        assert bool((example.tempo >= 0).any()) == has_beats
