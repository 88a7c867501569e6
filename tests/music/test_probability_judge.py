"""Notes out of calibrated onsets: who is one, where exactly it begins and ends, and what is heard of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.activations import LOWEST_PITCH, Activations
from music.note_tracking import NoteTracker, Track, TrackState
from music.tracking_rules import GUITAR_RULES, TrackingRules
from tests.support.activation_maps import pieces_of
from tests.support.calibrated_maps import Played, calibrated_maps, calibrated_noise

RULES = replace(GUITAR_RULES, birth_probability=0.4, note_probability=0.5, frame_threshold=0.5, tolerance=3, attack=4)


def a_tracker(rules: TrackingRules = RULES, strings: int = 6) -> NoteTracker:
    return NoteTracker(40, 86, rules, strings)


def follow(tracker: NoteTracker, pieces: list[Activations]) -> Iterator[tuple[int, int, list[Track]]]:
    """Every step as (frame, frontier, changed tracks as they stand then)."""
    for step in chain.from_iterable([*(tracker.advance(piece) for piece in pieces), tracker.finish()]):
        changed = [replace(track, deviations=[round(d, 6) for d in track.deviations]) for track in step.changed]
        yield step.frame, step.frontier, changed


def ended(maps: Activations, rules: TrackingRules = RULES, strings: int = 6) -> list[Track]:
    steps = follow(a_tracker(rules, strings), [maps])
    tracks = [track for *_, changed in steps for track in changed if track.state is TrackState.ENDED]
    return sorted(tracks, key=lambda track: (track.onset, track.pitch))


@given(seed=st.integers(0, 50), sizes=st.lists(st.sampled_from([1, 2, 4, 30, 141]), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_decisions_do_not_depend_on_the_pieces(seed: int, sizes: list[int]) -> None:
    whole = calibrated_noise(100, seed)
    expected = list(follow(a_tracker(), [whole]))
    states = {track.state for *_, changed in expected for track in changed}
    assert states == set(TrackState)
    assert list(follow(a_tracker(), pieces_of(whole, sizes))) == expected


@given(seed=st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_what_lies_before_the_frontier_is_decided_and_no_more_sounds_than_there_are_strings(seed: int) -> None:
    tracker, latest = a_tracker(), 0
    undecided: dict[int, int] = {}
    sounding: set[int] = set()
    for frame, frontier, changed in follow(tracker, [calibrated_noise(100, seed)]):
        for track in changed:
            if track.state is TrackState.BORN:
                undecided[track.number] = track.onset
            elif undecided.pop(track.number, None) is not None:
                assert track.onset + track.shift >= latest - tracker.onset_spread
            if track.state is TrackState.CONFIRMED:
                sounding.add(track.number)
            sounding.discard(track.number if track.state is TrackState.ENDED else 0)
        assert len(sounding) <= 6
        assert all(onset >= frontier for onset in undecided.values())
        assert latest <= frontier
        assert frontier >= frame - tracker.decision_lag
        latest = frontier


def test_an_onset_is_decided_two_frames_later() -> None:
    maps = calibrated_maps(60, [Played(10, 40, 64)])
    changes = [(frame, track.state) for frame, _, changed in follow(a_tracker(), [maps]) for track in changed]
    # A step needs the frame after it: frame 10 is judged when 11 is there, and decided when 12 is.
    assert changes == [
        (10, TrackState.BORN),
        (11, TrackState.CONFIRMED),
        (42, TrackState.ENDED),
    ]


@given(onset=st.floats(5, 15), cut=st.integers(4, 20))
@settings(max_examples=40, deadline=None)
def test_an_onset_is_finer_than_a_frame(onset: float, cut: int) -> None:
    found = [
        track
        for *_, changed in follow(a_tracker(), pieces_of(calibrated_maps(60, [Played(onset, 40, 64)]), [cut]))
        for track in changed
        if track.state is TrackState.ENDED
    ]
    assert len(found) == 1
    assert found[0].onset + found[0].shift == pytest.approx(onset, abs=0.1)
    assert abs(found[0].shift) <= 0.5
    assert found[0].end == 40


@pytest.mark.parametrize(
    ("why", "notes", "expected"),
    [
        ("unlikely", [Played(10, 40, 64, probability=0.45)], []),
        ("likely", [Played(10, 40, 64, probability=0.55)], [(10, 40)]),
        ("likely, between two frames", [Played(10.4, 40, 64, probability=0.55)], [(10, 40)]),
        ("below the lowest string", [Played(10, 40, 39)], []),
        ("above the last fret", [Played(10, 40, 87)], []),
        ("short", [Played(10, 13, 64)], [(10, 13)]),
        ("struck again", [Played(10, 30, 64), Played(30, 50, 64)], [(10, 30), (30, 50)]),
        ("fast repetition", [Played(10, 16, 64), Played(16, 22, 64)], [(10, 16), (16, 22)]),
        ("a chord", [Played(10, 40, p) for p in (40, 47, 52)], [(10, 40)] * 3),
        ("an octave", [Played(10, 40, 52), Played(10, 40, 64)], [(10, 40)] * 2),
        ("at the very start", [Played(0, 40, 64)], [(0, 40)]),
        ("until the very end", [Played(20, 60, 64)], [(20, 60)]),
    ],
)
def test_a_rule(why: str, notes: list[Played], expected: list[tuple[int, int]]) -> None:
    assert [(track.onset, round(track.end or 0)) for track in ended(calibrated_maps(60, notes))] == expected, why


def test_a_note_ends_where_it_fell_and_a_shorter_dip_is_no_end() -> None:
    maps = calibrated_maps(80, [Played(10, 60, 64)])
    maps.frame[30:32, 64 - LOWEST_PITCH] = 0.1
    assert [(track.onset, track.end) for track in ended(maps)] == [(10, 60)]
    maps.frame[30:33, 64 - LOWEST_PITCH] = 0.1
    assert [(track.onset, track.end) for track in ended(maps)] == [(10, 30)]
    assert [(t.onset, t.end) for t in ended(maps, replace(RULES, tolerance=6))] == [(10, 60)]


def test_a_note_that_sounds_late_is_waited_for() -> None:
    maps = calibrated_maps(60, [Played(10, 40, 64)])
    maps.frame[10:16, 64 - LOWEST_PITCH] = 0.1
    assert [(track.onset, track.end) for track in ended(maps)] == [(10, 40)]
    assert [(track.onset, track.end) for track in ended(maps, replace(RULES, attack=0))] == [(10, 11)]


def test_a_stroke_ends_the_note_before_at_the_moment_it_begins() -> None:
    before, after = ended(calibrated_maps(60, [Played(10, 30, 64), Played(29.7, 50, 64)]))
    assert before.end == after.onset + after.shift
    assert before.end == pytest.approx(29.7, abs=0.1)


def test_the_least_sounding_note_gives_its_string_to_a_new_one() -> None:
    chord = [Played(10, 60, pitch) for pitch in (40, 47, 52, 56, 59, 64)]
    maps = calibrated_maps(80, [*chord, Played(30, 60, 67)])
    maps.frame[20:60, 52 - LOWEST_PITCH] = 0.6
    notes = {track.pitch: (track.onset, round(track.end or 0)) for track in ended(maps)}
    assert notes.pop(52) == (10, 30)
    assert notes.pop(67) == (30, 60)
    assert set(notes.values()) == {(10, 60)}
    # Seven strings hold them all.
    assert {track.end for track in ended(maps, strings=7)} == {60}


def test_of_more_notes_at_once_than_strings_the_least_likely_is_none() -> None:
    chord = [Played(10, 60, 40 + 5 * n, probability=0.9 - 0.05 * n) for n in (3, 0, 6, 1, 4, 2, 5)]
    assert [track.pitch for track in ended(calibrated_maps(80, chord))] == [40, 45, 50, 55, 60, 65]


def test_reach_adds_what_is_spread_wider() -> None:
    maps = calibrated_maps(60, [])
    maps.onset[8:13, 64 - LOWEST_PITCH] = [0.13, 0.14, 0.15, 0.14, 0.13]
    maps.frame[10:40, 64 - LOWEST_PITCH] = 0.9
    assert ended(maps) == []
    (note,) = ended(maps, replace(RULES, reach=2))
    assert (note.onset, note.end) == (10, 40)
    assert note.confidence == pytest.approx(0.69, abs=0.01)


def test_what_is_heard_of_a_note_comes_from_its_onset() -> None:
    (note,) = ended(calibrated_maps(80, [Played(10.4, 60, 64, velocity=0.7, string=3, bend=1.0)]))
    assert note.velocity == pytest.approx(0.7, abs=0.02)
    assert len(note.strings) == 8
    assert max(range(8), key=lambda index: note.strings[index]) == 2
    assert note.strings[2] == pytest.approx(0.86, abs=0.02)
    assert note.deviations[5] == pytest.approx(0.03, abs=1e-6)
    assert note.deviations[40] == pytest.approx(1.0)


@given(seed=st.integers(0, 30), cut=st.integers(10, 90))
@settings(max_examples=20, deadline=None)
def test_what_was_decided_does_not_know_what_follows(seed: int, cut: int) -> None:
    whole, other = calibrated_noise(100, seed), calibrated_noise(100, seed + 1000)
    heard = [
        [step for step in follow(a_tracker(), [whole.rows(0, cut), rest]) if step[0] < cut - 1]
        for rest in (whole.rows(cut, 100), other.rows(cut, 100))
    ]
    assert heard[0] == heard[1]


def test_a_copy_tries_out_what_is_not_settled_with_fewer_maps() -> None:
    maps = calibrated_maps(100, [Played(10, 60, 64), Played(30, 80, 67)])
    settled, rest = maps.rows(0, 31), maps.rows(31, 100)
    provisional = Activations(31, rest.onset, rest.frame, settled=False)
    alone, tried = a_tracker(), a_tracker()
    for tracker in (alone, tried):
        list(tracker.advance(settled))
    fork = tried.fork()
    tracks = [track for step in fork.advance(provisional) for track in step.changed]
    assert {track.pitch for track in tracks} == {64, 67}
    assert list(follow(tried, [rest])) == list(follow(alone, [rest]))


@pytest.mark.parametrize("change", [{"note_probability": 1.5}, {"tolerance": 0}, {"reach": 3}, {"spacing": -1}])
def test_rules_that_cannot_be_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"not|no "):
        replace(RULES, **change)  # type: ignore[arg-type]
