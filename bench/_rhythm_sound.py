"""The sound of composed pieces: modal guitars of the validation recipe, which nothing was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import REPORT_SEED, Composed
from inference.training.effects import Effects, record
from inference.training.modal import ModalGuitar
from inference.training.recipes import VALIDATION
from inference.training.voices import Guitar


def rendered(piece: Composed, number: int) -> NDArray[np.float32]:
    """The piece's sound: f32[n] at 22 050 Hz."""
    random = np.random.default_rng([REPORT_SEED + number, 9])
    guitar: Guitar = ModalGuitar(VALIDATION.modal.start + number)
    performance = piece.performance
    played = guitar.play(performance.strokes, performance.instrument, performance.duration, random)
    return np.asarray(record(played.samples, Effects(), random), np.float32)
