"""What `bench notes` plays and how it judges, without a network and without stock."""

from __future__ import annotations

import numpy as np
import pytest

from bench._notes_report import FINAL_TAB, OFFSET, ONSET, TAB, judge, results_facts
from bench._scoring import PlainNote
from bench._takes import Take, mix
from bench.notes import FULL_PIECES, QUICK_PIECES, STOCK, _parse, in_range
from music.tuning import TUNINGS, Instrument
from tests.support.no_music import no_music

RATE = 8000


def take(samples: np.ndarray, rate_hz: int = RATE, instrument: Instrument | None = None) -> Take:
    truth = [PlainNote(0.1, 0.9, 64, 1, 0), PlainNote(0.5, 1.0, 64, 2, 5)]
    return Take("made up", "rendered", samples.astype(np.float32), rate_hz, truth, instrument or Instrument())


@pytest.mark.parametrize("level_db", [-6.0, 0.0, 6.0])
def test_a_band_has_the_level_that_was_asked_for_and_nothing_clips(level_db: float) -> None:
    random = np.random.default_rng(0)
    guitar = take(0.5 * random.uniform(-1, 1, 2 * RATE))
    band = take(0.05 * random.uniform(-1, 1, RATE // 2), RATE)
    mixed = mix(guitar, band, level_db)
    assert len(mixed) == len(guitar.samples)
    assert np.abs(mixed).max() <= 0.98
    # The mix is gain × guitar + the rest; what is left beside the guitar must have the level.
    gain = float(mixed @ guitar.samples / (guitar.samples @ guitar.samples))
    rest = mixed - gain * guitar.samples
    assert 20 * np.log10(rest.std() / (gain * guitar.samples.std())) == pytest.approx(level_db, abs=0.3)


def test_a_band_at_another_rate_is_resampled() -> None:
    guitar, band = take(np.ones(RATE) * 0.1), take(np.ones(4 * RATE) * 0.1, 2 * RATE)
    assert len(mix(guitar, band, 0.0)) == RATE


def test_the_ways_of_judging_are_kept_apart() -> None:
    found = [PlainNote(0.1, 0.9, 64, 1, 0), PlainNote(0.5, 0.6, 64, 3, 9)]
    judged = judge(take(np.zeros(RATE)), found)
    right = {way: int(counts[:, 0].sum()) for way, counts in judged.counts.items()}
    assert (judged.found, right[ONSET], right[OFFSET], right[TAB]) == (2, 2, 1, 1)
    assert right[FINAL_TAB] <= 2
    assert all(counts.sum() >= 2 for counts in judged.counts.values())


def test_stock_is_limited_to_what_the_instrument_can_play_but_never_above_40() -> None:
    notes = [PlainNote(0, 1, pitch) for pitch in (23, 28, 39, 40, 50, 88, 89)]
    bass = Instrument(TUNINGS["bass"])
    assert [n.pitch for n in in_range(notes, take(np.zeros(9)))] == [40, 50, 88]
    assert [n.pitch for n in in_range(notes, take(np.zeros(9), instrument=Instrument(capo=5)))] == [40, 50, 88]
    assert [n.pitch for n in in_range(notes, take(np.zeros(9), instrument=bass))] == [28, 39, 40, 50, 88]


def test_a_lead_over_stock_is_stated_where_stock_ran() -> None:
    piece = take(np.zeros(2 * RATE))
    rows = {"row": {"ours": [judge(piece, piece.truth)], STOCK: [judge(piece, piece.truth[:1])]}}
    facts = results_facts(rows, (STOCK, "stock that is not here"))["row"]
    assert isinstance(facts, dict)
    lead, low, high = facts["ours"][f"over {STOCK}"]
    assert lead == pytest.approx(1 - 2 / 3)
    assert low <= lead <= high
    assert f"over {STOCK}" not in facts[STOCK]


def test_full_means_more_pieces_and_what_is_given_goes_first() -> None:
    assert (_parse([]).pieces, _parse(["--full"]).pieces) == (QUICK_PIECES, FULL_PIECES)
    assert _parse(["--full", "--pieces", "2", "--transcribers", "a,b"]).transcribers == ["a", "b"]
    assert _parse(["--full", "--pieces", "2"]).pieces == 2


def test_what_is_no_music_is_the_same_every_time_and_within_full_scale() -> None:
    once, again = no_music(1.0), no_music(1.0)
    for name, signal in once.items():
        assert np.array_equal(signal, again[name])
        assert np.isfinite(signal).all()
        assert np.abs(signal).max() <= 1
        assert (np.abs(signal).max() > 0) == (name != "silence")
