from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from music.arranging import CHANGED_MIND, LiveArranger, arrange, group_notes, least_cost
from music.habit import RECALL_SAMPLES
from music.hand_model import learned_weights
from music.hand_score import GROUP_SAMPLES, Score
from music.hand_states import Neck
from music.neck import Reach, is_playable
from music.note import Note, NoteState
from music.placed_notes import OUT_OF_RANGE, UNPLAYABLE
from music.preferences import DIFFICULTIES, STYLES, Preferences
from music.tuning import Instrument, Position
from tests.music.hand_costs import TooManyWaysError, all_ways
from tests.music.test_tuning import instruments

GUITAR = Instrument()


def note(number: int, onset: int, pitch: int, length: int = 8_000, confidence: float = 0.5) -> Note:
    return Note(f"n{number}", NoteState.ENDED, onset, pitch, onset + length, confidence=confidence)


def places(*pairs: tuple[int, int]) -> list[Position]:
    return [Position(string, fret) for string, fret in pairs]


@st.composite
def phrases(draw: st.DrawFn, lowest: int = 30, highest: int = 95, most: int = 25) -> list[Note]:
    onset, notes = 0, []
    for number in range(draw(st.integers(0, most))):
        onset += draw(st.sampled_from([0, 0, 300, 4_000, 12_000]))
        length = draw(st.integers(500, 20_000))
        notes.append(note(number, onset, draw(st.integers(lowest, highest)), length, draw(st.floats(0, 1))))
    return notes


preferences = st.builds(
    Preferences,
    st.sampled_from(sorted(DIFFICULTIES)),
    st.sampled_from(sorted(STYLES)),
    st.builds(Reach, st.integers(1, 6), st.integers(1, 5), st.integers(5, 24)),
)


@given(instrument=instruments, notes=phrases(), preferred=preferences)
@settings(max_examples=60, deadline=None)
def test_pitches_are_kept_and_every_group_can_be_held(
    instrument: Instrument, notes: list[Note], preferred: Preferences
) -> None:
    arranged = arrange(notes, instrument, preferred)
    for before, after in zip(notes, arranged, strict=True):
        assert replace(after, position=None, alternatives=(), flags=()) == before
        everywhere = instrument.positions_of(before.pitch)
        others = [other.position for other in after.alternatives]
        assert all(other.cost >= 0 for other in after.alternatives)
        assert [other.cost for other in after.alternatives] == sorted(other.cost for other in after.alternatives)
        if after.position is None:
            assert after.flags == ((UNPLAYABLE,) if everywhere else (OUT_OF_RANGE,))
            assert others == everywhere
        else:
            assert after.flags == ()
            assert instrument.pitch_at(after.position) == before.pitch
            assert sorted([after.position, *others]) == everywhere
    for group in group_notes(arranged):
        held = [member.position for member in group if member.position is not None]
        assert is_playable(held)
        reachable = [member for member in group if instrument.positions_of(member.pitch)]
        assert held or not reachable


@st.composite
def short_phrases(draw: st.DrawFn) -> tuple[Instrument, list[Note]]:
    """Up to five notes, alone and in chords, some far apart, some come back, on an instrument that has them."""
    instrument = draw(instruments)
    notes, onset = list[Note](), 0
    for number in range(draw(st.integers(1, 5))):
        onset += draw(st.sampled_from([0, 0, 300, 4_000, 12_000, 30_000]))
        pitch = draw(st.integers(instrument.lowest_pitch, instrument.highest_pitch))
        if number > 1 and draw(st.booleans()):
            pitch = notes[number - 2].pitch
        notes.append(note(number, onset, pitch, draw(st.integers(500, 40_000)), draw(st.floats(0, 1))))
    return instrument, notes


@given(drawn=short_phrases())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_programme_finds_what_trying_everything_finds(drawn: tuple[Instrument, list[Note]]) -> None:
    instrument, notes = drawn
    # Two alike that begin together may change strings at no cost, and which lies where at sight is a toss.
    assume(all(len({member.pitch for member in group}) == len(group) for group in group_notes(notes)))
    arranged = sorted(arrange(notes, instrument), key=lambda member: (member.onset, member.pitch, member.id))
    assume(all(member.position for member in arranged))
    try:
        costs = all_ways(notes, instrument, learned_weights(), CHANGED_MIND)
    except TooManyWaysError:
        assume(False)
    flat = list(itertools.chain.from_iterable(group_notes(arranged)))
    found = tuple(member.position.string for member in flat if member.position)
    cheapest = min(costs.values())
    assert costs[found] == pytest.approx(cheapest)
    assert least_cost(notes, instrument)[0] == pytest.approx(cheapest)
    for index, member in enumerate(flat):
        for other in member.alternatives:
            through = [cost for way, cost in costs.items() if way[index] == other.position.string]
            if through:
                assert other.cost == pytest.approx(min(through) - cheapest, abs=2e-3)


def settle_live(notes: list[Note], lookahead: int) -> list[Note]:
    arranger = LiveArranger(GUITAR, lookahead)
    settled: list[Note] = []
    for member in sorted(notes, key=lambda member: member.onset):
        settled += arranger.advance(member.onset, {})
        arranger.add(member)
    return settled + arranger.finish({})


def cost_of(notes: list[Note], positions: list[Position | None]) -> float:
    """What the offline programme says that these positions cost."""
    pins = {member.id: place for member, place in zip(notes, positions, strict=True) if place}
    return least_cost(notes, GUITAR, pins=pins)[0]


def strings_cost_the_same(notes: list[Note], one: Mapping[str, Position | None], other: Sequence[Note]) -> None:
    """Two ways may cost the same; then either is an optimum."""
    assert [one[member.id] is None for member in notes] == [member.position is None for member in other]
    ways = [[one[member.id] for member in notes], [member.position for member in other]]
    assert cost_of(notes, ways[0]) == pytest.approx(cost_of(notes, ways[1]))


@given(notes=phrases(lowest=40, highest=84))
@settings(max_examples=40, deadline=None)
def test_live_with_endless_lookahead_is_the_optimum_of_who_changes_freely(notes: list[Note]) -> None:
    live = {member.id: member.position for member in settle_live(notes, lookahead=10**9)}
    with patch("music.arranging.CHANGED_MIND", 0.0):
        strings_cost_the_same(notes, live, arrange(notes, GUITAR))


@given(notes=phrases(lowest=40, highest=84))
@settings(max_examples=40, deadline=None)
def test_who_never_changes_plays_as_live_a_second_ahead(notes: list[Note]) -> None:
    arranger = LiveArranger(GUITAR, RECALL_SAMPLES)
    coming = sorted(notes, key=lambda member: member.onset)
    settled: list[Note] = []
    decided_at = {m.onset + GROUP_SAMPLES + 1 + ahead for m in notes for ahead in (0, RECALL_SAMPLES)}
    for now in sorted(decided_at | {member.onset for member in notes}):
        while coming and coming[0].onset < now:
            arranger.add(coming.pop(0))
        settled += arranger.advance(now, {})
    live = {member.id: member.position for member in [*settled, *arranger.finish({})]}
    with patch("music.arranging.CHANGED_MIND", 1e6):
        stubborn = arrange(notes, GUITAR)
    with patch("music.arranging.CHANGED_MIND", 0.0):
        strings_cost_the_same(notes, live, stubborn)


@given(notes=phrases(lowest=40, highest=84), lookahead=st.sampled_from([0, 2_205, 22_050]))
@settings(max_examples=40, deadline=None)
def test_what_is_settled_live_costs_no_less_than_the_optimum(notes: list[Note], lookahead: int) -> None:
    live = {member.id: member.position for member in settle_live(notes, lookahead)}
    best = cost_of(notes, [member.position for member in arrange(notes, GUITAR)])
    assert best == pytest.approx(cost_of(notes, [None] * len(notes)))
    assert best <= cost_of(notes, [live[member.id] for member in notes]) + 1e-6


@given(notes=phrases(lowest=40, highest=84), data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_settled_live_does_not_depend_on_what_follows(notes: list[Note], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(notes)))
    early = LiveArranger(GUITAR, 8_000)
    settled: list[Note] = []
    for member in sorted(notes[:cut], key=lambda member: member.onset):
        settled += early.advance(member.onset, {})
        early.add(member)
    assert settle_live(notes, 8_000)[: len(settled)] == settled


@given(notes=phrases(lowest=40, highest=84, most=12), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_pin_is_kept_and_the_rest_is_arranged_around_it(notes: list[Note], data: st.DataObject) -> None:
    free = arrange(notes, GUITAR)
    choices = [(member.id, other.position) for member in free for other in member.alternatives if member.position]
    if not choices:
        return
    name, place = data.draw(st.sampled_from(choices))
    pinned = {member.id: member for member in arrange(notes, GUITAR, pins={name: place})}
    alone = next(group for group in group_notes(notes) if any(member.id == name for member in group))
    if len(alone) == 1:
        assert pinned[name].position == place
    told = {member.id: member for member in free}[name]
    extra = cost_of(notes, [pinned[member.id].position for member in notes])
    extra -= cost_of(notes, [member.position for member in free])
    if pinned[name].position == place:
        promised = next(other.cost for other in told.alternatives if other.position == place)
        assert extra == pytest.approx(promised, abs=2e-3)


def test_a_chord_everybody_knows() -> None:
    chord = [note(number, number * 100, pitch) for number, pitch in enumerate([48, 52, 55, 60, 64])]
    held = [member.position for member in arrange(chord, GUITAR)]
    assert held == places((5, 3), (4, 2), (3, 0), (2, 1), (1, 0))


def test_more_notes_than_strings() -> None:
    cluster = [note(number, 0, 50 + number, confidence=0.1 * number) for number in range(9)]
    arranged = arrange(cluster, GUITAR)
    assert arranged[8].position is not None, "the surest note keeps its place"
    assert UNPLAYABLE in {flag for member in arranged for flag in member.flags}


def test_two_notes_for_one_string() -> None:
    arranged = arrange([note(0, 0, 40, confidence=0.9), note(1, 0, 41, confidence=0.2)], GUITAR)
    assert arranged[0].position == Position(6, 0)
    assert (arranged[1].position, arranged[1].flags) == (None, (UNPLAYABLE,))


@pytest.mark.parametrize("struck", [1, 4])
def test_a_ringing_note_keeps_its_string(struck: int) -> None:
    bass = note(0, 0, 47, length=60_000)
    tune = [note(1 + number, 10_000 * (1 + number), 52 - number % 3) for number in range(struck)]
    strings = [member.position.string for member in arrange([bass, *tune], GUITAR) if member.position]
    assert len(strings) == 1 + struck
    assert strings[0] not in strings[1:]


def test_a_figure_over_a_bass_has_a_string_for_each_pitch() -> None:
    """So it rings, and each finger of the plucking hand keeps its string."""
    figure = [62, 59, 54, 59, 62, 59, 54, 59]
    tune = [note(1 + number, 5_000 * number, pitch, length=4_900) for number, pitch in enumerate(figure)]
    over_bass = arrange([note(0, 0, 47, length=40_000), *tune], GUITAR)[1:]
    assert [member.position for member in over_bass] == places((2, 3), (3, 4), (4, 4), (3, 4)) * 2


@pytest.mark.parametrize(
    ("groups", "comes_back"),
    [
        ([[62], [59], [62]], ()),
        ([[47, 62], [59], [62]], (True,)),
        ([[47, 62], [59], [64]], (False,)),
        ([[47, 62], [62], [62]], (False,)),
        ([[62], [59], [60], [57], [47, 62]], (False, True)),
        ([[62], [59], [60], [57], [55], [47, 62]], (False, False)),
        ([[47, 62], [59], [62], [59], [62], [59]], (True,)),
        ([[47, 62], [59], [62], [59], [62], [59], [62]], ()),
    ],
)
def test_a_pitch_comes_back_where_several_voices_sound(groups: list[list[int]], comes_back: tuple[bool, ...]) -> None:
    score = Score(Neck(GUITAR, learned_weights()))
    for onset, pitches in enumerate(groups):
        struck = [note(100 * onset + pitch, 6_000 * onset, pitch, length=5_000) for pitch in pitches]
        begun = score.begin(struck)
    assert begun.comes_back == comes_back


@pytest.mark.parametrize(
    ("ends", "held"), [({}, (0,)), ({"n0": 4_000}, ()), ({"n0": 9_000}, (0,)), ({"n0": None}, (0,))]
)
def test_the_end_of_a_note_frees_its_string(ends: dict[str, int | None], held: tuple[int, ...]) -> None:
    score = Score(Neck(GUITAR, learned_weights()))
    score.begin([replace(note(0, 0, 52), offset=None)])
    assert score.begin([note(1, 5_000, 50)], ends).held == held


@pytest.mark.parametrize(
    ("hears_ends", "ended", "free"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_a_note_sounds_on_until_it_is_told_to_have_ended(*, hears_ends: bool, ended: bool, free: bool) -> None:
    four = Instrument((40, 59, 64, 69))  # one string has the low notes
    arranger = LiveArranger(four, 0, hears_ends=hears_ends)
    for member in (note(0, 0, 41), note(1, 10_000, 60)):
        arranger.add(replace(member, offset=None))
    arranger.advance(5_000, {})
    if ended:
        arranger.end("n0", 4_000)
    told = {member.id: member for member in arranger.finish({})}
    (low,) = (other.cost for other in told["n1"].alternatives if other.position.string == 1)
    arranger = LiveArranger(four, 0)
    arranger.add(note(0, 0, 41, 4_000))
    arranger.add(note(1, 10_000, 60))
    plain = {member.id: member for member in arranger.finish({})}
    (without,) = (other.cost for other in plain["n1"].alternatives if other.position.string == 1)
    assert (low == without) is free


def test_what_is_heard_of_the_string_counts() -> None:
    line = [note(number, number * 5_000, pitch) for number, pitch in enumerate([64, 67, 64])]
    plain = arrange(line, GUITAR)
    evenly = [replace(member, string_evidence=(1 / 6,) * 6) for member in line]
    assert [member.position for member in arrange(evenly, GUITAR)] == [member.position for member in plain]
    sure = Preferences(learned=learned_weights().changed({"evidence": 2.0}))
    for string in (1, 2, 3):
        heard = [replace(member, string_evidence=tuple(float(s == string) for s in range(1, 7))) for member in line]
        assert [m.position.string for m in arrange(heard, GUITAR, sure) if m.position] == [string] * 3


@pytest.mark.parametrize(
    ("preferred", "fret_at_most"),
    [
        (Preferences("beginner"), 4),
        (Preferences(style="open_position"), 4),
        (Preferences(reach=Reach(highest_fret=3)), 3),
    ],
)
def test_who_wants_low_frets_gets_them(preferred: Preferences, fret_at_most: int) -> None:
    tune = [note(number, number * 6_000, pitch) for number, pitch in enumerate([55, 57, 59, 60, 62, 64, 65, 67])]
    frets = [member.position.fret for member in arrange(tune, GUITAR, preferred) if member.position]
    assert max(frets) <= fret_at_most


def test_along_a_string_is_along_a_string() -> None:
    tune = [note(number, number * 6_000, pitch) for number, pitch in enumerate([60, 62, 64, 65, 67, 69, 67])]
    strings = {m.position.string for m in arrange(tune, GUITAR, Preferences(style="along_a_string")) if m.position}
    assert len(strings) == 1
    assert len({m.position.string for m in arrange(tune, GUITAR, Preferences(style="one_position")) if m.position}) > 1


def test_nothing_is_arranged_to_nothing() -> None:
    assert arrange([], GUITAR) == []
    assert LiveArranger(GUITAR, 100).finish({}) == []


def test_a_group_is_a_strum() -> None:
    strum = [note(0, 0, 40), note(1, GROUP_SAMPLES, 47), note(2, GROUP_SAMPLES + 1, 52)]
    assert [len(group) for group in group_notes(strum)] == [2, 1]


def test_eight_equal_strings_do_not_take_for_ever() -> None:
    zither = Instrument((60,) * 8, fret_count=36)
    chord = [note(number, 0, 64) for number in range(8)]
    assert len(arrange(chord, zither)) == 8
    assert all(member.position for member in arrange(chord, zither))


any_instrument = st.builds(
    Instrument,
    st.one_of(
        st.lists(st.integers(12, 100), min_size=4, max_size=8).map(tuple),
        st.tuples(st.integers(40, 80), st.integers(4, 8)).map(lambda drawn: (drawn[0],) * drawn[1]),
    ),
    st.integers(0, 12),
    st.integers(12, 36),
)


@given(instrument=any_instrument, notes=phrases(lowest=0, highest=127, most=20), preferred=preferences, data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_heard_is_arranged(
    instrument: Instrument, notes: list[Note], preferred: Preferences, data: st.DataObject
) -> None:
    """Any pitch on any strings; notes that end before they begin, never end, are told twice, are never settled."""
    offsets = st.none() | st.integers(-5_000, 200_000)
    heard = [
        replace(m, offset=None if (after := data.draw(offsets)) is None else m.onset + after)
        for m in notes
        if data.draw(st.integers(0, 9))
    ]
    cost, out = least_cost(heard, instrument, preferred)
    assert np.isfinite(cost)
    assert out == sum(member.position is None for member in arrange(heard, instrument, preferred))
    arranger = LiveArranger(instrument, data.draw(st.sampled_from([0, 2_205, 22_050])), preferred, hears_ends=True)
    settled: list[Note] = []
    for member in sorted(heard, key=lambda member: member.onset):
        settled += arranger.advance(member.onset, {})
        arranger.add(replace(member, offset=None))
        if member.offset is not None and data.draw(st.booleans()):
            arranger.end(member.id, member.offset)
    settled += arranger.finish({})
    assert sorted(member.id for member in settled) == sorted(member.id for member in heard)


def test_of_very_many_ways_those_that_were_tried_are_taken() -> None:
    """So many strings are alike that which ways are tried depends on the order of the notes."""
    strings = Instrument((52, 53, 52, 52, 51, 52, 51, 51), fret_count=36)
    for sure in range(40):
        random = np.random.default_rng(sure)
        pitches = 56 + random.integers(0, 9, 9)
        chord = [note(n, 0, int(pitch), 90_000, float(random.random())) for n, pitch in enumerate(pitches)]
        least_cost([*chord, *(replace(m, id=f"{m.id}+", onset=9_000) for m in chord)], strings)


def test_times_far_apart_are_no_trouble() -> None:
    far = [note(0, 0, 52), note(1, 2**40, 55), note(2, 2**40 + 10_000, 59)]
    assert all(member.position for member in arrange(far, GUITAR))
    assert all(np.isfinite(other.cost) for member in arrange(far, GUITAR) for other in member.alternatives)
