"""The network that hears beats, what is told to it, and rows of beats read from what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from music.audio import SAMPLE_RATE_HZ
from music.beats_decoding import decoded, likely_tempi
from music.beats_evidence import BY_NETWORK, Evidence, likeliest, listen, row_heard
from music.beats_hearing import HEARD, HOP, hearing
from music.beats_network import OUTPUTS, TAPS, BeatNetwork, learned_network
from music.beats_onsets import Marker, onsets_of
from music.note import Note
from tests.music.test_beats_tracking import note, waltz


def evidence_of(notes: list[Note]) -> Evidence:
    onsets, marker = onsets_of(notes), Marker()
    return listen(onsets, [marker.mark(onset) for onset in onsets], onsets[-1].time + SAMPLE_RATE_HZ)


def told(notes: list[Note], frames: int) -> np.ndarray:
    onsets, marker = onsets_of(notes), Marker()
    return hearing(onsets, [marker.mark(onset) for onset in onsets], 0, frames)


def test_the_forward_pass_is_what_a_hand_computes() -> None:
    """One channel, two layers: taps 1 to 5 one frame apart, then 10 to 50 two frames apart."""
    inner = np.asarray([[[[n + 1.0]] for n in range(TAPS)], [[[10.0 * (n + 1)]] for n in range(TAPS)]])
    head = np.zeros((1, OUTPUTS))
    head[0, 0] = 1.0
    net = BeatNetwork.from_arrays(
        {
            "entry": np.asarray([[2.0]]),
            "entry_bias": np.zeros(1),
            "inner": inner,
            "inner_bias": np.asarray([[0.0], [-1000.0]]),
            "outer": np.asarray([[[1.0]], [[0.5]]]),
            "outer_bias": np.zeros((2, 1)),
            "head": head,
            "head_bias": np.full(OUTPUTS, 0.25),
        }
    )
    heard = np.zeros((9, 1), np.float32)
    heard[4] = 1.0
    # First layer: 2 at frame 4 is seen by frames 2 to 6 through taps 5 to 1, and stays.
    first = np.asarray([0, 0, 10, 8, 6 + 2, 4, 2, 0, 0])
    second = first.astype(float)
    for frame in range(9):
        seen = [first[at] if 0 <= (at := frame + 2 * (tap - 2)) < 9 else 0 for tap in range(TAPS)]
        second[frame] += 0.5 * max(0.0, sum(10 * (tap + 1) * x for tap, x in enumerate(seen)) - 1000)
    found = net.outputs(heard)
    assert found[:, 0] == pytest.approx(second + 0.25)
    assert (found[:, 1:] == 0.25).all()


def test_a_stroke_between_two_frames_is_told_to_both_and_what_is_outside_to_none() -> None:
    at = 10.25 * HOP / SAMPLE_RATE_HZ
    found = told([note("a", at, 45), note("b", at, 64), note("late", 3.0, 50)], 40)
    assert found.shape == (40, HEARD)
    assert found[[10, 11], 0] == pytest.approx([0.75, 0.25], abs=0.01)
    assert found[:, 0].sum() == pytest.approx(1.0)
    assert found[10, 1] == pytest.approx(0.75 * 2 / 4, abs=0.01)


def test_nothing_is_asked_of_where_notes_end() -> None:
    notes = waltz(3)
    open_ended = [replace(n, offset=None) for n in notes]
    assert np.array_equal(told(notes, 500), told(open_ended, 500))


def test_the_learned_network_expects_beats_where_they_are_and_downbeats() -> None:
    for count in (3, 4):
        heard = evidence_of(waltz(count))
        beats = np.round((0.5 + np.arange(16 * count) * 0.6) * SAMPLE_RATE_HZ).astype(np.int64)
        at, between = heard.frames(beats), heard.frames(beats[:-1] + round(0.3 * SAMPLE_RATE_HZ))
        assert heard.beat[at].mean() > heard.beat[between].mean() + 3
        assert heard.down[at[::count]].mean() > heard.down[at[1::count]].mean() + 2
        assert likely_tempi(heard)[0] == pytest.approx(100, rel=0.06)


def test_rows_read_from_the_network_rise_and_the_first_has_the_true_beats() -> None:
    rows = decoded(evidence_of(waltz(4)))
    assert all((np.diff(row) > 0).all() for row in rows)
    beats = (0.5 + np.arange(64) * 0.6) * SAMPLE_RATE_HZ
    assert np.abs(beats[:, None] - rows[0][None]).min(axis=1).max() < 0.05 * SAMPLE_RATE_HZ
    assert len(rows[0]) < 70


def test_of_many_rows_the_one_with_the_true_beats_is_kept_and_caught() -> None:
    heard = evidence_of(waltz(4))
    beats = np.round((0.5 + np.arange(64) * 0.6) * SAMPLE_RATE_HZ).astype(np.int64)
    others = [beats + 3000, beats[::2], beats[::3], np.sort(np.append(beats, beats[:-1] + 6615))]
    assert any(row is beats for row in likeliest(heard, [*others, beats], 1))
    true, off = (row_heard(heard, row).own[BY_NETWORK.index("net_caught")] for row in (beats, beats + 6615))
    assert true > off + 0.5


def test_the_learned_network_has_the_shape_that_is_read() -> None:
    net = learned_network()
    assert net.entry.shape[0] == HEARD
    assert net.head.shape[1] == OUTPUTS
    assert len(net.inner) == len(net.outer)
