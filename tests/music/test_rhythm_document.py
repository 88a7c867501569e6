"""Bars, chords and keys in files."""

from __future__ import annotations

import json

import pytest

from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar, BarState, TimeSignature
from music.errors import InvalidInput
from music.harmony import ChordSpan, KeySpan
from music.rhythm_document import Music, bars_of, chords_of, final_music, keys_of, main_key, music_to_json
from tests.music.test_harmony_tracking import song

S = SAMPLE_RATE_HZ
_BARS = (
    Bar(0, (0, S // 2), S, TimeSignature(4, 4), 0.5, 0.5, BarState.COMMITTED),
    Bar(1, (S, 2 * S, 3 * S), 4 * S, TimeSignature(3, 4), 0.75, 0.6, BarState.COMMITTED),
)


def test_what_is_written_is_read_back() -> None:
    music = Music(_BARS, (ChordSpan(0, 2 * S, "A:min", 0.5),), (KeySpan(0, 4 * S, "A:minor", 0.75),))
    data = json.loads(json.dumps(music_to_json(music)))
    assert (bars_of(data), chords_of(data), keys_of(data)) == (music.bars, music.chords, music.keys)
    assert data["key"] == "A:minor"
    assert data["chords"][0]["roman"] == "i"
    assert [beat["position"] for beat in data["beats"]] == [3, 4, 1, 2, 3]


def test_beats_alone_give_bars() -> None:
    beats = [{"time_s": n * 0.5, "position": n % 3 + 1, "measure": n // 3 + 1, "beats_per_bar": 3} for n in range(6)]
    bars = bars_of({"beats": beats, "time_signature": "3/4"})
    assert [(bar.number, bar.start, bar.end, str(bar.signature)) for bar in bars] == [
        (1, 0, 3 * S // 2, "3/4"),
        (2, 3 * S // 2, 3 * S, "3/4"),
    ]
    assert bars_of({}) == ()


@pytest.mark.parametrize(
    "bars",
    [
        [{}],
        [{"number": 1, "beats_s": [], "end_s": 1, "time_signature": "4/4"}],
        [{"number": 1, "beats_s": [0, "x"], "end_s": 1, "time_signature": "4/4"}],
        [{"number": 1, "beats_s": [0], "end_s": 1e309, "time_signature": "4/4"}],
        [{"number": 1, "beats_s": [0], "end_s": 1, "time_signature": "4/5"}],
        [{"number": n, "beats_s": [0], "end_s": 1, "time_signature": "4/4"} for n in (1, 2)],
        "bars",
    ],
)
def test_wrong_bars_are_refused(bars: object) -> None:
    with pytest.raises(InvalidInput):
        bars_of({"bars": bars})


def test_a_whole_piece() -> None:
    notes, duration = song()
    data = music_to_json(final_music(notes, duration))
    assert data["tempo_bpm"] == pytest.approx(120, rel=0.03)
    assert data["time_signature"] == "4/4"
    assert [chord["symbol"] for chord in data["chords"]][:4] == ["A:min", "F:maj", "C:maj", "G:maj"]
    assert bars_of(data)
    empty = music_to_json(final_music([], 0))
    assert (empty["tempo_bpm"], empty["beats"], empty["key"], empty["chords"]) == (None, [], None, [])


def test_the_main_key_is_the_one_that_lasts() -> None:
    assert main_key([KeySpan(0, 5, "C:major"), KeySpan(5, 30, ""), KeySpan(30, 40, "G:major")]) == "G:major"
    assert main_key([]) == ""
