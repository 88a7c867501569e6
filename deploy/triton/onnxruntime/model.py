"""Triton's `onnxruntime` backend, written in Python for machines without NVIDIA's container.

Triton takes a folder `onnxruntime/model.py` among its backends for a Python-based backend: every model whose
`config.pbtxt` says `backend: "onnxruntime"` is an instance of `TritonPythonModel` below, and in the container the same
configuration finds the backend of that name written in C++. Requests that Triton hands over together become one run.

It runs in Triton's own environment (requirements/triton.txt) and imports nothing of the project.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

# The stub's interpreter is isolated: it neither knows the environment the server was started from nor reads PYTHONPATH.
sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

_DEFAULT_FILE = "model.onnx"


class TritonPythonModel:
    """One instance of one model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the file the configuration means.

        Raises:
            TritonModelException: it is missing, another file, or none that ONNX Runtime can run; Triton then keeps the
                model from being ready and says why.
        """
        config = json.loads(args["model_config"])
        self._name = args["model_name"]
        self._parameters = {key: item["string_value"] for key, item in config.get("parameters", {}).items()}
        self._is_batched = config.get("max_batch_size", 0) > 0
        self._inputs = [item["name"] for item in config["input"]]
        self._outputs = [item["name"] for item in config["output"]]
        file_name = config.get("default_model_filename") or _DEFAULT_FILE
        path = Path(args["model_repository"]) / args["model_version"] / file_name
        self._session = self._open(path)
        self._compare(config["input"], self._session.get_inputs(), "input")
        self._compare(config["output"], self._session.get_outputs(), "output")

    def execute(self, requests: list) -> list:  # pb_utils' classes exist in the server only
        """Run the model once over all requests, which Triton has batched because their shapes agree."""
        feeds = {name: [self._array(request, name) for request in requests] for name in self._inputs}
        counts = [len(array) for array in feeds[self._inputs[0]]] if self._is_batched else [1]
        try:
            if not self._is_batched:
                return [
                    self._response(self._run({name: arrays[i] for name, arrays in feeds.items()}))
                    for i in range(len(requests))
                ]
            results = self._run({name: _joined(arrays) for name, arrays in feeds.items()})
        except Exception as error:  # every request must be answered, whatever ONNX Runtime raised
            failure = pb_utils.TritonError(f"{self._name}: {error}")
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        ends = np.cumsum(counts)
        return [
            self._response([array[end - count : end] for array in results])
            for count, end in zip(counts, ends, strict=True)
        ]

    def _open(self, path: Path) -> ort.InferenceSession:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise pb_utils.TritonModelException(f"{self._name}: {path} cannot be read: {error.strerror}") from error
        wanted, found = self._parameters.get("sha256"), hashlib.sha256(content).hexdigest()
        if wanted is not None and found != wanted:
            message = f"{self._name}: {path} ({len(content)} bytes) has SHA-256 {found}, config.pbtxt says {wanted}"
            raise pb_utils.TritonModelException(message)
        options = ort.SessionOptions()
        runs_alone = self._parameters.get("runs_alone") == "true"
        threads = str(os.cpu_count() or 1) if runs_alone else "1"
        # The container's backend reads the same two parameters.
        options.intra_op_num_threads = int(self._parameters.get("intra_op_thread_count", threads))
        options.inter_op_num_threads = int(self._parameters.get("inter_op_thread_count", "1"))
        # As in inference/onnx_runner.py.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_reuse = options.enable_mem_pattern = not runs_alone
        options.log_severity_level = 3
        try:
            return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base class of its own
            raise pb_utils.TritonModelException(f"{self._name}: {path} cannot be loaded: {error}") from error

    def _compare(self, tensors: list[dict], nodes: list, kind: str) -> None:
        """Hold the file's tensors to the configuration's; what one of them leaves open (-1, a name) fits anything."""
        found = {node.name: [n if isinstance(n, int) else -1 for n in node.shape] for node in nodes}
        batch = [-1] if self._is_batched else []
        meant = {tensor["name"]: [*batch, *map(int, tensor["dims"])] for tensor in tensors}
        fits = set(found) == set(meant) and all(
            len(found[name]) == len(dims)
            and all(-1 in pair or len(set(pair)) == 1 for pair in zip(found[name], dims, strict=True))
            for name, dims in meant.items()
        )
        if not fits:
            message = f"{self._name}: the file's {kind}s are {found}, those of config.pbtxt {meant}"
            raise pb_utils.TritonModelException(message)

    def _array(self, request: object, name: str) -> np.ndarray:
        return pb_utils.get_input_tensor_by_name(request, name).as_numpy()

    def _run(self, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        return self._session.run(self._outputs, feeds)

    def _response(self, arrays: list[np.ndarray]) -> object:
        tensors = [pb_utils.Tensor(name, array) for name, array in zip(self._outputs, arrays, strict=True)]
        return pb_utils.InferenceResponse(output_tensors=tensors)


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
