"""Spectrograms: there and back, and the layout an HTDemucs takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from inference.spectra import hann, signal_of, spectrum_of
from inference.waveforms import joined_signal, parted_spectrum


@given(st.integers(1, 40), st.integers(0, 3))
def test_there_and_back(frames: int, seed: int) -> None:
    signal = np.random.default_rng(seed).standard_normal((2, (frames - 1) * 16 + 64)).astype(np.float32)
    back = signal_of(spectrum_of(signal, 64, 16), 64, 16)
    # The very first sample lies under the window's zero.
    np.testing.assert_allclose(back[:, 1:-1], signal[:, 1:-1], atol=2e-3)
    np.testing.assert_allclose(back[:, 48:-48], signal[:, 48:-48], atol=1e-5)


def test_a_frame_is_what_scipy_says() -> None:
    signal = np.random.default_rng(1).standard_normal((1, 640)).astype(np.float32)
    found = spectrum_of(signal, 128, 32)[0]
    transform = scipy_signal.ShortTimeFFT(hann(128).astype(float), hop=32, fs=1.0)
    # scipy counts frames from their centres.
    expected = transform.stft(signal[0].astype(float), p0=2, p1=2 + len(found))
    phase = np.exp(-2j * np.pi * np.arange(65) * 64 / 128)[:, None]
    np.testing.assert_allclose(np.abs(found.T), np.abs(expected * phase), atol=1e-3)


@pytest.mark.parametrize("length", [1024, 1000, 777])
def test_the_parts_of_a_spectrogram_make_the_signal_again(length: int) -> None:
    signal = np.random.default_rng(2).standard_normal((2, length)).astype(np.float32)
    parts = parted_spectrum(signal, 256, 64)
    assert parts.shape == (4, 128, -(-length // 64))
    # The highest bin is left out, so what comes back is the signal less its part at half the rate.
    back = joined_signal(parts, length, 256, 64)
    smooth = signal[:, 1:-1] / 2 + (signal[:, :-2] + signal[:, 2:]) / 4
    again = back[:, 1:-1] / 2 + (back[:, :-2] + back[:, 2:]) / 4
    inner = slice(192, -192)
    np.testing.assert_allclose(again[:, inner], smooth[:, inner], atol=2e-2)
