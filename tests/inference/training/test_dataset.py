"""Pieces: the same bytes for the same seed, labels that effects and bands leave alone, splits that do not touch."""

from __future__ import annotations

import json
import math
import wave
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from inference.training import preview
from inference.training.amplifiers import amp_chains
from inference.training.dataset import Piece, render_piece, to_document
from inference.training.recipes import ANY_MODAL, RECIPES, VALIDATION, Recipe, recipe_of
from inference.training.sounds import SoundLibrary
from music.document import parse_document

HOME_MADE: Recipe = replace(
    VALIDATION, sounds={ANY_MODAL: 1.0}, kits=("synth/1",), basses=("modal/3",), duration_s=6.0, seeds=range(1000)
)
"""Needs nothing that has to be fetched."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    return SoundLibrary(tmp_path_factory.mktemp("sounds"))


def piece(seed: int, library: SoundLibrary, **changes: float) -> Piece:
    return render_piece(replace(HOME_MADE, **changes), seed, library)  # type: ignore[arg-type]  # shares are floats


def test_the_same_bytes_from_the_same_seed(library: SoundLibrary, tmp_path: Path) -> None:
    for seed in range(3):
        one, again = piece(seed, library), piece(seed, SoundLibrary(tmp_path))
        assert one.samples.tobytes() == again.samples.tobytes()
        assert one.notes == again.notes
    assert piece(0, library).samples.tobytes() != piece(1, library).samples.tobytes()


def test_what_a_piece_is(library: SoundLibrary) -> None:
    for seed in range(7):
        made = piece(seed, library)
        assert made.samples.dtype == np.float32
        assert made.samples.shape == (6 * 22_050,)
        assert np.all(np.isfinite(made.samples))
        assert 0.01 < np.abs(made.samples).max() < 1
        assert all(0 <= note.onset < note.offset <= len(made.samples) for note in made.notes)
        assert (made.style == "band") == (not made.notes)


def test_effects_leave_the_labels_alone(library: SoundLibrary) -> None:
    drawn = piece(2, library, band_share=0.0, band_only_share=0.0)
    for amplifier in amp_chains().values():
        effects = replace(drawn.effects, amplifier=amplifier)
        changed = render_piece(replace(HOME_MADE, band_share=0.0, band_only_share=0.0), 2, library, effects=effects)
        assert [(n.onset, n.pitch, n.string) for n in changed.notes] == [
            (n.onset, n.pitch, n.string) for n in drawn.notes
        ]


def test_a_detuned_guitar_begins_its_notes_on_time(library: SoundLibrary) -> None:
    alone = replace(HOME_MADE, band_share=0.0, band_only_share=0.0, effects_share=0.0)
    straight = render_piece(alone, 3, library)
    for cents in (-15.0, 15.0):
        bent = render_piece(alone, 3, library, effects=replace(straight.effects, detune_cents=cents))
        assert len(bent.samples) == len(straight.samples)
        envelopes = [np.abs(p.samples[: 22 * 6000]).reshape(-1, 22).max(axis=1) for p in (straight, bent)]
        rises = [np.diff(envelope).clip(0) for envelope in envelopes]
        lags = {lag: float(np.dot(rises[0], np.roll(rises[1], lag))) for lag in range(-10, 11)}
        best_ms = max(lags, key=lags.__getitem__)
        assert -1 <= best_ms <= 1


def test_a_band_has_its_level(library: SoundLibrary) -> None:
    recipe = replace(HOME_MADE, band_share=1.0, band_only_share=0.0, effects_share=0.0)
    alone = render_piece(recipe, 5, library, band_db=-math.inf).samples
    for band_db in (-6.0, 0.0, 6.0):
        mixed = render_piece(recipe, 5, library, band_db=band_db)
        assert mixed.band_db == band_db
        # Levels are set to the peak afterwards: fit the guitar's share before taking it away.
        share = float(np.dot(mixed.samples, alone) / np.dot(alone, alone))
        rest = mixed.samples - share * alone
        found_db = 10 * np.log10(np.mean(rest**2) / np.mean((share * alone) ** 2))
        assert found_db == pytest.approx(band_db, abs=1.0)


def test_no_seed_and_no_sound_serves_two_recipes() -> None:
    for one, other in combinations(RECIPES, 2):
        assert not set(one.seeds) & set(other.seeds)
        assert not set(one.modal) & set(other.modal)
        assert set(one.sounds) & set(other.sounds) <= {ANY_MODAL}
        assert not set(one.kits) & set(other.kits)
        assert not set(one.basses) & set(other.basses)
    assert [recipe_of(recipe.seeds[0]).name for recipe in RECIPES] == ["training", "validation"]


def test_a_seed_of_another_recipe_is_refused(library: SoundLibrary) -> None:
    with pytest.raises(ValueError, match="Seed 5 "):
        render_piece(VALIDATION, 5, library)
    with pytest.raises(ValueError, match="-1"):
        recipe_of(-1)


def test_the_document_is_the_file_schema(library: SoundLibrary) -> None:
    made = piece(1, library, band_only_share=0.0)
    document = parse_document(json.loads(json.dumps(to_document(made))))
    assert len(document.notes) == len(made.notes)


def test_the_preview_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "recipe_of", lambda _seed: replace(HOME_MADE, band_only_share=0.0))
    assert preview.main(["--seed", "7", "--amp", "lead", "--out", str(tmp_path), "--sounds", str(tmp_path)]) == 0
    with wave.open(str(tmp_path / "validation-7.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (22_050, 6 * 22_050)
    assert json.loads((tmp_path / "validation-7.json").read_text())["notes"]
