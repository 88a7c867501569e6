"""Note values as JSON: all that `notate` says and nothing else."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from music.audio import SAMPLE_RATE_HZ
from music.document import note_to_json
from music.errors import InvalidInput
from music.notation import notate
from music.notation_document import notation_to_json, tuplet_groups
from music.notation_values import Symbol, spell
from music.note import Note
from music.rhythm_document import bars_of
from tests.music.test_notation import bars, note


def file_of(notes: list[Note], bar_count: int = 2, **more: Any) -> dict[str, Any]:
    written = [
        {
            "number": bar.number,
            "time_signature": str(bar.signature),
            "beats_s": [beat / SAMPLE_RATE_HZ for beat in bar.beats],
            "end_s": bar.end / SAMPLE_RATE_HZ,
            "confidence": 0.9,
        }
        for bar in bars(bar_count)
    ]
    return {
        "schema": "genesis.transcription/1",
        "session": "s",
        "notes": [note_to_json(one) for one in notes],
        "bars": written,
        **more,
    }


NOTES = [
    note("bass", 0, 4, 40),
    *(note(f"t{n}", n / 3, 1 / 3, 66 + n) for n in range(3)),
    note("over", 3, 2, 66),
    note("late", 40, 1),
]


def test_it_says_what_notate_says() -> None:
    file = file_of(NOTES, keys=[{"start_s": 0, "end_s": 4, "key": "D:major", "confidence": 0.9}])
    written = json.loads(json.dumps(notation_to_json(file)))
    truth = notate(NOTES, bars_of(file))
    assert (written["schema"], written["key"], written["fifths"]) == ("genesis.notation/1", "D:major", 2)
    assert written["left_out"] == ["late"] == list(truth.left_out)
    for bar, true_bar in zip(written["bars"], truth.bars, strict=True):
        assert Fraction(*bar["length"]) == true_bar.bar.length
        for voice, symbols in zip(bar["voices"], true_bar.voices, strict=True):
            for symbol, true in zip(voice, symbols, strict=True):
                assert (Fraction(*symbol["at"]), Fraction(*symbol["duration"])) == (true.start, true.duration)
                assert (symbol["base"], symbol["dots"]) == (true.base, true.dots)
                assert (symbol["tuplet"] is None) == (true.tuplet == (1, 1))
                assert [head["id"] for head in symbol["heads"]] == list(true.notes)
                assert [head["id"] for head in symbol["heads"] if head["tied"]] == list(true.tied)
                assert [head["id"] for head in symbol["heads"] if head["begins"]] == list(true.starts)
    melody, bass = written["bars"][0]["voices"]
    assert [symbol["tuplet"] for symbol in melody[:3]] == [{"actual": 3, "normal": 2, "group": 0}] * 3
    assert (melody[0]["heads"][0]["step"], melody[0]["heads"][0]["alter"]) == ("F", 1)
    assert bass[0]["heads"][0]["id"] == "bass"
    tied = [head for symbol in melody for head in symbol["heads"] if head["id"] == "over"]
    assert [head["tied"] for head in tied] == [True], "it lasts into the next bar"


def test_without_bars_all_is_left_out() -> None:
    written = notation_to_json({**file_of(NOTES), "bars": []})
    assert (written["bars"], written["key"], written["fifths"]) == ([], None, 0)
    assert sorted(written["left_out"]) == sorted(one.id for one in NOTES)


def test_what_is_no_file_is_refused() -> None:
    with pytest.raises(InvalidInput):
        notation_to_json({"schema": "other/1", "notes": []})


def symbols_of(*lengths: str) -> list[Symbol]:
    at, found = Fraction(0), []
    for length in lengths:
        found += spell(at, at + Fraction(length), Fraction(1, 4), ("n",))
        at += Fraction(length)
    return found


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        (("1/4", "1/4"), [None, None]),
        (("1/12", "1/12", "1/12", "1/12", "1/12", "1/12"), [0, 0, 0, 1, 1, 1]),
        (("1/6", "1/12", "1/4", "1/12", "1/6"), [0, 0, None, 1, 1]),
        (("1/24", "1/24", "1/24", "1/24", "1/24", "1/24"), [0, 0, 0, 1, 1, 1]),
    ],
)
def test_brackets_end_where_a_plain_length_is_full(lengths: tuple[str, ...], expected: list[int | None]) -> None:
    assert tuplet_groups(symbols_of(*lengths)) == expected


def test_a_bracket_that_never_fills_ends_with_its_tuplet() -> None:
    third = Symbol(Fraction(0), Fraction(1, 12), 8, 0, (3, 2), ("n",))
    plain = Symbol(Fraction(1, 12), Fraction(1, 4), 4, 0, (1, 1), ("n",))
    assert tuplet_groups([third, plain, third]) == [0, None, 1]


CASES = sorted((Path(__file__).parents[1] / "notation").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_pieces_are_written_as_they_were(path: Path) -> None:
    """The page lays the same files out: `web_edge/ui/tests/written.test.ts`."""
    case = json.loads(path.read_text())
    assert notation_to_json(case["file"]) == case["notation"]
