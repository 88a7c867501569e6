"""Effects change how a guitar sounds, not when: onsets stay, nothing clips unasked, nothing breaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.training.amplifiers import amp_chains, amplify, rms
from inference.training.effects import PEAK_LIMIT, Effects, Room, colour_guitar, draw_effects, record
from inference.training.modal import ModalGuitar
from music.tuning import Instrument
from tests.inference.training.sounding import LENGTH, cents_off, one_note, onset_error_ms


@pytest.fixture(scope="module")
def dry() -> NDArray[np.float32]:
    return ModalGuitar(4).play([one_note(57)], Instrument(), LENGTH, np.random.default_rng(0)).samples


@pytest.mark.parametrize("chain", amp_chains())
def test_an_amplifier_keeps_onset_pitch_and_level(dry: NDArray[np.float32], chain: str) -> None:
    wet = amplify(dry, amp_chains()[chain])
    assert wet.dtype == np.float32
    assert len(wet) == len(dry)
    assert abs(onset_error_ms(wet)) <= 1.5
    assert abs(cents_off(wet, 57)) <= 20
    assert rms(wet) == pytest.approx(rms(dry), rel=0.01)


def test_drive_adds_harmonics(dry: NDArray[np.float32]) -> None:
    def above_2_khz(samples: NDArray[np.float32]) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(power[2000 * len(samples) // 22_050 :].sum() / power.sum())

    assert above_2_khz(amplify(dry, amp_chains()["lead"])) > 3 * above_2_khz(dry)


@pytest.mark.parametrize("seed", range(12))
def test_any_chain_gives_sound_samples(dry: NDArray[np.float32], seed: int) -> None:
    effects = draw_effects(np.random.default_rng(seed), amplified=0.5, driven=0.5)
    samples = record(colour_guitar(dry, effects, np.random.default_rng(0)), effects, np.random.default_rng(seed))
    assert samples.dtype == np.float32
    assert np.all(np.isfinite(samples))
    assert np.abs(samples).max() <= PEAK_LIMIT
    assert rms(samples) > 1e-4
    if effects.peak_db <= 0:
        assert np.abs(samples).max() == pytest.approx(10 ** (effects.peak_db / 20), rel=1e-3)


def test_a_room_keeps_the_onset(dry: NDArray[np.float32]) -> None:
    wet = colour_guitar(dry, Effects(room=Room(decay_s=1.2, level_db=-8, seed=1)), np.random.default_rng(0))
    assert abs(onset_error_ms(wet)) <= 1.5
    assert rms(wet[-8000:]) > rms(dry[-8000:])


@pytest.mark.parametrize("noisy", [Effects(hiss_db=-20.0), Effects(hum_db=-20.0)], ids=["hiss", "hum"])
def test_noise_has_its_level(dry: NDArray[np.float32], noisy: Effects) -> None:
    random = np.random.default_rng(0)
    quiet = record(dry, Effects(), random)
    loud = record(dry, noisy, random)
    noise = loud / np.abs(loud).max() - quiet / np.abs(quiet).max()
    assert 0.03 < rms(noise[:4000]) / rms(quiet / np.abs(quiet).max()) < 0.2


def test_silence_stays_silence() -> None:
    silence = np.zeros(1000, np.float32)
    for amplifier in amp_chains().values():
        assert not np.any(amplify(silence, amplifier))
    assert not np.any(record(silence, Effects(), np.random.default_rng(0)))
