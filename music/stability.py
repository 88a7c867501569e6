"""How likely a TENTATIVE note is to be committed as it stands: same pitch, onset within 50 ms.

A logistic curve over what is known of it: the odds of its confidence, and how long it has been heard. Each transcriber
has its own, for each is sure in its own way. The numbers were fitted on rendered pieces of the TRAINING recipe by the
command beside them; `python -m bench stability` prints how far they can be believed on others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

_NEAREST = 1e-3


@dataclass(frozen=True, slots=True)
class StabilityCurve:
    """log odds = `intercept` + `confidence` · log odds of the confidence + `age` · ln(1 + frames since the onset).

    Neither weight is negative: a surer or an older note is never less stable.
    """

    intercept: float
    confidence: float
    age: float


AS_CONFIDENT = StabilityCurve(0.0, 1.0, 0.0)
"""For a transcriber that nobody has fitted a curve for: a note is as stable as it is sure."""

CURVES: Mapping[str, StabilityCurve] = {
    # python -m bench stability --transcriber basic_pitch --fit --fit-pieces 16
    "basic_pitch": StabilityCurve(0.744, 1.253, 0.025),
    # python -m bench stability --transcriber guitar --fit --fit-pieces 16
    "guitar": StabilityCurve(1.105, 0.573, 0.349),
}
"""Frozen as the command above each printed them."""


def curve_of(transcriber: str) -> StabilityCurve:
    """By the model's name (`ModelReference.name`)."""
    return CURVES.get(transcriber, AS_CONFIDENT)


def stability(confidence: float, frames_since_onset: float, curve: StabilityCurve) -> float:
    """The probability, 0..1.

    Args:
        confidence: of the note, 0..1; what is nearer to 0 or 1 than a thousandth counts as that near.
        frames_since_onset: frames (11.6 ms) heard since its onset; below 0 counts as 0.
        curve: the transcriber's.
    """
    sure = min(1 - _NEAREST, max(_NEAREST, confidence))
    odds = curve.intercept + curve.confidence * math.log(sure / (1 - sure))
    odds += curve.age * math.log1p(max(0.0, frames_since_onset))
    return 1 / (1 + math.exp(-odds))
