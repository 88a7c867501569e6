"""A network with a state: the same runs however the signal comes, every session its own, nothing heard twice."""

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
from inference.ports import ActivationStream, Transcriber
from inference.registry import load_transcriber
from inference.streaming import StreamingTranscriber
from inference.transcription import WindowedTranscriber
from music.activations import LOWEST_PITCH, OPTIONAL_MAPS, Activations, join
from music.errors import Reason, Unavailable
from music.fret_map import fret_map
from music.tracking_rules import GUITAR_RULES, OnsetKind
from music.tuning import TUNINGS, Instrument
from tests.inference.tiny_model import write_tiny_model
from tests.inference.tiny_streaming import (
    EARLY,
    HOP,
    LATE,
    LOWEST,
    PITCHES,
    STATE,
    STEP,
    STEP_FRAMES,
    tiny_streaming_model,
    write_tiny_streaming,
)

pytestmark = pytest.mark.anyio
COLUMNS = slice(LOWEST - LOWEST_PITCH, LOWEST - LOWEST_PITCH + PITCHES)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    return load_transcriber("tiny", write_tiny_streaming(tmp_path_factory.mktemp("repo")).parent)


async def hear(
    stream: ActivationStream, samples: NDArray[np.float32], pieces: list[int]
) -> tuple[list[Activations], list[tuple[int, Activations]]]:
    """What a stream settles when `samples` come in pieces of these lengths, the rest at once; and what it foretells,
    each with the number of settled frames by then.
    """
    found: list[Activations] = []
    foretold = []
    for piece in [*pieces, len(samples)]:
        found += await stream.push(samples[:piece])
        samples = samples[piece:]
        if (early := await stream.preview(STEP_FRAMES)) is not None:
            foretold.append((found[-1].end_frame if found else 0, early))
    return found + await stream.finish(), foretold


async def settled(transcriber: Transcriber, samples: NDArray[np.float32], pieces: list[int]) -> list[Activations]:
    return (await hear(transcriber.open_stream(Instrument()), samples, pieces))[0]


def noise(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng([count, seed]).uniform(-1, 1, count).astype(np.float32)


def loudness(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    frames = -(-len(samples) // HOP)
    padded = np.concatenate([samples, np.zeros(frames * HOP - len(samples), np.float32)])
    mean: NDArray[np.float32] = np.abs(padded.reshape(frames, HOP)).mean(axis=1)
    return mean


def assert_same(one: Activations, other: Activations) -> None:
    assert (one.first_frame, one.settled) == (other.first_frame, other.settled)
    for name in ("onset", "frame", *OPTIONAL_MAPS):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 4000), pieces=st.lists(st.integers(0, 700), max_size=12))
def test_pieces_of_any_length_give_the_same_bits(tiny: Transcriber, count: int, pieces: list[int]) -> None:
    async def compare() -> None:
        whole = await settled(tiny, noise(count), [])
        cut = await settled(tiny, noise(count), pieces)
        for before, after in pairwise(cut):
            assert before.end_frame == after.first_frame
        assert_same(join(whole), join(cut))

    anyio.run(compare)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 3000), pieces=st.lists(st.integers(0, 700), max_size=5))
def test_every_frame_of_the_signal_is_there_once_with_its_own_value(
    tiny: Transcriber, count: int, pieces: list[int]
) -> None:
    async def compare() -> None:
        samples = noise(count)
        found = join(await settled(tiny, samples, pieces))
        expected = loudness(samples)
        assert (found.first_frame, len(found), found.settled) == (0, len(expected), True)
        maps = {"onset": expected, "frame": 1 - expected, "deviation": -expected}
        for name, values in maps.items():
            for column in (COLUMNS.start, COLUMNS.stop - 1):
                np.testing.assert_allclose(getattr(found, name)[:, column], values, rtol=1e-5, atol=1e-6)
            assert not getattr(found, name)[:, : COLUMNS.start].any()
            assert not getattr(found, name)[:, COLUMNS.stop :].any()
        assert found.contour is None
        assert found.velocity is not None
        # A frame is told LATE frames after it was heard, at the end of that step; silence follows the signal.
        steps = (np.arange(len(expected)) + LATE) // STEP_FRAMES + 1
        heard = np.concatenate([expected, np.zeros(2 * LATE + STEP_FRAMES, np.float32)]).cumsum()
        np.testing.assert_allclose(found.velocity[:, COLUMNS.start], heard[steps * STEP_FRAMES - 1], rtol=1e-4)

    anyio.run(compare)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 3000), pieces=st.lists(st.integers(0, 300), max_size=12))
def test_what_is_foretold_follows_what_is_settled(tiny: Transcriber, count: int, pieces: list[int]) -> None:
    async def compare() -> None:
        samples = noise(count)
        _, foretold = await hear(tiny.open_stream(Instrument()), samples, pieces)
        expected = loudness(samples)
        for settled_until, early in foretold:
            assert (early.first_frame, early.settled) == (settled_until, False)
            assert (early.end_frame + EARLY) % STEP_FRAMES == 0
            assert early.end_frame - settled_until == min(LATE - EARLY, early.end_frame)
            assert (early.velocity, early.strings) == (None, None)
            rows = expected[early.first_frame : early.end_frame]
            for maps in (early.onset, early.frame):
                np.testing.assert_allclose(maps[:, COLUMNS.start], rows, rtol=1e-5)
        assert len(foretold) <= count // STEP

    anyio.run(compare)


async def test_a_preview_comes_with_every_step_and_only_once(tiny: Transcriber) -> None:
    stream = tiny.open_stream(Instrument())
    told = []
    for _ in range(4 * STEP // 16):
        await stream.push(noise(16))
        told += [early for _ in range(2) if (early := await stream.preview(STEP_FRAMES)) is not None]
    assert [early.end_frame for early in told] == [3, 7, 11, 15]
    await stream.push(noise(STEP))
    assert await stream.preview(2 * STEP_FRAMES) is None
    await stream.push(noise(STEP))
    wider = await stream.preview(2 * STEP_FRAMES)
    assert wider is not None
    assert wider.end_frame == 23


async def test_no_samples_give_no_activations(tiny: Transcriber) -> None:
    assert await settled(tiny, noise(0), []) == []


async def test_one_sample_gives_one_frame(tiny: Transcriber) -> None:
    assert len(join(await settled(tiny, noise(1), []))) == 1


async def test_sessions_in_turns_keep_their_own_state(tiny: Transcriber) -> None:
    signals = [noise(20 * STEP, seed) for seed in range(3)]
    alone = [join(await settled(tiny, signal, [])) for signal in signals]
    streams = [tiny.open_stream(Instrument()) for _ in signals]
    found: list[list[Activations]] = [[] for _ in signals]
    for begin in range(0, len(signals[0]), 100):
        for stream, signal, pieces in zip(streams, signals, found, strict=True):
            pieces += await stream.push(signal[begin : begin + 100])
    for stream, pieces, expected in zip(streams, found, alone, strict=True):
        assert_same(join([*pieces, *await stream.finish()]), expected)


async def test_sessions_at_once_share_the_network_and_nothing_else(tiny: Transcriber) -> None:
    alone = [join(await settled(tiny, noise(50 * STEP, seed), [])) for seed in range(6)]
    results: dict[int, Activations] = {}

    async def one(seed: int) -> None:
        results[seed] = join(await settled(tiny, noise(50 * STEP, seed), [seed * 50, 7, 9000]))

    async with anyio.create_task_group() as group:
        for seed in range(6):
            group.start_soon(one, seed)
    for seed, expected in enumerate(alone):
        assert_same(results[seed], expected)


async def test_a_long_file_lets_others_in(tmp_path: Path) -> None:
    """A thousand steps in one push, on one thread; a session that comes later is answered long before they are done."""
    transcriber = load_transcriber("tiny", write_tiny_streaming(tmp_path).parent, threads=1)
    order: list[str] = []

    async def file() -> None:
        stream = transcriber.open_stream(Instrument())
        await stream.push(noise(4000 * STEP))
        order.append("file")

    async with anyio.create_task_group() as group:
        group.start_soon(file)
        await anyio.lowlevel.checkpoint()
        await settled(transcriber, noise(3 * STEP), [])
        order.append("live")
    assert order == ["live", "file"]


async def test_a_network_knows_the_instrument(tiny: Transcriber) -> None:
    for instrument in (Instrument(), Instrument(TUNINGS["bass"], capo=3), Instrument(TUNINGS["eight_string"])):
        stream = tiny.open_stream(instrument)
        found = join((await hear(stream, np.ones(3 * STEP, np.float32), []))[0])
        assert found.strings is not None
        np.testing.assert_array_equal(found.strings[4, :, COLUMNS], fret_map(instrument, LOWEST, PITCHES))


def test_a_fret_map_counts_from_the_capo() -> None:
    frets = fret_map(Instrument(capo=2), 23, 66)
    assert frets.shape == (8, 66)
    assert frets[5, 40 - 23] == -1
    assert frets[5, 42 - 23] == 0
    assert frets[5, 54 - 23] == 1
    assert frets[0, 86 - 23] == pytest.approx(20 / 12)
    assert frets[0, 87 - 23] == -1
    assert (frets[6:] == -1).all()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sample_rate_hz": "44100"}, "44100"),
        ({"step_samples": "100"}, "whole number of frames"),
        ({"step_samples": "256"}, "samples"),
        ({"frame_hop": "0"}, "whole number of frames"),
        ({"early_delay_frames": "7"}, "early"),
        ({"early_delay_frames": "-1"}, "early"),
        ({"late_delay_frames": "soon"}, "whole number"),
        ({"lowest_pitch": "20"}, "20"),
        ({"lowest_pitch": "98"}, "98"),
        ({"tensor_onset": "strings"}, "strings"),
        ({"tensor_early": "onset"}, "onset"),
        ({"tensor_state": "frets"}, "state"),
        ({"tensor_state": "nothing"}, "nothing"),
        ({"tracking_tolerance": "soon"}, "tolerance"),
        ({"tracking_note_probability": "2"}, "note_probability"),
        ({"tracking_onsets": "maybe"}, "maybe"),
        ({"tracking_courage": "1"}, "courage"),
        ({"kind": "sequence"}, "sequence"),
    ],
)
def test_a_configuration_that_cannot_work_is_a_mismatch(tmp_path: Path, changes: dict[str, str], word: str) -> None:
    write_tiny_streaming(tmp_path, parameters=changes)
    with pytest.raises(Unavailable, match=word) as caught:
        load_transcriber("tiny", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH


@pytest.mark.parametrize("without", ["step_samples", "tensor_state", "late_delay_frames", "onset_lag", "sha256"])
def test_a_configuration_that_says_too_little_is_a_mismatch(tmp_path: Path, without: str) -> None:
    write_tiny_streaming(tmp_path, without=without)
    with pytest.raises(Unavailable, match=without) as caught:
        load_transcriber("tiny", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH


@pytest.mark.parametrize(("state", "word"), [(STATE + 1, "state"), (1, "state")])
def test_a_state_of_another_size_is_a_mismatch(tmp_path: Path, state: int, word: str) -> None:
    write_tiny_streaming(tmp_path, state=state)
    with pytest.raises(Unavailable, match=word) as caught:
        load_transcriber("tiny", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_a_file_that_is_not_the_one_meant_is_a_mismatch(tmp_path: Path) -> None:
    (write_tiny_streaming(tmp_path) / "1" / "model.onnx").write_bytes(tiny_streaming_model(0.5))
    with pytest.raises(Unavailable, match="SHA-256") as caught:
        load_transcriber("tiny", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_a_network_that_says_no_numbers_is_found_when_it_is_loaded(tmp_path: Path) -> None:
    write_tiny_streaming(tmp_path, content=tiny_streaming_model(float("inf")))
    with pytest.raises(Unavailable, match="no numbers") as caught:
        load_transcriber("tiny", tmp_path)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_the_kind_chooses_what_runs_it(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, "windows")
    write_tiny_streaming(tmp_path, "steps", parameters={"tracking_tolerance": "7", "tracking_note_probability": "0.7"})
    windows, steps = (load_transcriber(name, tmp_path) for name in ("windows", "steps"))
    assert isinstance(windows, WindowedTranscriber)
    assert isinstance(steps, StreamingTranscriber)
    assert windows.tracking.onsets is OnsetKind.PEAKS
    assert steps.tracking.onsets is OnsetKind.PROBABILITIES
    assert (steps.tracking.tolerance, steps.tracking.note_probability) == (7, 0.7)
    assert steps.tracking.spacing == GUITAR_RULES.spacing
    assert (steps.cadence, steps.grid.hop) == (STEP, HOP)
    assert read_model_spec(tmp_path / "steps").sha256 == steps.reference.sha256
