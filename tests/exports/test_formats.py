"""Exports, opened again by readers that share no code with what wrote them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench._export_pieces import document, hostile, made, techniques
from bench._score_readers import read_alphatab, read_gp5, read_midi, read_musicxml, schema_errors
from exports.formats import FORMATS, export
from exports.losses import Losses, LossKind
from exports.score import read_score
from music.errors import InvalidInput, NotFound
from tests.support.demo import demo_truth

PIECES = {**made(), "demo": demo_truth()}
MOMENT_S = 0.001


def lost(piece: dict[str, Any], name: str) -> dict[LossKind, int]:
    return {loss.kind: loss.count for loss in export(piece, name).losses}


@pytest.mark.parametrize("name", PIECES)
def test_midi_keeps_when_every_note_was_played(name: str) -> None:
    piece = PIECES[name]
    found = read_midi(export(piece, "mid").content)
    notes = [(note["onset_s"], note["offset_s"], note["pitch"], note["string"]) for note in piece["notes"]]
    assert Counter(note[2:] for note in found) == Counter(note[2:] for note in notes)
    for read, true in zip(sorted(found, key=by_string), sorted(notes, key=by_string), strict=True):
        assert read[0] == pytest.approx(true[0], abs=MOMENT_S)


def by_string(note: tuple[float, float, int, int]) -> tuple[int, int, float]:
    return (note[3], note[2], note[0])


@pytest.mark.parametrize("name", [name for name in PIECES if name != "eight string"])
def test_guitar_pro_keeps_every_place(name: str) -> None:
    score = read_score(PIECES[name], Losses())
    found = read_gp5(export(PIECES[name], "gp5").content)
    assert found.places == places_of(PIECES[name])
    assert (found.tuning, found.capo) == (score.instrument.tuning, score.instrument.capo)
    assert len(found.metres) == len(score.bars)
    assert found.full_bars


def test_guitar_pro_tells_what_the_eighth_string_lost() -> None:
    piece = PIECES["eight string"]
    found = read_gp5(export(piece, "gp5").content)
    assert len(found.tuning) == 7
    eighth = [note for note in piece["notes"] if note["string"] == 8]
    told = lost(piece, "gp5")
    assert told[LossKind.STRINGS_LEFT_OUT] + told.get(LossKind.STRINGS_MOVED, 0) == len(eighth)
    assert len(found.notes) == len(piece["notes"]) - told[LossKind.STRINGS_LEFT_OUT]


@pytest.mark.parametrize("name", PIECES)
def test_musicxml_obeys_the_schema_and_keeps_every_place(name: str) -> None:
    content = export(PIECES[name], "musicxml").content
    assert schema_errors(content) == []
    found = read_musicxml(content)
    assert found.places == places_of(PIECES[name])
    assert list(found.staff_pitches) == sorted(note["pitch"] for note in PIECES[name]["notes"])


def test_alphatab_reads_both_formats_alike(tmp_path: Path) -> None:
    names = [name for name in PIECES if name != "eight string"]
    paths = []
    for name in names:
        for suffix in ("gp5", "musicxml"):
            paths.append(tmp_path / f"{name}.{suffix}")
            paths[-1].write_bytes(export(PIECES[name], suffix).content)
    read = read_alphatab(paths)
    for name, guitar_pro, musicxml in zip(names, read[::2], read[1::2], strict=True):
        score = read_score(PIECES[name], Losses())
        for found in (guitar_pro, musicxml):
            assert found.places == places_of(PIECES[name]), name
            assert (found.tuning, found.capo) == (score.instrument.tuning, score.instrument.capo), name
            # Of a pickup GP5 says 1/4, and MusicXML that its 3/4 is not full.
            assert found.metres[1:] == guitar_pro.metres[1:]
        onsets = [(note.bar, note.place, note.pitch) for note in guitar_pro.notes]
        assert onsets == [(note.bar, note.place, note.pitch) for note in musicxml.notes], name


def test_techniques_arrive(tmp_path: Path) -> None:
    piece = techniques()
    paths = [tmp_path / "piece.gp5", tmp_path / "piece.musicxml"]
    for path in paths:
        path.write_bytes(export(piece, path.suffix[1:]).content)
    expected = Counter({"hammer": 2, "slide": 1, "vibrato": 1, "bend": 1, "let_ring": 1})
    guitar_pro, musicxml = read_alphatab(paths)
    assert Counter(mark for note in guitar_pro.notes for mark in note.marks) == expected
    assert Counter(mark for note in read_gp5(paths[0].read_bytes()).notes for mark in note.marks) == expected
    text = paths[1].read_text()
    for element in ('<hammer-on number="3" type="start"', '<pull-off number="3" type="start"', "<bend>", "<wavy-line"):
        assert element in text
    assert guitar_pro.chords == ("Ebmaj7", "Gm/Bb", "Bb7") or "Ebmaj7" in guitar_pro.chords
    assert len(musicxml.chords) == 3


@pytest.mark.parametrize("name", hostile())
@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_hostile_breaks_a_writer_or_a_reader(name: str, suffix: str) -> None:
    content = export(hostile()[name], suffix).content
    if suffix == "gp5":
        assert read_gp5(content).full_bars
    elif suffix == "musicxml":
        assert schema_errors(content) == []
    elif suffix == "mid":
        read_midi(content)


def test_a_piece_without_end_is_refused() -> None:
    endless = document([{"onset_s": 0.0, "pitch": 64}, {"onset_s": 600_000.0, "pitch": 64}], tempo_bpm=300.0)
    with pytest.raises(InvalidInput, match="Cut it"):
        export(endless, "gp5")


def test_there_is_no_such_format() -> None:
    with pytest.raises(NotFound, match="musicxml"):
        export(techniques(), "pdf")


@pytest.mark.parametrize("suffix", FORMATS)
def test_one_document_is_one_file(suffix: str) -> None:
    assert export(techniques(), suffix).content == export(techniques(), suffix).content


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    tuning = draw(st.sampled_from([[64, 59, 55, 50, 45, 40], [43, 38, 33, 28], [64, 59, 55, 50, 45, 40, 35]]))
    moment = st.integers(0, 24).map(lambda step: step / 6) | st.floats(0, 4)
    notes = draw(
        st.lists(st.tuples(moment, st.floats(0, 2), st.integers(1, len(tuning)), st.integers(0, 12)), max_size=12)
    )
    written = [{"onset_s": on, "offset_s": on + length, "string": s, "fret": f} for on, length, s, f in notes]
    metre = draw(st.sampled_from(["4/4", "3/4", "6/8", "7/8", "5/4", "2/2"]))
    tempo = draw(st.none() | st.floats(30, 300))
    return document(written, tuning=tuning, capo=draw(st.integers(0, 12)), time_signature=metre, tempo_bpm=tempo)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_what_is_not_written_is_told(piece: dict[str, Any]) -> None:
    found = read_gp5(export(piece, "gp5").content)
    told = lost(piece, "gp5")
    missing = told.get(LossKind.PLACES_IN_CONFLICT, 0) + told.get(LossKind.NOTES_LEFT_OUT, 0)
    assert len(found.notes) + missing == len(piece["notes"])
    assert not Counter(found.places) - Counter(places_of(piece))
    assert found.full_bars
    midi = read_midi(export(piece, "mid").content)
    assert Counter(note[2] for note in midi) == Counter(note["pitch"] for note in piece["notes"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_any_musicxml_obeys_the_schema(piece: dict[str, Any]) -> None:
    assert schema_errors(export(piece, "musicxml").content) == []


def places_of(piece: dict[str, Any]) -> list[tuple[int, int, int]]:
    return sorted((note["pitch"], note["string"], note["fret"]) for note in piece["notes"])
