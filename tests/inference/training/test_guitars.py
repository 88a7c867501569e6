"""Every kind of guitar: a label's onset is where the sound begins, its pitch what sounds, its offset where it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.training.modal import ModalGuitar
from inference.training.sample_bank import PRE_ROLL, SAMPLE_RATE_HZ, Recording
from inference.training.score import DEAD, HAMMER_ON, PALM_MUTE
from inference.training.soundfont import TIM, Order, record, soundfont_path
from inference.training.sounds import SoundLibrary, default_sounds_dir
from inference.training.voices import Guitar, RecordedGuitar
from music.errors import Reason, Unavailable
from music.tuning import Instrument
from tests.inference.training.sounding import LENGTH, ONSET, cents_off, one_note, onset_error_ms, rms_between

PITCHES = (40, 47, 52, 59, 66, 72, 79)


def sines() -> list[Recording]:
    """Recordings three semitones apart, from 40 to 82, that fall by 20 dB a second."""
    time_s = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    recordings = []
    for pitch in range(40, 84, 3):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 6)) * 10 ** (-time_s)
        recordings.append(Recording(pitch, np.concatenate([np.zeros(PRE_ROLL), tone]).astype(np.float32)))
    return recordings


@pytest.fixture(scope="module")
def soundfont_notes(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    try:
        return record(Order(TIM, 25, (40, 52, 64, 76), hold_s=1.5), tmp_path_factory.mktemp("soundfonts"))
    except Unavailable as error:
        pytest.skip(error.message)


@pytest.fixture(params=["recorded", "modal", "sampled", "soundfont"])
def guitar(request: pytest.FixtureRequest) -> Guitar:
    match request.param:
        case "recorded":
            return RecordedGuitar(sines())
        case "modal":
            return ModalGuitar(4)
        case "soundfont":
            return RecordedGuitar(request.getfixturevalue("soundfont_notes"))
    try:
        return SoundLibrary(default_sounds_dir()).guitar("sampled/electric")
    except Unavailable as error:
        pytest.skip(error.message)


def sound(guitar: Guitar, pitch: int, technique: str = "pluck", sounding: int = 22_050) -> np.ndarray:
    note = one_note(pitch, technique, sounding)
    return guitar.play([note], Instrument(), LENGTH, np.random.default_rng(pitch)).samples


def test_onsets_and_pitches(guitar: Guitar) -> None:
    for pitch in PITCHES:
        samples = sound(guitar, pitch)
        assert np.all(np.isfinite(samples))
        assert abs(onset_error_ms(samples)) <= 3.0, pitch
        assert abs(cents_off(samples, pitch)) <= 20.0, pitch


def test_a_damped_string_is_silent_after_its_offset(guitar: Guitar) -> None:
    samples = sound(guitar, 45, sounding=11_025)
    ringing, after = rms_between(samples, ONSET, ONSET + 11_025), rms_between(samples, ONSET + 13_000, LENGTH)
    assert after < ringing * 1e-3


def test_an_offset_is_not_later_than_what_is_heard(guitar: Guitar) -> None:
    short = guitar.play([one_note(52, sounding=11_025)], Instrument(), LENGTH, np.random.default_rng(1))
    muted = guitar.play([one_note(52, PALM_MUTE, 33_000)], Instrument(), LENGTH, np.random.default_rng(1))
    assert short.offsets == (ONSET + 11_025,)
    assert ONSET < muted.offsets[0] < ONSET + 33_000
    peak = np.abs(muted.samples).max()
    assert rms_between(muted.samples, muted.offsets[0], LENGTH) < peak * 10 ** (-35 / 20)


def test_a_hammered_note_begins_softer(guitar: Guitar) -> None:
    plucked, hammered = sound(guitar, 57), sound(guitar, 57, HAMMER_ON)
    first = (ONSET, ONSET + 4410)
    assert rms_between(hammered, *first) < 0.9 * rms_between(plucked, *first)
    assert abs(onset_error_ms(hammered)) <= 4.0


def test_a_dead_stroke_hardly_rings(guitar: Guitar) -> None:
    plucked, dead = sound(guitar, 50), sound(guitar, 50, DEAD)
    later = (ONSET + 2205, ONSET + 4410)
    assert rms_between(dead, *later) < 0.1 * rms_between(plucked, *later)


def test_a_bend_is_heard(guitar: Guitar) -> None:
    note = replace(one_note(57), bends=((0, 0.0), (1000, 0.5)))
    samples = guitar.play([note], Instrument(), LENGTH, np.random.default_rng(1)).samples
    assert cents_off(samples, 57) == pytest.approx(50, abs=15)


def test_velocity_is_loudness(guitar: Guitar) -> None:
    loud, soft = (
        guitar.play([replace(one_note(60), velocity=v)], Instrument(), LENGTH, np.random.default_rng(2)).samples
        for v in (0.9, 0.4)
    )
    drop_db = 20 * np.log10(rms_between(loud, ONSET, LENGTH) / rms_between(soft, ONSET, LENGTH))
    assert 8 <= drop_db <= 22


def test_a_modal_string_can_be_told_from_another() -> None:
    places = Instrument().positions_of(64)
    spectra = []
    for place in (places[0], places[-1]):
        note = replace(one_note(64), string=place.string, fret=place.fret)
        samples = ModalGuitar(2).play([note], Instrument(), LENGTH, np.random.default_rng(3)).samples
        spectrum = np.abs(np.fft.rfft(samples[ONSET : ONSET + 8192]))
        spectra.append(spectrum / np.linalg.norm(spectrum))
    assert float(spectra[0] @ spectra[1]) < 0.97


def test_no_two_modal_guitars_are_alike() -> None:
    one, other = (
        ModalGuitar(seed).play([one_note(52)], Instrument(), LENGTH, np.random.default_rng(0)) for seed in (1, 2)
    )
    assert np.abs(one.samples - other.samples).max() > 0.01


def test_an_absent_soundfont_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESIS_SOUNDFONTS", str(tmp_path))
    with pytest.raises(Unavailable, match="timgm6mb-soundfont") as error:
        soundfont_path(TIM)
    assert error.value.reason is Reason.MODEL_MISSING


@pytest.mark.parametrize("name", ["sampled/banjo", "harp"])
def test_a_sound_that_does_not_exist_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=name):
        SoundLibrary(tmp_path).guitar(name)
