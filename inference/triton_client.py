"""A connection to a Triton server (KServe v2 over gRPC), with Triton's answers in the product's terms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, mismatch, spec_of
from music.errors import Reason, Unavailable

_TRITON_TYPES = {
    "float32": "FP32",
    "float16": "FP16",
    "float64": "FP64",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "bool": "BOOL",
}
_CHANNEL = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A server that comes back is found at once; gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_OUT_OF_REACH = "StatusCode.UNAVAILABLE"


class ServerUnavailable(Unavailable):
    """MODEL_SERVER_UNAVAILABLE: no answer, or a refusal that says nothing about the model.

    Attributes:
        is_quick: whether the same request might succeed now: the connection broke, time is left.
    """

    def __init__(self, address: str, what: str, *, is_quick: bool) -> None:
        message = f"The model server at {address} {what}. Start it (`make triton`) or leave GENESIS_TRITON empty."
        super().__init__(Reason.MODEL_SERVER_UNAVAILABLE, message, address=address)
        self.is_quick = is_quick


@dataclass(frozen=True, slots=True)
class ServedState:
    """What a server says of a model it has: `detail` is its reason for one that is not ready."""

    version: str
    is_ready: bool
    detail: str


class TritonClient:
    """One connection, shared by all models and sessions. It belongs to the event loop of its first call.

    Args:
        address: host:port of the server's gRPC service.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._grpc: Any = None
        self._api: Any = None

    async def infer(
        self, spec: ModelSpec, inputs: Mapping[str, NDArray[Any]], timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """One run of a model on one item; cancelling the caller cancels the request.

        Args:
            spec: the model.
            inputs: tensor name → array with the shape of the configuration, without a batch dimension.
            timeout_s: until the answer must be here; a request that has waited longer the server throws away unrun.

        Returns:
            The same for the outputs; arrays that may not be written to.

        Raises:
            ServerUnavailable: it cannot be reached, is full, or did not answer in time.
            Unavailable: MODEL_MISMATCH, the server has no such model, or it answers something else than was agreed.
        """
        client, api = self._open()
        batch = spec.max_batch_size > 0
        request = []
        for tensor in spec.inputs:
            array = inputs[tensor.name][np.newaxis] if batch else inputs[tensor.name]
            item = api.InferInput(tensor.name, list(array.shape), _TRITON_TYPES[tensor.dtype])
            item.set_data_from_numpy(np.ascontiguousarray(array, tensor.dtype))
            request.append(item)
        wait_us = max(1, int(timeout_s * 1e6))
        call = client.infer(spec.name, request, client_timeout=timeout_s, timeout=wait_us)
        answer = await self._answer(spec.name, call, timeout_s)
        return {tensor.name: _output(spec, answer, tensor.name, batch) for tensor in spec.outputs}

    async def states(self, timeout_s: float) -> dict[str, ServedState]:
        """Every model of the server's repository. Raises ServerUnavailable."""
        client, _ = self._open()
        index = await self._answer("", client.get_model_repository_index(client_timeout=timeout_s), timeout_s)
        return {model.name: ServedState(model.version, model.state == "READY", model.reason) for model in index.models}

    async def spec(self, ours: ModelSpec, timeout_s: float) -> ModelSpec:
        """What the server's configuration says of a model. Raises ServerUnavailable; Unavailable: MODEL_MISMATCH."""
        client, _ = self._open()
        answer = await self._answer(ours.name, client.get_model_config(ours.name, client_timeout=timeout_s), timeout_s)
        return spec_of(answer.config, ours.directory)

    async def close(self) -> None:
        if self._grpc is not None:
            await self._grpc.close()
            self._grpc = None

    def _open(self) -> tuple[Any, Any]:
        if self._grpc is None:
            # Imported here: only a process that uses a server pays the half second.
            import tritonclient.grpc.aio as api

            self._api = api
            self._grpc = api.InferenceServerClient(self.address, channel_args=list(_CHANNEL))
        return self._grpc, self._api

    async def _answer(self, model: str, call: Any, timeout_s: float) -> Any:
        try:
            return await call
        except self._api.InferenceServerException as error:
            raise self._translated(model, error, timeout_s) from error
        except asyncio.CancelledError:
            # grpc.aio says "cancelled" too when its channel is closed under a call.
            if self._grpc is None:
                raise ServerUnavailable(self.address, "is no longer connected to", is_quick=False) from None
            raise

    def _translated(self, model: str, error: Any, timeout_s: float) -> Unavailable:
        status, detail = error.status(), error.message()
        if status == "StatusCode.DEADLINE_EXCEEDED":
            return ServerUnavailable(self.address, f"did not answer within {timeout_s:.2g} s", is_quick=False)
        if status == _OUT_OF_REACH:
            # Its own refusals (queue full, waited too long, model not ready) come with the same code as a broken line.
            is_broken = "failed to connect" in detail or "closed" in detail.lower() or "reset" in detail.lower()
            what = "cannot be reached" if is_broken else f"refuses: {detail}"
            return ServerUnavailable(self.address, what, is_quick=is_broken)
        if status in ("StatusCode.NOT_FOUND", "StatusCode.INVALID_ARGUMENT") and model:
            return mismatch(model, f"the server at {self.address} does not serve it as agreed: {detail}.")
        return ServerUnavailable(self.address, f"failed ({status}): {detail}", is_quick=False)


def _output(spec: ModelSpec, answer: Any, name: str, batch: bool) -> NDArray[Any]:
    array = answer.as_numpy(name)
    tensor = next(t for t in spec.outputs if t.name == name)
    if array is None:
        raise mismatch(spec.name, f"the server's answer lacks {tensor}.", tensor=name)
    wanted = (1, *tensor.shape) if batch else tensor.shape
    fits = array.ndim == len(wanted) and all(n in (None, m) for n, m in zip(wanted, array.shape, strict=True))
    if not fits or array.dtype != np.dtype(tensor.dtype):
        raise mismatch(spec.name, f"{tensor} came from the server as {array.dtype}{list(array.shape)}.", tensor=name)
    found: NDArray[Any] = array[0] if batch else array
    return found
