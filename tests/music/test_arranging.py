from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.arranging import OUT_OF_RANGE, UNPLAYABLE, LiveArranger, arrange, group_notes
from music.hand_path import GROUP_SAMPLES, rings_into, transition_cost
from music.neck import MAX_FINGERS, finger_count, is_playable, placements, shapes_of
from music.note import Note, NoteState
from music.tuning import TUNINGS, Instrument, Position
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


@given(instrument=instruments, notes=phrases())
@settings(max_examples=60, deadline=None)
def test_pitches_are_kept_and_every_group_can_be_held(instrument: Instrument, notes: list[Note]) -> None:
    arranged = arrange(notes, instrument)
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


def all_ways(notes: list[Note], instrument: Instrument) -> dict[tuple[tuple[Position, ...], ...], float]:
    """The cost of every sequence of shapes, by its positions, straight from the definitions."""
    groups = group_notes(notes)
    layers = [shapes_of([member.pitch for member in group], instrument) for group in groups]
    costs: dict[tuple[tuple[Position, ...], ...], float] = {}
    for way in itertools.product(*layers):
        cost = sum(shape.cost for shape in way)
        for index, (before, after) in enumerate(itertools.pairwise(way)):
            sounding = zip(groups[index], before.positions, strict=True)
            ringing = [place for member, place in sounding if rings_into(member, groups[index + 1])]
            cost += transition_cost(before, after, ringing)
        positions = tuple(shape.positions for shape in way)
        costs[positions] = min(cost, costs.get(positions, cost))
    return costs


@given(notes=phrases(lowest=62, highest=76, most=3))
@settings(max_examples=25, deadline=None)
def test_the_programme_finds_what_trying_everything_finds(notes: list[Note]) -> None:
    instrument = Instrument(TUNINGS["ukulele"], fret_count=12)
    arranged = sorted(arrange(notes, instrument), key=lambda member: (member.onset, member.pitch, member.id))
    if not notes or any(member.position is None for member in arranged):
        return
    costs = all_ways(notes, instrument)
    found = tuple(tuple(m.position for m in group if m.position) for group in group_notes(arranged))
    cheapest = min(costs.values())
    assert costs[found] == pytest.approx(cheapest)
    flat = list(itertools.chain.from_iterable(group_notes(arranged)))
    for index, member in enumerate(flat):
        for other in member.alternatives:
            through = [c for way, c in costs.items() if list(itertools.chain(*way))[index] == other.position]
            if through:
                assert other.cost == pytest.approx(min(through) - cheapest, abs=2e-3)


def settle_live(notes: list[Note], lookahead: int) -> list[Note]:
    arranger = LiveArranger(GUITAR, lookahead)
    settled: list[Note] = []
    for member in sorted(notes, key=lambda member: member.onset):
        settled += arranger.advance(member.onset, {})
        arranger.add(member)
    return settled + arranger.finish({})


@given(notes=phrases(lowest=40, highest=84))
@settings(max_examples=40, deadline=None)
def test_live_with_endless_lookahead_is_the_optimum(notes: list[Note]) -> None:
    live = {member.id: member for member in settle_live(notes, lookahead=10**9)}
    offline = arrange(notes, GUITAR)
    assert {member.id for member in offline} == set(live)
    ways = [[live[member.id].position for member in notes], [member.position for member in offline]]
    assert [place is None for place in ways[0]] == [place is None for place in ways[1]]
    # Two ways may cost the same; then either is an optimum.
    ties = [other for member in offline for other in member.alternatives if other.cost == 0]
    assert ways[0] == ways[1] or ties


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


def test_a_ringing_note_keeps_its_string() -> None:
    bass, tune = note(0, 0, 64, length=40_000), note(1, 10_000, 67)
    ringing = [member.position for member in arrange([bass, tune], GUITAR)]
    assert None not in ringing
    assert len({place.string for place in ringing if place}) == 2
    assert not rings_into(replace(bass, offset=10_000), [tune])
    assert not rings_into(bass, [replace(tune, pitch=64)])


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


@pytest.mark.parametrize(
    ("positions", "fingers", "possible"),
    [
        (places((1, 0), (2, 1), (3, 0), (4, 2), (5, 3)), 3, True),
        (places((1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (6, 1)), 4, True),
        (places((1, 5), (2, 6), (3, 7), (4, 8), (5, 9)), 5, False),
        (places((1, 1), (2, 0), (3, 1)), 2, True),
        (places((1, 1), (2, 5)), 2, True),
        (places((1, 1), (2, 6)), 2, False),
        (places((1, 7), (2, 12)), 2, True),
        (places((1, 7), (2, 13)), 2, False),
        (places((1, 3), (1, 5)), 2, False),
        (places((1, 0), (6, 0)), 0, True),
    ],
)
def test_what_a_hand_can_hold(positions: list[Position], fingers: int, possible: bool) -> None:
    assert finger_count(positions) == fingers
    assert is_playable(positions) is possible


@given(pitches=st.lists(st.integers(40, 86), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_placements_are_all_there_is(pitches: list[int]) -> None:
    everything = itertools.product(*(GUITAR.positions_of(pitch) for pitch in pitches))
    assert set(placements(pitches, GUITAR)) == {way for way in everything if is_playable(way)}
    for shape in shapes_of(pitches, GUITAR):
        fretted = [place.fret for place in shape.positions if place.fret]
        assert shape.cost >= 0
        assert not fretted or 1 <= shape.hand <= min(fretted)
    assert MAX_FINGERS == 4
