"""Models in this process, run by ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, TensorSpec, mismatch
from music.errors import Reason, Unavailable

_ORT_TYPES = {
    "float32": "tensor(float)",
    "float16": "tensor(float16)",
    "float64": "tensor(double)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
    "uint8": "tensor(uint8)",
    "bool": "tensor(bool)",
}


class OnnxRunner:
    """One loaded model. Runs happen in worker threads, so the event loop stays free.

    Every run is a batch of exactly one, on one thread, unless the model runs alone. In batches of four on two threads
    Basic Pitch's activations differ by 1e-7 from those of single runs, and a result must not depend on how much audio
    came at once. Cores are used by running windows side by side: measured on two cores, two single-threaded runs at a
    time take 24 ms a window, one run on two threads 30 ms. And no pool of threads spins between runs (44 ms of CPU
    after each burst, and 64 ms a window instead of 30 when the cores are shared).

    A model that runs alone (`ModelSpec.runs_alone`) has one run at a time on all threads: Demucs' results are the same
    bits on one, two or three, and every run under way keeps hundreds of MiB.

    Attributes:
        threads: runs at a time.
        threads_a_run: that each of them has.
    """

    def __init__(self, spec: ModelSpec, threads: int) -> None:
        """Load the model.

        Args:
            spec: which model.
            threads: runs at a time, over all callers, or those of the one run of a model that runs alone.

        Raises:
            Unavailable: MODEL_MISSING or MODEL_MISMATCH; ONNX Runtime not installed is MODEL_MISSING too.
        """
        if threads < 1:
            raise ValueError("a runner needs at least one thread")
        self.spec = spec
        self.threads, self.threads_a_run = (1, threads) if spec.runs_alone else (threads, 1)
        self._session = _open_session(spec, self.threads_a_run)
        self._limiter = anyio.CapacityLimiter(self.threads)
        _compare(spec, "input", spec.inputs, self._session.get_inputs())
        _compare(spec, "output", spec.outputs, self._session.get_outputs())
        self._output_names = [tensor.name for tensor in spec.outputs]

    @property
    def providers(self) -> list[str]:
        """Where the model runs, ONNX Runtime's names, best first."""
        return list(self._session.get_providers())

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """`run_blocking` in a worker thread; waits while `threads` runs are under way. A run once begun is finished."""
        return await anyio.to_thread.run_sync(self.run_blocking, inputs, limiter=self._limiter)

    def run_blocking(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the model on one item.

        Args:
            inputs: tensor name → array with the shape of the configuration, without a batch dimension.

        Returns:
            The same for the outputs.
        """
        batched = self.spec.max_batch_size > 0
        feeds = {name: array[np.newaxis] if batched else array for name, array in inputs.items()}
        results = self._session.run(self._output_names, feeds)
        return {name: array[0] if batched else array for name, array in zip(self._output_names, results, strict=True)}

    def bind(self, arrays: Mapping[str, NDArray[Any]]) -> BoundRun:
        """Runs on arrays that stay where they are.

        Args:
            arrays: by tensor name, every input and output, with a batch dimension of 1 where the model has one.
        """
        binding = self._session.io_binding()
        for tensors, bind in ((self.spec.inputs, binding.bind_input), (self.spec.outputs, binding.bind_output)):
            for tensor in tensors:
                array = arrays[tensor.name]
                if not array.flags.c_contiguous or array.dtype != np.dtype(tensor.dtype):
                    raise ValueError(f"{tensor} is bound to {array.dtype}{list(array.shape)}, contiguous or not")
                bind(tensor.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return BoundRun(self._session, binding, arrays)


class BoundRun:
    """A model whose inputs and outputs lie in `arrays`: a run allocates and copies nothing. One caller at a time."""

    def __init__(self, session: Any, binding: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._session = session
        self._binding = binding
        # The binding holds addresses only.
        self.arrays = arrays

    def run(self) -> None:
        """Read the inputs, write the outputs; blocking."""
        self._session.run_with_iobinding(self._binding)


def _open_session(spec: ModelSpec, threads: int) -> Any:
    spec.read_model()
    ort = _onnxruntime(spec)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if spec.runs_alone:
        # A buffer that waits to be used again by a tensor of its size is kept until then: 1.4 GiB of Demucs, not 0.8.
        # The pattern of a first run is allocated whole beside what that run left in the arena.
        options.enable_mem_reuse = options.enable_mem_pattern = False
    try:
        # By its path: a session keeps bytes that it is given as long as it lives, beside what it made of them.
        return ort.InferenceSession(str(spec.path), options, providers=_providers(ort))
    except Exception as error:
        # ONNX Runtime's exceptions share no base class of its own; all of them mean "this is no model I can run".
        raise mismatch(
            spec.name, f"{spec.path} cannot be loaded: {error}. Run `{spec.remedy}`.", path=spec.path
        ) from error


def _onnxruntime(spec: ModelSpec) -> ModuleType:
    try:
        # Imported here because it takes longer than everything else a command needs, and many never run a model.
        import onnxruntime
    except ImportError as error:
        message = f"Model {spec.name} needs ONNX Runtime ({error}). Install genesis-music[cpu] or genesis-music[gpu]."
        raise Unavailable(Reason.MODEL_MISSING, message, model=spec.name) from error
    return onnxruntime  # type: ignore[no-any-return]


def _providers(ort: ModuleType) -> list[str | tuple[str, dict[str, str]]]:
    found: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" in ort.get_available_providers():
        # Fixed algorithms in full precision: a search by timing, or TF32, would make notes depend on moment or card.
        found.insert(0, ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}))
    return found


def _compare(spec: ModelSpec, kind: str, expected: Sequence[TensorSpec], found: Sequence[Any]) -> None:
    """Hold the file's tensors to the configuration's."""
    by_name = {node.name: node for node in found}
    if set(by_name) != {tensor.name for tensor in expected}:
        message = f"the file's {kind}s are {sorted(by_name)}, the configuration's {sorted(t.name for t in expected)}."
        raise mismatch(spec.name, message, path=spec.path)
    for tensor in expected:
        node = by_name[tensor.name]
        shape = tuple(n if isinstance(n, int) else None for n in node.shape)
        wanted = (None, *tensor.shape) if spec.max_batch_size > 0 else tensor.shape
        # What a file leaves open, its configuration may settle; a run shows whether it is true.
        fits = len(shape) == len(wanted) and all(
            n == w or (n is None and w is not None) for n, w in zip(shape, wanted, strict=True)
        )
        if node.type != _ORT_TYPES[tensor.dtype] or not fits:
            message = f"{kind} {tensor} is {node.type}{list(node.shape)} in the file."
            raise mismatch(spec.name, message, path=spec.path, tensor=tensor.name)


def zeros_for(spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """Silence in the shape of the model's inputs; free lengths are what the parameter `free_length` says, else 1."""
    free = spec.integer("free_length") if "free_length" in spec.parameters else 1
    return {t.name: np.zeros([n or free for n in t.shape], t.dtype) for t in spec.inputs}


def check_outputs(spec: ModelSpec, outputs: Mapping[str, NDArray[Any]]) -> None:
    """Hold a run's results to the configuration: every output there, of its shape, finite.

    Raises:
        Unavailable: MODEL_MISMATCH.
    """
    for tensor in spec.outputs:
        array = outputs[tensor.name]
        fits = array.ndim == len(tensor.shape) and all(
            n is None or n == m for n, m in zip(tensor.shape, array.shape, strict=True)
        )
        if not fits or array.dtype != np.dtype(tensor.dtype):
            raise mismatch(spec.name, f"output {tensor} came as {array.dtype}{list(array.shape)}.", tensor=tensor.name)
        if not np.isfinite(array).all():
            count = math.prod(array.shape) - int(np.isfinite(array).sum())
            raise mismatch(spec.name, f"output {tensor} holds {count} values that are no numbers.", tensor=tensor.name)
