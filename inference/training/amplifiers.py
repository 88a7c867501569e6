"""Guitar amplifiers: gain before a curved transfer, filters around it, a loudspeaker behind it. None delays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from music.audio import SAMPLE_RATE_HZ

Signal = NDArray[np.float32]
_OVERSAMPLING = 2


@dataclass(frozen=True, slots=True)
class Amplifier:
    """A chain with fixed knobs.

    Attributes:
        drive_db: gain before the curve, over a signal of 0.1 RMS; 0 or less leaves it clean.
        bias: asymmetry of the curve, 0..0.5 (even harmonics).
        tight_hz: high-pass before the curve.
        bite_db: boost at 1.5 kHz before the curve.
        speaker_hz: low-pass of the loudspeaker; 0 for none (plugged straight into a desk).
        presence_db: boost at 2.5 kHz after the curve.
        squeeze: share of level differences that a compressor takes away, 0..0.8.
    """

    drive_db: float = 0.0
    bias: float = 0.0
    tight_hz: float = 0.0
    bite_db: float = 0.0
    speaker_hz: float = 0.0
    presence_db: float = 0.0
    squeeze: float = 0.0


def amp_chains() -> dict[str, Amplifier]:
    """Named chains, always the same, to put one performance through several amplifiers."""
    return {
        "direct": Amplifier(),
        "clean": Amplifier(drive_db=-6, speaker_hz=5000, presence_db=3, squeeze=0.3),
        "edge": Amplifier(drive_db=8, bias=0.15, tight_hz=70, speaker_hz=4800, presence_db=3, squeeze=0.2),
        "crunch": Amplifier(drive_db=16, bias=0.2, tight_hz=100, bite_db=4, speaker_hz=4500, presence_db=4),
        "lead": Amplifier(drive_db=26, bias=0.1, tight_hz=130, bite_db=7, speaker_hz=4200, presence_db=3),
        "metal": Amplifier(drive_db=34, bias=0.05, tight_hz=160, bite_db=9, speaker_hz=4800, presence_db=2),
    }


def draw_amplifier(random: np.random.Generator, *, drive: bool) -> Amplifier:
    """Any amplifier; with `drive` an audibly distorting one."""
    return Amplifier(
        drive_db=float(random.uniform(4, 34) if drive else random.uniform(-12, 2)),
        bias=float(random.uniform(0, 0.35)),
        tight_hz=float(random.choice([0.0, random.uniform(60, 180)])),
        bite_db=float(random.uniform(0, 9)),
        speaker_hz=float(random.uniform(3200, 6500)),
        presence_db=float(random.uniform(-2, 6)),
        squeeze=float(random.choice([0.0, random.uniform(0.1, 0.6)])),
    )


def amplify(samples: Signal, amplifier: Amplifier) -> Signal:
    """The signal through an amplifier: f32[n] in, f32[n] of the same RMS out."""
    level = rms(samples)
    if level < 1e-7:
        return samples
    out = (samples * (0.1 / level)).astype(np.float32)
    if amplifier.squeeze:
        out = _compress(out, amplifier.squeeze)
    if amplifier.tight_hz:
        out = _filter(out, "highpass", amplifier.tight_hz, 1)
    if amplifier.bite_db:
        out = _peak(out, 1500.0, 0.7, amplifier.bite_db)
    if amplifier.drive_db > 0:
        out = _curve(out, amplifier.drive_db, amplifier.bias)
    if amplifier.presence_db:
        out = _peak(out, 2500.0, 0.9, amplifier.presence_db)
    if amplifier.speaker_hz:
        out = _filter(out, "lowpass", amplifier.speaker_hz, 3)
        out = _peak(_filter(out, "highpass", 70.0, 2), 110.0, 1.2, 3.0)
    return np.asarray(out * (level / max(1e-9, rms(out))), np.float32)


def rms(samples: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _curve(samples: Signal, drive_db: float, bias: float) -> Signal:
    """A tanh around a shifted point, at twice the rate so that less of what it adds folds back."""
    fast = resample_poly(samples, _OVERSAMPLING, 1) * 10 ** (drive_db / 20) * 3
    bent = np.tanh(fast + bias) - np.tanh(bias)
    slow = resample_poly(bent, 1, _OVERSAMPLING)[: len(samples)]
    return _filter(slow.astype(np.float32), "highpass", 25.0, 1)


def _compress(samples: Signal, squeeze: float) -> Signal:
    """Level by a one-pole follower with 10 ms, its power taken away by `squeeze`."""
    pole = float(np.exp(-1 / (0.010 * SAMPLE_RATE_HZ)))
    level = lfilter([1 - pole], [1, -pole], np.abs(samples)) + 0.003
    return np.asarray(samples * (level / 0.08) ** -squeeze, np.float32)


def _filter(samples: Signal, kind: str, hz: float, order: int) -> Signal:
    return np.asarray(sosfilt(butter(order, hz, kind, fs=SAMPLE_RATE_HZ, output="sos"), samples), np.float32)


def _peak(samples: Signal, hz: float, q: float, gain_db: float) -> Signal:
    """A peaking filter as in R. Bristow-Johnson's audio EQ cookbook."""
    w = 2 * np.pi * hz / SAMPLE_RATE_HZ
    a, alpha = 10 ** (gain_db / 40), np.sin(w) / (2 * q)
    b = np.array([1 + alpha * a, -2 * np.cos(w), 1 - alpha * a])
    d = np.array([1 + alpha / a, -2 * np.cos(w), 1 - alpha / a])
    return np.asarray(lfilter(b / d[0], d / d[0], samples), np.float32)
