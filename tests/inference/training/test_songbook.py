from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from inference.training.composer import compose
from inference.training.song_shapes import BARRES, JAZZ_SHAPES, OPEN_KEYS, OPEN_SHAPES, grip
from inference.training.songbook import IDIOMS, write_song
from music.neck import is_playable
from music.tuning import Instrument


@pytest.mark.parametrize("idiom", IDIOMS)
def test_every_idiom_is_playable_and_in_tune(idiom: str) -> None:
    for seed in range(4):
        played = write_song(np.random.default_rng(seed), idiom, 15.0)
        instrument = played.instrument
        assert len(played.notes) > 4
        last = instrument.fret_count - instrument.capo
        for note in played.notes:
            assert note.pitch == instrument.tuning[note.string - 1] + instrument.capo + note.fret
            assert 0 <= note.fret <= last
            assert note.onset < note.offset <= played.duration
        for string in range(1, instrument.string_count + 1):
            own = [note for note in played.notes if note.string == string]
            assert all(before.offset <= after.onset for before, after in pairwise(own))


def test_the_same_seed_is_the_same_song() -> None:
    songs = [write_song(np.random.default_rng(5), "solo", 10.0) for _ in range(2)]
    assert songs[0] == songs[1]
    assert songs[0] != write_song(np.random.default_rng(6), "solo", 10.0)


def test_an_unknown_idiom_is_refused() -> None:
    with pytest.raises(ValueError, match="open_strummed"):
        write_song(np.random.default_rng(0), "polka", 10.0)


def test_shares_are_shares() -> None:
    assert sum(IDIOMS.values()) == pytest.approx(1.0)


def test_every_shape_can_be_held() -> None:
    shapes = [shape for named in OPEN_SHAPES.values() for shape in named]
    shapes += [shape for kinds in JAZZ_SHAPES.values() for named in kinds.values() for shape in named]
    for shape in shapes:
        assert is_playable(grip(shape)), shape
    for major, minor in BARRES.values():
        assert all(is_playable(grip(shape, 5)) for shape in (*major, *minor))
    assert {name for key in OPEN_KEYS for name in key} <= set(OPEN_SHAPES)


@pytest.mark.parametrize(
    ("name", "pitches"), [("C", {0, 4, 7}), ("Bm", {11, 2, 6}), ("D7", {2, 6, 9, 0}), ("G/B", {7, 11, 2})]
)
def test_shapes_are_the_chords_they_are_called(name: str, pitches: set[int]) -> None:
    for shape in OPEN_SHAPES[name]:
        assert {Instrument().pitch_at(place) % 12 for place in grip(shape)} == pitches


def test_songs_lie_lower_on_the_neck_than_compositions() -> None:
    songs = [write_song(np.random.default_rng(seed), "open_strummed", 10.0).notes for seed in range(5)]
    pieces = [compose(np.random.default_rng(seed), Instrument(), "lines", 10.0).notes for seed in range(5)]
    means = [np.mean([note.fret for notes in group for note in notes]) for group in (songs, pieces)]
    assert means[0] < 3 < means[1]
