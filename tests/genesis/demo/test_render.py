"""The rendering: what the truth says is what sounds, and it is the same every time."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genesis.demo.build import build_demo
from genesis.demo.piece import Piece, read_piece
from genesis.demo.render import PlayedNote, perform, render
from genesis.stock import TRUTH_NAME, WAV_NAME
from inference.training.sample_bank import SAMPLE_RATE_HZ, Recording, fetch_samples, load_bank, pitch_of
from music.audio import seconds
from tests.support.samples import samples_dir

ONSET_TOLERANCE_S = 0.005


@pytest.fixture(scope="module")
def piece() -> Piece:
    return read_piece()


@pytest.fixture(scope="module")
def bank() -> list[Recording]:
    return load_bank(fetch_samples(samples_dir()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, bank: list[Recording]) -> Path:
    out = tmp_path_factory.mktemp("demo")
    assert build_demo(out, samples_dir())
    return out


def heard_onset_s(audio: NDArray[np.float32]) -> float:
    """When a lone note first exceeds a fiftieth of its peak."""
    return float(np.flatnonzero(np.abs(audio) > 0.02 * np.abs(audio).max())[0]) / SAMPLE_RATE_HZ


def test_onsets_are_where_the_truth_says(piece: Piece, bank: list[Recording]) -> None:
    notes = perform(piece)
    one_a_pitch = {note.note.pitch: note for note in notes}
    errors = {pitch: heard_onset_s(render([note], bank)) - seconds(note.onset) for pitch, note in one_a_pitch.items()}
    assert max(abs(error) for error in errors.values()) <= ONSET_TOLERANCE_S, errors


def test_pitches_are_in_tune(piece: Piece, bank: list[Recording]) -> None:
    """Every pitch of the piece within 30 cents, by the strongest lag of its autocorrelation."""
    notes = {note.note.pitch: note for note in perform(piece)}
    for pitch, note in notes.items():
        audio = render([PlayedNote(note.note, note.onset, note.onset + 22_050, 0.8)], bank)
        start = round((seconds(note.onset) + 0.1) * SAMPLE_RATE_HZ)
        part = audio[start : start + 16_384]
        spectrum = np.abs(np.fft.rfft(part, 1 << 16)) ** 2
        correlation = np.fft.irfft(spectrum)
        expected = SAMPLE_RATE_HZ / (440 * 2 ** ((pitch - 69) / 12))
        lags = np.arange(round(expected * 0.95), round(expected * 1.05) + 1)
        found = lags[int(np.argmax(correlation[lags]))]
        cents = 1200 * abs(np.log2(found / expected))
        assert cents <= 30 + 1200 * np.log2(1 + 1 / expected), (pitch, cents)


def test_the_same_every_time(built: Path, tmp_path: Path) -> None:
    build_demo(tmp_path, samples_dir())
    for name in (WAV_NAME, TRUTH_NAME):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes()


def test_a_second_build_does_nothing(built: Path) -> None:
    before = (built / WAV_NAME).stat().st_mtime_ns
    assert not build_demo(built, samples_dir())
    assert (built / WAV_NAME).stat().st_mtime_ns == before


def test_the_file_is_what_the_page_expects(built: Path) -> None:
    with wave.open(str(built / WAV_NAME)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (44_100, 1, 2)
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    truth = json.loads((built / TRUTH_NAME).read_text())
    assert 20 * np.log10(np.abs(audio).max()) == pytest.approx(-3.0, abs=0.01)
    assert truth["duration_s"] == pytest.approx(len(audio) / 44_100, abs=1e-6)
    assert 25 <= truth["duration_s"] <= 35
    assert truth["notes"][0]["onset_s"] >= 0.3
    assert np.abs(audio[: round(0.29 * 44_100)]).max() == 0
    assert "Attribution 3.0" in truth["attribution"]


def test_one_note_a_string_at_a_time(built: Path) -> None:
    sounding: dict[int, float] = {}
    for note in json.loads((built / TRUTH_NAME).read_text())["notes"]:
        assert note["onset_s"] >= sounding.get(note["string"], 0)
        assert note["offset_s"] > note["onset_s"]
        sounding[note["string"]] = note["offset_s"]


def test_names_of_samples() -> None:
    assert [pitch_of(name) for name in ("A4", "Cs4", "E2", "README")] == [69, 61, 40, None]
