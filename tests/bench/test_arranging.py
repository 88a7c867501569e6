"""The groups are what they are called; the measures against what can be counted by hand."""

from __future__ import annotations

import pytest

from bench._mangling import every_other_mangled, mangled
from bench._placing import arrange_live, right, strings_of, travel, unplayable
from bench._tabs import Tab, checked_groups, classical_marks, high_line, open_position, with_capo
from bench.arranging import LIVE, OURS, answer, lookahead_curve, notes_per_second, unseen_weights
from music.arranging import arrange
from music.note import Note, NoteState
from music.preferences import DEFAULT_PREFERENCES
from music.tuning import TUNINGS, Instrument, Position


def frets(tab: Tab) -> list[int]:
    return [
        note.pitch - tab.instrument.pitch_at(Position(string, 0))
        for note, string in zip(tab.notes, tab.strings, strict=True)
        if string
    ]


def by_hand(pitches: list[int], strings: list[int], apart: int = 9_000) -> Tab:
    notes = tuple(Note(str(n), NoteState.ENDED, n * apart, p, n * apart + 8_000) for n, p in enumerate(pitches))
    return Tab("by hand", Instrument(), notes, tuple(strings))


def test_groups_are_what_they_are_called() -> None:
    assert max(frets(open_position(3, 10.0))) <= 5
    high = frets(high_line(2, 10.0))
    assert sum(fret > 9 for fret in high) >= 0.9 * len(high)
    assert 2 <= with_capo(5, 8.0).instrument.capo <= 7
    groups = checked_groups([1], 6.0)
    assert groups["dadgad"][0].instrument.tuning == TUNINGS["dadgad"]
    assert all(min(frets(tab)) >= 0 for tabs in groups.values() for tab in tabs)


def test_measures_count() -> None:
    tab = by_hand([64, 65, 67, 69], [1, 1, 2, 2])
    assert right(tab, [1, 1, 2, None]) == pytest.approx(0.75)
    assert travel(tab, tab.strings) == pytest.approx((7 + 2) / 2), "frets 0, 1, 8, 10: open strings do not count"
    chord = by_hand([40, 47, 52], [6, 5, 4], apart=0)
    assert unplayable(chord, [6, 5, 4]) == 0
    assert unplayable(chord, [6, 5, 5]) == 1
    assert unplayable(chord, [6, 5, None]) == 1
    assert unplayable(by_hand([40, 41], [6, 6], apart=0), [6, 6]) == 0, "there is no shape for these"


def test_mangling_loses_and_adds_but_names_no_wrong_string() -> None:
    tab = open_position(1, 20.0)
    changed = mangled(tab, 4)
    assert changed.notes == mangled(tab, 4).notes
    kept = {note.id for note in changed.notes} & {note.id for note in tab.notes}
    assert 0 < len(kept) < len(tab.notes)
    string_of = {note.id: string for note, string in zip(tab.notes, tab.strings, strict=True)}
    for note, string in zip(changed.notes, changed.strings, strict=True):
        assert string == string_of.get(note.id)
        assert note.offset is not None
        assert note.offset > note.onset >= 0
    assert every_other_mangled([tab, tab])[0] is tab


def test_a_report_says_what_it_measured() -> None:
    tabs = [open_position(1, 6.0), high_line(0, 6.0)]
    answers = [answer(tab, {}) for tab in tabs]
    for tab, own in zip(tabs, answers, strict=True):
        assert own[OURS].strings == strings_of(arrange(tab.notes, tab.instrument))
        assert own[LIVE].strings == strings_of(arrange_live(tab, 1.0, DEFAULT_PREFERENCES))
    last = lookahead_curve({"both": tabs}, {"both": answers}, {})[-1]
    same = sum(a == b for own in answers for a, b in zip(own[OURS].strings, own[LIVE].strings, strict=True))
    assert last["agree, all notes"] == pytest.approx(same / sum(len(tab.notes) for tab in tabs))
    assert all(value > 0 for value in notes_per_second(tabs))


def test_no_score_is_measured_with_weights_that_saw_it() -> None:
    unseen = unseen_weights()
    default = DEFAULT_PREFERENCES.weights.to_mapping()
    assert {tab.name for tab in classical_marks()} <= set(unseen)
    assert all(preferences.weights.to_mapping() != default for preferences in unseen.values())
