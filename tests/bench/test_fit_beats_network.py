"""What is fitted is what ships."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from bench._beat_examples import FRAMES, NETWORK_SEED, beat_examples, of_piece, off_beats
from bench._rhythm_pieces import song_pieces
from music.beats_hearing import HEARD
from music.beats_network import METRES, BeatNetwork, learned_network


def test_torch_and_plain_arrays_say_the_same() -> None:
    torch = pytest.importorskip("torch")
    from bench.fit_beats_network import Net

    torch.manual_seed(3)
    net = Net().eval()
    heard = np.random.default_rng(0).normal(0, 1, (200, HEARD)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(heard.T[None])).numpy()[0].T
    assert np.abs(net.numbers().outputs(heard) - expected).max() < 1e-4


def test_a_wider_network_goes_on_from_what_a_narrower_one_says() -> None:
    pytest.importorskip("torch")
    from bench.fit_beats_network import CHANNELS, Net

    random = np.random.default_rng(1)
    known = learned_network().to_arrays()
    narrow = {
        "entry": known["entry"][:, :30],
        "entry_bias": known["entry_bias"][:30],
        "inner": known["inner"][:, :, :30, :30],
        "inner_bias": known["inner_bias"][:, :30],
        "outer": known["outer"][:, :30, :30],
        "outer_bias": known["outer_bias"][:, :30],
        "head": known["head"][:30],
        "head_bias": known["head_bias"],
    }
    net = Net().eval()
    net.widen(BeatNetwork.from_arrays(narrow))
    heard = random.normal(0, 1, (200, HEARD)).astype(np.float32)
    wide = net.numbers()
    assert wide.entry.shape[1] == CHANNELS
    expected = BeatNetwork.from_arrays(narrow).outputs(heard)
    assert np.abs(wide.outputs(heard) - expected).max() < 1e-4 * np.abs(expected).max()


def test_off_the_beat_nothing_but_downbeats_is_left_on_it() -> None:
    piece = next(song_pieces(NETWORK_SEED - 400, 1, 40.0))
    changed = off_beats(np.random.default_rng(0), of_piece(piece))
    beats = np.asarray(piece.performance.beats, np.float64)
    place = np.interp([note.onset for note in changed.notes], beats, np.arange(len(beats)))
    count, first = piece.performance.beats_per_bar, piece.first_downbeat
    on = np.abs(place - np.round(place)) < 0.3
    assert 20 <= len(changed.notes) < len(piece.notes)
    assert ((np.round(place[on]) - first) % count == 0).all()


def test_examples_mark_beats_where_something_is_known_and_are_drawn_from_their_seed() -> None:
    first, again = (list(islice(beat_examples(NETWORK_SEED - 500), 12)) for _ in range(2))
    for example, same in zip(first, again, strict=True):
        assert np.array_equal(example.heard, same.heard)
        assert example.heard.shape == (FRAMES, HEARD)
        assert (example.beats[:, 1] <= example.beats[:, 0]).all()
        has_beats = example.metre < len(METRES)
        assert bool(example.beats.any()) == has_beats
        assert bool((example.tempo >= 0).any()) == has_beats
