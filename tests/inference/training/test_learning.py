"""What the guitar model is taught, and how its lessons are scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the guitar model's training needs torch: make torch")

from inference.training.crops import Colouring, Crops, targets  # noqa: E402
from inference.training.features import HeardPiece, band_only, read_shards, render_shards  # noqa: E402
from inference.training.front_end import BINS, HOP, LOWEST_PITCH, PITCHES  # noqa: E402
from inference.training.network import Network, Shape  # noqa: E402
from inference.training.recipes import TRAINING  # noqa: E402
from inference.training.scoring import match, onsets_of, validate  # noqa: E402
from inference.training.train import Plan, train  # noqa: E402
from music.fret_map import fret_map  # noqa: E402
from music.tuning import Instrument  # noqa: E402
from tests.support.samples import samples_dir  # noqa: E402

PLAIN = Colouring(
    band_share=0.0,
    two_bands_share=0.0,
    equaliser_db=0.0,
    peaks_db=0.0,
    room_share=0.0,
    pull_share=0.0,
    noise_share=0.0,
    transpose_share=0.0,
    gain_db=(0.0, 0.0),
    alone_share=0.0,
    no_music_share=0.0,
    voice_share=0.0,
)


def piece_of(
    *notes: tuple[float, ...], bends: list[tuple[float, float]] | None = None, frames: int = 200
) -> HeardPiece:
    return HeardPiece(
        np.full((frames, BINS), -6.0, np.float16),
        np.array(notes, np.float32).reshape(-1, 7),
        np.array(bends or [], np.float32).reshape(-1, 2),
        fret_map(Instrument(), LOWEST_PITCH, PITCHES),
        "lines",
    )


def test_targets_stand_where_the_note_is() -> None:
    piece = piece_of((100 * HOP, 150 * HOP, 64, 2, 0.7, 0, 2), bends=[(0, 0.0), (20 * HOP, 2.0)])
    truth = targets(piece, begin=60, frames=80)
    column = 64 - LOWEST_PITCH
    assert np.argwhere(truth.onset).tolist() == [[40, column]]
    assert truth.sounding[:, column].nonzero()[0].tolist() == list(range(40, 80))
    assert truth.offset.sum() == 0
    assert truth.velocity[50, column] == pytest.approx(0.7)
    assert truth.deviation[[40, 50, 60, 79], column] == pytest.approx([0, 1, 2, 2])
    assert truth.string.tolist() == [[40, column, 1, 0]]


def test_a_transposed_note_keeps_its_string_and_fret() -> None:
    piece = piece_of((10 * HOP, 20 * HOP, 64, 2, 0.7, 0, 0))
    truth = targets(piece, begin=0, frames=40, shift=2)
    assert np.argwhere(truth.onset).tolist() == [[10, 66 - LOWEST_PITCH]]
    assert truth.string[0, 2] == 1


def test_a_note_before_the_example_sounds_in_it_and_does_not_begin() -> None:
    truth = targets(piece_of((10 * HOP, 60 * HOP, 50, 4, 0.5, 0, 0)), begin=30, frames=60)
    assert truth.onset.sum() == 0
    assert truth.sounding.sum() == 30
    assert truth.offset[30].sum() == 1


def test_a_band_is_as_loud_as_it_was_drawn() -> None:
    guitar = piece_of((0, HOP, 50, 4, 0.5, 0, 0))
    band = replace(guitar, levels=np.full((200, BINS), -9.0, np.float16), notes=guitar.notes[:0])
    loud = replace(PLAIN, band_share=1.0, band_db=(6.0, 6.0))
    heard, *_ = Crops([guitar], [band], 64, loud).batch(np.random.default_rng(0), 1)
    assert np.mean(heard**2) == pytest.approx(np.exp(-12) * (1 + 10**0.6), rel=0.01)


def test_a_room_leaves_the_onset_and_fills_the_gap_after_it() -> None:
    levels = np.full((200, BINS), -16.0, np.float16)
    levels[:20] = -6.0
    dry = replace(piece_of((0, HOP, 50, 4, 0.5, 0, 0), frames=64), levels=levels[:64])
    heard, *_ = Crops([dry], [], 64, replace(PLAIN, room_share=1.0)).batch(np.random.default_rng(3), 1)
    assert heard[0, 0] == pytest.approx(np.exp(-6.0), rel=0.01)
    assert (heard[0, 25] > 10 * np.exp(-16.0)).all()
    assert (np.diff(heard[0, 25:], axis=0) <= 0).all()


def test_levels_pulled_apart_keep_the_loudest() -> None:
    levels = np.linspace(-12.0, -2.0, 64 * BINS).reshape(64, BINS).astype(np.float16)
    piece = replace(piece_of((0, HOP, 50, 4, 0.5, 0, 0), frames=64), levels=levels)
    heard, *_ = Crops([piece], [], 64, replace(PLAIN, pull_share=1.0, pull=(1.5, 1.5))).batch(
        np.random.default_rng(0), 1
    )
    assert heard.max() == pytest.approx(np.exp(-2.0), rel=0.01)
    assert heard.min() == pytest.approx(np.exp(-17.0), rel=0.02)


def test_a_band_alone_has_no_notes() -> None:
    guitar = piece_of((30 * HOP, 40 * HOP, 50, 4, 0.5, 0, 0), frames=64)
    alone = replace(PLAIN, alone_share=1.0)
    *_, truths = Crops([guitar], [guitar], 64, alone).batch(np.random.default_rng(0), 1)
    assert truths[0].onset.sum() == truths[0].sounding.sum() == len(truths[0].string) == 0


def test_an_onset_between_two_frames_is_found_there() -> None:
    onset = np.zeros((50, PITCHES), np.float32)
    onset[20:22, 30] = 0.4
    onset[40, 31] = 0.2
    found = onsets_of(onset, 0.5)
    assert len(found) == 1
    assert found[0] == pytest.approx([20.5, 30, 0.8], abs=0.01)


def test_matching_takes_every_note_once() -> None:
    truth = np.array([[10, 5], [30, 5], [30, 6]], np.float32)
    found = np.array([[11, 5, 1], [12, 5, 1], [33, 5, 1], [36, 6, 1]], np.float32)
    assert match(found, truth) == [(0, 0), (2, 1)]


def test_a_short_run_learns(tmp_path: Path) -> None:
    """From rendered pieces to a network that scores: the loss falls, and the weights of the best check come back."""
    samples_dir()
    recipe = replace(TRAINING, duration_s=6.0, sounds={"sampled/acoustic": 1.0}, band_share=0.0, band_only_share=0.0)
    guitars = list(read_shards(render_shards(recipe, range(4), tmp_path / "guitar", 1, lambda _line: None)))
    synth = replace(band_only(recipe), kits=("synth/1",), basses=("modal/3",))
    bands = list(read_shards(render_shards(synth, range(900_000, 900_001), tmp_path / "band", 1, lambda _line: None)))
    assert len(guitars) == 4
    assert len(bands[0].notes) == 0
    plan = Plan(steps=12, batch=2, frames=128, check_every=6)
    network = train(plan, guitars, bands, guitars[:1], tmp_path, "cpu", Shape(4, 6, 6, 5, (1, 2)))
    assert isinstance(network, Network)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(lines) == 2
    scores = validate(network, guitars[:1])
    assert 0 <= scores.note_f1 <= 1
    again = list(read_shards(render_shards(recipe, range(4), tmp_path / "again", 1, lambda _line: None)))
    assert all(
        np.array_equal(a.levels, b.levels) and np.array_equal(a.notes, b.notes)
        for a, b in zip(guitars, again, strict=True)
    )
