"""How notes are played: what is told, of what, and when."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.note import Note, NoteState
from music.settled_notes import MOST, SettledNotes
from music.technique_figures import (
    BEND_FIGURES,
    CURVE_FIGURES,
    JOINT_FIGURES,
    Sounded,
    bend_figures,
    curve_figures,
    joint_figures,
)
from music.techniques import JOINT_SAMPLES, LEAST_CONFIDENCE, TechniqueReader, amount_of_bend
from music.tuning import Position

HOP_S = 256 / SAMPLE_RATE_HZ
KINDS = {"slide", "bend", "vibrato", "let_ring"}
deviations = st.lists(st.floats(-2, 2) | st.just(math.nan), max_size=120)


def note(number: int, onset_s: float, length_s: float, string: int = 3, fret: int = 5) -> Note:
    onset = round(onset_s * SAMPLE_RATE_HZ)
    return Note(
        id=f"n{number}",
        state=NoteState.ENDED,
        onset=onset,
        pitch=(64, 59, 55, 50, 45, 40)[string - 1] + fret,
        offset=onset + round(length_s * SAMPLE_RATE_HZ),
        velocity=0.7,
        confidence=0.9,
        position=Position(string, fret),
    )


def wave(length_s: float, depth: float, rate_hz: float = 5.5) -> list[float]:
    at = np.arange(round(length_s / HOP_S)) * HOP_S
    return list(np.where(at < 0.12, 0.0, depth * (0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * (at - 0.12)))))


@st.composite
def played(draw: st.DrawFn) -> list[Sounded]:
    """Notes of one session, no string sounding two at a time."""
    free = dict.fromkeys(range(1, 7), 0.0)
    sounded = []
    for number in range(draw(st.integers(0, 12))):
        string = draw(st.sampled_from(range(1, 7)))
        onset_s = free[string] + draw(st.floats(0, 0.4))
        length_s = draw(st.floats(0.05, 1.5))
        free[string] = onset_s + length_s
        sounded.append(Sounded(note(number, onset_s, length_s, string, draw(st.integers(0, 12))), draw(deviations)))
    return sorted(sounded, key=lambda each: each.note.onset)


@given(deviations)
@settings(deadline=None)
def test_figures_are_finite_whatever_was_heard(curve: list[float]) -> None:
    figures = curve_figures(curve, HOP_S)
    assert figures.shape == (len(CURVE_FIGURES),)
    assert np.isfinite(figures).all()
    before, after = Sounded(note(0, 0, 1), curve), Sounded(note(1, 1, 1, fret=7), curve)
    joint = joint_figures(before, after, [before.note, after.note])
    assert joint.shape == (len(JOINT_FIGURES),)
    assert np.isfinite(joint).all()
    assert amount_of_bend(figures, 0) in (0.5, 1.0)
    assert amount_of_bend(figures, 2) == 2
    assert bend_figures(figures, 0.1, 2).shape == (len(BEND_FIGURES),)


@given(played(), st.lists(st.floats(0, 8), max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_note_is_released_once_and_nothing_but_techniques_is_added(
    sounded: list[Sounded], moments: list[float]
) -> None:
    reader = TechniqueReader(HOP_S)
    for each in sounded:
        reader.settle(replace(each, note=replace(each.note, state=NoteState.COMMITTED, offset=None)))
        reader.end(each)
    released: list[Note] = []
    for until_s in sorted(moments):
        known_until = round(until_s * SAMPLE_RATE_HZ)
        ready = reader.release(known_until)
        assert all((each.offset or 0) + JOINT_SAMPLES < known_until for each in ready)
        released += ready
    released += reader.release(None)
    assert reader.waiting == 0
    by_id = {each.note.id: each.note for each in sounded}
    assert sorted(each.id for each in released) == sorted(by_id)
    for ended in released:
        assert replace(ended, techniques=()) == by_id[ended.id]
        for technique in ended.techniques:
            assert technique.kind in KINDS
            assert LEAST_CONFIDENCE.get(technique.kind, 0.5) <= technique.confidence <= 1
            assert technique.to == "" or by_id[technique.to].onset > ended.onset
            assert (technique.semitones is not None) == (technique.kind == "bend")
        if ended.position is not None and ended.position.fret == 0:
            assert not {t.kind for t in ended.techniques if not t.to} & {"bend", "vibrato", "slide"}


def told(*sounded: Sounded) -> dict[str, set[str]]:
    """Kinds by note id."""
    reader = TechniqueReader(HOP_S)
    for each in sounded:
        reader.settle(each)
        reader.end(each)
    return {each.id: {technique.kind for technique in each.techniques} for each in reader.release(None)}


def test_a_steady_note_is_played_in_no_particular_way() -> None:
    assert told(Sounded(note(0, 0.5, 1.5), [0.0] * 130)) == {"n0": set()}


def test_a_wide_slow_wave_is_a_vibrato() -> None:
    assert "vibrato" in told(Sounded(note(0, 0.5, 1.5), wave(1.5, 0.35)))["n0"]


def test_a_note_that_comes_from_a_fret_below_is_slid_into() -> None:
    glide = [*np.linspace(-1.2, 0.0, 7), *[0.0] * 60]
    assert "slide" in told(Sounded(note(0, 0.5, 0.8), glide))["n0"]


@pytest.mark.parametrize(("strokes", "rings"), [(0, False), (1, False), (2, True), (5, True)])
def test_a_note_rings_when_it_sounds_through_later_strokes(strokes: int, rings: bool) -> None:
    low = Sounded(note(0, 0.5, 2.0, string=6, fret=0), [])
    high = [Sounded(note(1 + n, 0.8 + 0.3 * n, 0.2, string=1 + n % 3), []) for n in range(strokes)]
    assert ("let_ring" in told(low, *high)["n0"]) == rings
    short = replace(low, note=replace(low.note, offset=round(1.3 * SAMPLE_RATE_HZ)))
    assert "let_ring" not in told(short, *high)["n0"], "a hand that holds a chord for a moment says nothing"


def test_notes_of_one_chord_do_not_ring_through_each_other() -> None:
    chord = [Sounded(note(n, 0.5 + 0.004 * n, 1.0, string=n + 1), []) for n in range(6)]
    assert not any("let_ring" in kinds for kinds in told(*chord).values())


def test_only_the_next_note_on_the_string_can_follow() -> None:
    reader = TechniqueReader(HOP_S)
    first, elsewhere = note(0, 0.5, 0.5), note(1, 1.0, 0.5, string=2)
    far, later = note(2, 1.2, 0.5, fret=7), note(3, 1.01, 0.5, fret=7)
    for each in (first, elsewhere, far):
        reader.settle(Sounded(each, []))
    assert reader.follower_of(first) is None
    reader.settle(Sounded(later, []))
    follower = reader.follower_of(first)
    assert follower is not None
    assert follower.note.id == "n3"


def test_a_finger_that_slides_on_is_seen_leaving() -> None:
    """The pitch leaves, neither note is heard for a moment, and the next begins softly."""
    glide = [*[0.0] * 30, 0.02, 0.05, 0.1, 0.16, 0.22, 0.25]
    first, then = note(0, 0.5, 0.42), replace(note(1, 1.0, 0.6, fret=7), velocity=0.55)
    slid = told(Sounded(first, glide), Sounded(then, [0.0] * 50))["n0"]
    struck = told(Sounded(first, [0.0] * 36), Sounded(replace(then, onset=first.offset or 0), [0.0] * 50))["n0"]
    assert "slide" in slid
    assert struck == set()


def test_a_note_that_leaves_its_pitch_for_good_is_bent_or_slides_but_not_both() -> None:
    glide = [*[0.0] * 8, 0.05, 0.1, 0.16, 0.22, 0.3, 0.36]
    alone = told(Sounded(note(0, 0.5, 0.16), glide))["n0"]
    led = told(Sounded(note(0, 0.5, 0.16), glide), Sounded(note(1, 0.72, 0.5, fret=6), [0.0] * 40))["n0"]
    assert "bend" in alone
    assert len(led & {"bend", "slide"}) <= 1


def test_what_was_settled_long_ago_is_forgotten() -> None:
    settled = SettledNotes()
    for number in range(MOST + 40):
        settled.add(Sounded(note(number, number * 0.1, 0.1), []))
    near = settled.between(0, 10**9)
    assert [each.note.id for each in near] == [f"n{number}" for number in range(40, MOST + 40)]
    changed = replace(near[3], note=replace(near[3].note, velocity=0.1))
    settled.replace(changed)
    settled.replace(Sounded(note(0, 0, 1), []))
    assert settled.between(changed.note.onset, changed.note.onset + 1) == [changed]
    assert len(settled.between(0, 10**9)) == MOST


def test_without_judges_only_ringing_is_told() -> None:
    reader = TechniqueReader(HOP_S, is_judged=False)
    reader.settle(shaken := Sounded(note(0, 0.5, 1.5), wave(1.5, 0.35)))
    reader.end(shaken)
    (released,) = reader.release(None)
    assert released.techniques == ()
