"""The parts say what the whole says, bit for bit."""

from __future__ import annotations

from pathlib import Path

import anyio
import numpy as np
import onnx
import pytest

from inference.export.basic_pitch_parts import check_parity
from inference.export.graph_surgery import constant, set_constant
from inference.model_spec import read_model_spec
from inference.networks import TwoPartNetwork, WholeNetwork, open_network
from inference.registry import load_transcriber
from music.activations import Activations, join
from music.errors import Reason, Unavailable
from music.tuning import Instrument
from tests.support.plucked import phrase, render


def test_any_rows_are_the_whole_networks_rows(built_model_repo: Path) -> None:
    spec = read_model_spec(built_model_repo / "basic_pitch")
    whole, parts = WholeNetwork(spec, 1), open_network(spec, 1)
    assert isinstance(parts, TwoPartNetwork)
    window = render(phrase(3, 4.0), 4.0, noise=0.001)[10_000 : 10_000 + 43_844]
    for begin, end in ((0, 172), (133, 172), (30, 57), (150, 172)):
        expected, found = whole.run(window, begin, end), parts.run(window, begin, end)
        np.testing.assert_array_equal(found.onset, expected.onset)
        np.testing.assert_array_equal(found.frame, expected.frame)
        np.testing.assert_array_equal(found.contour, expected.contour)


def test_parts_of_another_network_are_refused(built_model_repo: Path) -> None:
    spec = read_model_spec(built_model_repo / "basic_pitch")
    whole, front_end, head = (
        read_model_spec(built_model_repo / name).read_model()
        for name in ("basic_pitch", "basic_pitch_frontend", "basic_pitch_head")
    )
    check_parity(whole, front_end, head, spec)
    model = onnx.load_from_string(head)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    set_constant(model, convolution.input[1], constant(model, convolution.input[1]) * np.float32(1.01))
    with pytest.raises(Unavailable) as caught:
        check_parity(whole, front_end, model.SerializeToString(), spec)
    assert caught.value.reason is Reason.MODEL_MISMATCH


def test_previews_follow_the_settled_frames_and_change_none(built_model_repo: Path) -> None:
    transcriber = load_transcriber("basic_pitch", built_model_repo, threads=1)
    signal = render(phrase(4, 3.0), 3.0, noise=0.001)

    async def hear(previewing: bool) -> tuple[Activations, list[Activations]]:
        stream, settled, provisional = transcriber.open_stream(Instrument()), [], []
        for begin in range(0, len(signal), 441):
            settled += await stream.push(signal[begin : begin + 441])
            if previewing and (found := await stream.preview(9)) is not None:
                provisional.append(found)
                assert not found.settled
                assert found.first_frame == (settled[-1].end_frame if settled else 0)
        return join([*settled, *await stream.finish()]), provisional

    alone, _ = anyio.run(hear, False)
    beside, provisional = anyio.run(hear, True)
    np.testing.assert_array_equal(alone.onset, beside.onset)
    np.testing.assert_array_equal(alone.frame, beside.frame)
    assert len(provisional) > 20
