"""The music itself: playable as labelled, the same every time, in every style and tuning."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.composer import STYLES, compose, draw_instrument
from inference.training.score import DEAD, HAMMER_ON, PULL_OFF, Performance
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument, Position

DURATION_S = 8.0


def piece(seed: int, style: str, instrument: Instrument | None = None) -> Performance:
    random = np.random.default_rng(seed)
    return compose(random, instrument or draw_instrument(random), style, DURATION_S)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("tuning", TUNINGS)
def test_every_note_is_where_its_string_and_fret_say(style: str, tuning: str) -> None:
    for capo in (0, 5):
        performance = piece(7 + capo, style, Instrument(TUNINGS[tuning], capo))
        instrument = performance.instrument
        assert len(performance.notes) > 5
        for note in performance.notes:
            assert note.pitch == instrument.pitch_at(Position(note.string, note.fret))
            assert 0 <= note.fret <= instrument.fret_count - capo
            assert 0 < note.velocity <= 1
            assert note.technique != DEAD


@pytest.mark.parametrize("style", STYLES)
def test_a_string_sounds_one_note_at_a_time_and_all_end_in_time(style: str) -> None:
    for seed in range(8):
        performance = piece(seed, style)
        free_from: dict[int, int] = {}
        for stroke in performance.strokes:
            assert stroke.onset >= free_from.get(stroke.string, 0)
            assert stroke.onset < stroke.offset <= performance.duration
            free_from[stroke.string] = stroke.offset
        assert performance.duration == round(DURATION_S * SAMPLE_RATE_HZ)
        assert [s.onset for s in performance.strokes] == sorted(s.onset for s in performance.strokes)


@pytest.mark.parametrize("style", STYLES)
def test_the_same_from_the_same_seed(style: str) -> None:
    assert piece(3, style) == piece(3, style)
    assert piece(3, style) != piece(4, style)


def test_hammers_and_pulls_change_a_string_that_rings() -> None:
    found = 0
    for seed in range(30):
        last: dict[int, tuple[int, int]] = {}
        for stroke in piece(seed, "lines").strokes:
            if stroke.technique in (HAMMER_ON, PULL_OFF):
                offset, fret = last[stroke.string]
                assert offset == stroke.onset
                assert (stroke.fret > fret) == (stroke.technique == HAMMER_ON)
                found += 1
            last[stroke.string] = (stroke.offset, stroke.fret)
    assert found > 20


def test_chords_are_wide_and_lines_are_not() -> None:
    def together(style: str) -> float:
        counts = []
        for seed in range(10):
            notes = piece(seed, style, Instrument()).notes
            counts += [sum(n.onset <= note.onset + 882 < n.offset for n in notes) for note in notes]
        return float(np.mean(counts))

    assert together("lines") < 2 < 3 < together("strums")


def test_a_bass_plays_lines() -> None:
    assert piece(1, "strums", Instrument(TUNINGS["bass"])).style == "lines"


def test_a_style_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="polka"):
        piece(1, "polka")
