"""A model repository for Triton on a GPU, made from this one: `python -m inference.triton_overlay TARGET`.

The configurations stay what they are but for where the models run: instances on the device, ONNX Runtime's CUDA or
TensorRT execution provider, windows in which requests are gathered, and a first run before the model counts as ready.
The keys are those of the onnxruntime backend in NVIDIA's container. Neither was run by the project: there was no such
device and no container where it is built.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from inference.model_spec import CONFIG_NAME, ModelSpec, read_config, read_model_spec, triton_schema
from inference.registry import default_model_repo, model_names
from music.errors import GenesisError

INSTANCES = 2
"""One computes while the other's data is on its way."""
WINDOW_US = {"streaming": 2_000, "windows": 5_000, "masks": 5_000}
"""How long a request may wait for company, by the model's kind: a step of the guitar's is 46 ms of audio."""
_WARM_UP_LENGTH = 32


def overlay(spec: ModelSpec, *, tensorrt: bool = False) -> str:
    """A model's configuration for a GPU, in text format.

    Args:
        spec: the model as its own configuration describes it.
        tensorrt: TensorRT in front of CUDA: quicker, after minutes of building an engine for each shape.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH, its configuration cannot be read.
    """
    config = read_config(spec.directory)
    schema = triton_schema()
    del config.instance_group[:]
    config.instance_group.add(kind=schema.ModelInstanceGroup.KIND_GPU, count=INSTANCES)
    window_us = WINDOW_US[spec.parameters.get("kind", "windows")]
    config.dynamic_batching.max_queue_delay_microseconds = window_us
    config.dynamic_batching.preferred_batch_size[:] = [spec.max_batch_size] if spec.max_batch_size > 1 else []
    accelerators = config.optimization.execution_accelerators.gpu_execution_accelerator
    if tensorrt:
        accelerators.add(name="tensorrt").parameters.update({"precision_mode": "FP32", "trt_engine_cache_enable": "1"})
    # Fixed algorithms in full precision, as in inference/onnx_runner.py: notes must not depend on moment or card.
    accelerators.add(name="cuda").parameters.update({"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"})
    free_length = int(spec.parameters.get("free_length", _WARM_UP_LENGTH))
    for batch in sorted({1, max(1, spec.max_batch_size)}):
        _add_warm_up(config.model_warmup.add(name=f"batch of {batch}", batch_size=batch), config, free_length)
    header = f"# Written by inference/triton_overlay.py from model_repo/{spec.name}/{CONFIG_NAME}; change that one.\n"
    return header + str(text_format.MessageToString(config))


def _add_warm_up(sample: Any, config: Any, free_length: int) -> None:
    for tensor in config.input:
        given = sample.inputs[tensor.name]
        given.data_type = tensor.data_type
        given.dims[:] = [free_length if n < 0 else n for n in tensor.dims]
        given.zero_data = True


def write_overlay(source: Path, target: Path, *, tensorrt: bool = False) -> list[str]:
    """A whole repository: configurations for a GPU and copies of the files, each held to its digest first.

    Args:
        source: the project's repository.
        target: a folder that is made.
        tensorrt: see `overlay`.

    Returns:
        The models' names.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH; models before that one have been written.
    """
    names = model_names(source)
    for name in names:
        spec = read_model_spec(source / name)
        spec.read_model()
        file = target / name / spec.path.relative_to(spec.directory)
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(spec.path, file)
        (target / name / CONFIG_NAME).write_text(overlay(spec, tensorrt=tensorrt), encoding="utf-8")
    return names


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="folder of the new repository")
    parser.add_argument("--model-repository", type=Path, default=default_model_repo())
    parser.add_argument("--tensorrt", action="store_true", help="TensorRT in front of CUDA")
    options = parser.parse_args()
    try:
        names = write_overlay(options.model_repository, options.target, tensorrt=options.tensorrt)
    except (GenesisError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{options.target}: {', '.join(names)}\n")


if __name__ == "__main__":
    main()
