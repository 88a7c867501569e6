"""A transcription network as one graph, or as two that share the work better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, mismatch, read_model_spec
from inference.onnx_runner import OnnxRunner

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a network says about some frames of a window: onset and frame f32[t, 88], contour f32[t, 264]."""

    onset: NDArray[np.float32]
    frame: NDArray[np.float32]
    contour: NDArray[np.float32]

    def part(self, begin: int, end: int) -> Rows:
        """Rows [begin, end)."""
        return Rows(self.onset[begin:end], self.frame[begin:end], self.contour[begin:end])


class Network(Protocol):
    """Windows in, activations of the frames that are asked for out; blocking, and free to be called from any thread."""

    def run(self, window: Samples, begin: int, end: int) -> Rows:
        """Rows [begin, end) of a window, f32[window_samples]. Up to the window's last one they may be cut off anywhere
        without a change of the others.
        """
        ...


class WholeNetwork:
    """One graph, which says everything about the window whatever was asked."""

    def __init__(self, spec: ModelSpec, threads: int) -> None:
        self._shape = [n or 1 for n in spec.tensor("samples").shape]
        self._samples = spec.tensor("samples").name
        self._names = tuple(spec.tensor(meaning).name for meaning in ("onset", "frame", "contour"))
        self._runner = OnnxRunner(spec, threads)

    def run(self, window: Samples, begin: int, end: int) -> Rows:
        """See `Network.run`."""
        outputs = self._runner.run_blocking({self._samples: window.reshape(self._shape)})
        onset, frame, contour = (outputs[name] for name in self._names)
        return Rows(onset, frame, contour).part(begin, end)


class TwoPartNetwork:
    """A front end over the whole window, and a head over the frames that are asked for and a margin at either side."""

    def __init__(self, front_end: ModelSpec, head: ModelSpec, threads: int) -> None:
        self._shape = [n or 1 for n in front_end.tensor("samples").shape]
        self._samples = front_end.tensor("samples").name
        self._features = front_end.tensor("features").name
        self._head_features = head.tensor("features").name
        self._names = tuple(head.tensor(meaning).name for meaning in ("onset", "frame", "contour"))
        self._margin = head.integer("margin_frames")
        given, taken = front_end.tensor("features").shape, head.tensor("features").shape
        if given[1:] != taken[1:] or taken[0] is not None:
            raise mismatch(head.name, f"it takes features {taken}, {front_end.name} gives {given}.")
        self._front_end, self._head = OnnxRunner(front_end, threads), OnnxRunner(head, threads)

    def run(self, window: Samples, begin: int, end: int) -> Rows:
        """See `Network.run`."""
        features = self._front_end.run_blocking({self._samples: window.reshape(self._shape)})[self._features]
        first = max(0, begin - self._margin)
        outputs = self._head.run_blocking({self._head_features: features[first : end + self._margin]})
        onset, frame, contour = (outputs[name] for name in self._names)
        return Rows(onset, frame, contour).part(begin - first, end - first)


def open_network(spec: ModelSpec, threads: int) -> Network:
    """The network a transcriber's configuration describes, its files loaded and checked.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """
    if "front_end" not in spec.parameters:
        return WholeNetwork(spec, threads)
    front_end, head = (read_model_spec(spec.directory.parent / spec.text(part)) for part in ("front_end", "head"))
    return TwoPartNetwork(front_end, head, threads)
