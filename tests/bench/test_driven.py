"""`bench.driven` compares one performance: a string that plays alone is driven alike in the sum and by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.driven import BY_STRING, EXPANDED, UNDONE, WAYS, _signals
from inference.training.amplifiers import rms
from inference.training.dataset import render_piece
from inference.training.effects import Effects
from inference.training.recipes import ANY_MODAL, VALIDATION
from inference.training.sounds import SoundLibrary

HOME_MADE = replace(
    VALIDATION, sounds={ANY_MODAL: 1.0}, duration_s=4.0, band_share=0.0, band_only_share=0.0, styles={"chords": 1.0}
)
"""Needs nothing that has to be fetched."""


def test_what_might_undo_an_amplifier_raises_what_the_curve_flattened(tmp_path: Path) -> None:
    library = SoundLibrary(tmp_path)
    signals = _signals(render_piece(HOME_MADE, 1_040_001, library, effects=Effects()), library)

    def crest(name: str) -> float:
        return float(np.abs(signals[name]).max()) / rms(signals[name])

    for undoing in (UNDONE, EXPANDED):
        assert crest(undoing) > 1.1 * crest("the whole amplifier")


def test_only_where_strings_meet_does_it_matter_that_each_is_driven_by_itself(tmp_path: Path) -> None:
    library = SoundLibrary(tmp_path)
    piece = render_piece(HOME_MADE, 1_040_000, library, effects=Effects())
    signals = _signals(piece, library)
    assert set(signals) == {"direct", *WAYS, UNDONE, EXPANDED, BY_STRING}
    assert {len(signal) for signal in signals.values()} == {len(piece.samples)}
    whole = signals["the whole amplifier"]
    assert rms(signals[BY_STRING] - whole) > 0.3 * rms(whole)

    string = piece.notes[0].string
    alone = replace(piece, notes=tuple(note for note in piece.notes if note.string == string))
    signals = _signals(alone, library)
    np.testing.assert_allclose(signals[BY_STRING], signals["the whole amplifier"], atol=1e-6)
