"""The stream of activations is a function of the samples, not of how they came."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.model_spec import read_model_spec
from inference.ports import Transcriber
from inference.registry import load_transcriber
from inference.transcription import WindowedTranscriber
from music.activations import Activations, join
from music.errors import Reason, Unavailable
from music.tuning import Instrument
from tests.inference.tiny_model import HOP, tiny_model, write_tiny_model

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    return load_transcriber("tiny", write_tiny_model(tmp_path_factory.mktemp("repo")).parent)


async def activations_of(
    transcriber: Transcriber, samples: NDArray[np.float32], pieces: list[int]
) -> list[Activations]:
    """What a stream says when `samples` come in pieces of these lengths, the rest at once."""
    stream = transcriber.open_stream(Instrument())
    found: list[Activations] = []
    for piece in pieces:
        found += await stream.push(samples[:piece])
        samples = samples[piece:]
    found += await stream.push(samples)
    return found + await stream.finish()


def noise(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)


def assert_same(one: Activations, other: Activations) -> None:
    assert one.first_frame == other.first_frame
    for a, b in ((one.onset, other.onset), (one.frame, other.frame), (one.contour, other.contour)):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 1500), pieces=st.lists(st.integers(0, 400), max_size=12))
def test_pieces_of_any_length_give_the_same_bits(tiny: Transcriber, count: int, pieces: list[int]) -> None:
    async def compare() -> None:
        whole = await activations_of(tiny, noise(count), [])
        cut = await activations_of(tiny, noise(count), pieces)
        for before, after in pairwise(cut):
            assert before.end_frame == after.first_frame
        assert_same(join(whole), join(cut))

    anyio.run(compare)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 1500))
def test_every_frame_of_the_signal_is_there_once_with_its_own_value(tiny: Transcriber, count: int) -> None:
    async def compare() -> None:
        samples = noise(count)
        found = join(await activations_of(tiny, samples, []))
        frames = -(-count // HOP)
        assert (found.first_frame, len(found)) == (0, frames)
        padded = np.concatenate([samples, np.zeros(frames * HOP - count, np.float32)])
        loudness = np.abs(padded.reshape(frames, HOP)).mean(axis=1)
        np.testing.assert_allclose(found.onset[:, 0], loudness, rtol=1e-5)
        np.testing.assert_allclose(found.frame[:, 87], 1 - loudness, rtol=1e-5, atol=1e-6)

    anyio.run(compare)


async def test_no_samples_give_no_activations(tiny: Transcriber) -> None:
    assert await activations_of(tiny, noise(0), []) == []


async def test_one_sample_gives_one_frame(tiny: Transcriber) -> None:
    assert len(join(await activations_of(tiny, noise(1), []))) == 1


async def test_streams_do_not_share_their_signal(tiny: Transcriber) -> None:
    alone = join(await activations_of(tiny, noise(900), []))
    results: dict[int, Activations] = {}

    async def one(number: int) -> None:
        results[number] = join(await activations_of(tiny, noise(900), [number * 50]))

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(one, number)
    for result in results.values():
        assert_same(result, alone)


async def test_basic_pitch_says_the_same_bits_however_the_signal_is_cut(built_model_repo: Path) -> None:
    transcriber = load_transcriber("basic_pitch", built_model_repo)
    samples = noise(100_000) * np.float32(0.1)
    whole = join(await activations_of(transcriber, samples, []))
    cut = join(await activations_of(transcriber, samples, [1, 0, 43_000, 220, 2205, 36_096]))
    assert_same(whole, cut)
    assert len(whole) == -(-100_000 // 256)
    one_at_a_time = load_transcriber("basic_pitch", built_model_repo, threads=1)
    assert_same(whole, join(await activations_of(one_at_a_time, samples, [])))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sample_rate_hz": "44100"}, "44100"),
        ({"left_frames": "6"}, "settle"),
        ({"hop_frames": "0"}, "positive"),
        ({"tensor_onset": "c"}, "88"),
    ],
)
def test_windows_that_cannot_work_are_a_mismatch(tmp_path: Path, changes: dict[str, str], word: str) -> None:
    spec = read_model_spec(write_tiny_model(tmp_path, parameters=changes))
    with pytest.raises(Unavailable, match=word) as caught:
        WindowedTranscriber(spec, threads=1)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_the_reference_names_the_file_that_ran(tiny: Transcriber) -> None:
    assert (tiny.reference.role, tiny.reference.name) == ("transcriber", "tiny")
    assert len(tiny.reference.sha256) == 64
    assert tiny.grid.hop == HOP
    assert tiny_model() == tiny_model()
