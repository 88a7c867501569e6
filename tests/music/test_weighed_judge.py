"""Onsets weighed anew: who is found, what is said of them, and that it hangs on nothing but the frames around."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.activations import LOWEST_PITCH, Activations, join
from music.boosted_trees import load_trees
from music.note_tracking import NoteTracker, Track, TrackState
from music.onset_judging import Onset
from music.probability_judge import ProbabilityJudge
from music.tracking_rules import GUITAR_RULES, OnsetKind
from music.weighed_evidence import FRAMES_AHEAD, FRAMES_BEFORE, HISTORY, LATELY, evidence, lately
from music.weighed_judge import GUITAR_TREES, WeighedJudge
from tests.support.activation_maps import pieces_of
from tests.support.calibrated_maps import Played, calibrated_maps, calibrated_noise

RULES = replace(GUITAR_RULES, onsets=OnsetKind.WEIGHED, reach=2, note_probability=0.45, birth_probability=0.45)
COLUMNS = range(40 - LOWEST_PITCH, 87 - LOWEST_PITCH)


def tracks(pieces: list[Activations]) -> list[Track]:
    """Every change as it stood then."""
    tracker = NoteTracker(40, 86, RULES, 6)
    steps = chain.from_iterable([*(tracker.advance(piece) for piece in pieces), tracker.finish()])
    return [replace(track, deviations=[]) for step in steps for track in step.changed]


def decided(maps: Activations, begin: int = HISTORY) -> list[Onset]:
    """What the judge says of the rows from `begin` on."""
    judge = WeighedJudge(COLUMNS, 2, 0.45, load_trees(GUITAR_TREES))
    count = len(maps) - begin - FRAMES_AHEAD
    return [onset for row in judge.decided(maps, begin, count) for onset in row]


def after_silence(maps: Activations) -> Activations:
    return join([maps.silence(-HISTORY, HISTORY), maps])


@given(seed=st.integers(0, 50), sizes=st.lists(st.sampled_from([1, 2, 4, 30, 141]), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_decisions_do_not_depend_on_the_pieces(seed: int, sizes: list[int]) -> None:
    whole = calibrated_noise(260, seed)
    expected = tracks([whole])
    assert {track.state for track in expected} == set(TrackState)
    assert tracks(pieces_of(whole, sizes)) == expected


@given(seed=st.integers(0, 30), row=st.integers(HISTORY, 260))
@settings(max_examples=20, deadline=None)
def test_an_onset_is_weighed_by_its_frames_alone(seed: int, row: int) -> None:
    whole = after_silence(calibrated_noise(100, seed))
    whole = join([whole, replace(calibrated_noise(40, seed + 1000), first_frame=100)])
    near = whole.rows(row - 2 * HISTORY, row - HISTORY + 1 + FRAMES_AHEAD)
    expected = [onset for onset in decided(whole) if onset.frame == row - HISTORY]
    assert decided(near, len(near) - 1 - FRAMES_AHEAD) == expected


def test_the_same_onsets_are_found_that_the_network_says() -> None:
    maps = after_silence(calibrated_noise(120, 3))
    said = ProbabilityJudge(COLUMNS, 2, 0.08).decided(maps, HISTORY, len(maps) - HISTORY - FRAMES_AHEAD)
    weighed = decided(maps)
    assert len(weighed) > 50
    for before, after in zip((onset for row in said for onset in row), weighed, strict=True):
        assert replace(after, probability=before.probability) == before
        assert 0 < after.probability < 1


def test_a_clear_note_stays_one_and_an_octave_that_hardly_sounds_does_not_rise() -> None:
    maps = calibrated_maps(260, [Played(200, 240, 52), Played(200, 203, 64, probability=0.3)])
    by_pitch = {onset.column + LOWEST_PITCH: onset.probability for onset in decided(after_silence(maps))}
    assert by_pitch[52] > 0.7
    assert by_pitch[64] < 0.3


def test_lately_counts_the_two_seconds_before() -> None:
    maps = after_silence(calibrated_maps(300, [Played(50, 60, 64)]))
    figures = lately(maps.onset, maps.frame)
    sounding = figures["sounding lately"]
    assert sounding.shape == (300,)
    # The ten frames of the note are counted from three frames after each on, for as long as they lie in the past.
    assert sounding[52] == 0
    assert sounding[53] == np.float32(1 / LATELY)
    assert sounding[62] == sounding[224] == np.float32(10 / LATELY)
    assert sounding[225] == np.float32(9 / LATELY)
    assert sounding[234] == 0


def test_the_table_asks_about_the_figures_there_are() -> None:
    onset, frame = np.random.default_rng(0).random((2, FRAMES_BEFORE + 1 + FRAMES_AHEAD, 88), np.float32)
    past = lately(*np.zeros((2, HISTORY + 1, 88), np.float32))
    rows = {name: np.repeat(values, 88) for name, values in past.items()}
    names, figures = evidence(onset, frame, np.full(88, FRAMES_BEFORE), np.arange(88), rows)
    trees = load_trees(GUITAR_TREES)
    assert tuple(names) == trees.figures
    assert np.isfinite(figures).all()
    assert trees.probability(figures) == pytest.approx(0.5, abs=0.5)
