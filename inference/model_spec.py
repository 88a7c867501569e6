"""What a model's `config.pbtxt` says about it.

The file is a Triton model configuration (`inference.ModelConfig` in text format), so one folder serves both runners.
What Triton has no field for stands in its `parameters`: `role`, `sha256`, where the file comes from, and what each
tensor means (`tensor_onset` names the tensor that holds onsets).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from google.protobuf import text_format

from music.errors import Reason, Unavailable

CONFIG_NAME = "config.pbtxt"
BUILD_COMMAND = "genesis models build"
_NUMPY_NAMES = {
    "TYPE_FP32": "float32",
    "TYPE_FP16": "float16",
    "TYPE_FP64": "float64",
    "TYPE_INT32": "int32",
    "TYPE_INT64": "int64",
    "TYPE_UINT8": "uint8",
    "TYPE_BOOL": "bool",
}


def mismatch(name: str, message: str, **about: object) -> Unavailable:
    """MODEL_MISMATCH of the model `name`."""
    return Unavailable(Reason.MODEL_MISMATCH, f"Model {name}: {message}", model=name, **about)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor: numpy's name of its type, and its shape without the batch; None where a length is free."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}[{', '.join('?' if n is None else str(n) for n in self.shape)}]"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as its configuration describes it.

    Attributes:
        directory: the model's folder in the repository.
        path: where the model's file belongs; it may not have been built.
        max_batch_size: 0 when the tensors have no batch dimension in front.
        parameters: the configuration's string parameters.
    """

    name: str
    directory: Path
    path: Path
    max_batch_size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: Mapping[str, str]

    @property
    def role(self) -> str:
        return self.text("role")

    @property
    def sha256(self) -> str:
        """Hex digest the model's file must have."""
        return self.text("sha256")

    @property
    def is_committed(self) -> bool:
        """Whether the file lies in the repository's history, for nothing could build it anew."""
        return self.parameters.get("committed") == "true"

    @property
    def runs_alone(self) -> bool:
        """Whether a run is so large that one at a time gets all threads, and memory counts before allocations."""
        return self.parameters.get("runs_alone") == "true"

    @property
    def remedy(self) -> str:
        """The command that puts the file right when it is missing or another one."""
        return f"git checkout -- {self.path}" if self.is_committed else BUILD_COMMAND

    def text(self, key: str) -> str:
        """A parameter.

        Raises:
            Unavailable: MODEL_MISMATCH, the configuration does not have it.
        """
        try:
            return self.parameters[key]
        except KeyError:
            raise mismatch(self.name, f"{CONFIG_NAME} has no parameter {key!r}.", parameter=key) from None

    def integer(self, key: str) -> int:
        """A whole-numbered parameter.

        Raises:
            Unavailable: MODEL_MISMATCH, it is missing or no whole number.
        """
        value = self.text(key)
        try:
            return int(value)
        except ValueError:
            message = f"parameter {key!r} in {CONFIG_NAME} is {value!r}, not a whole number."
            raise mismatch(self.name, message, parameter=key) from None

    def tensor(self, meaning: str) -> TensorSpec:
        """The input or output that `tensor_<meaning>` names.

        Raises:
            Unavailable: MODEL_MISMATCH, the parameter is missing or names no tensor of the model.
        """
        name = self.text(f"tensor_{meaning}")
        for tensor in (*self.inputs, *self.outputs):
            if tensor.name == name:
                return tensor
        raise mismatch(self.name, f"{CONFIG_NAME} says {meaning} is in {name!r}, but lists no such tensor.")

    def read_model(self) -> bytes:
        """The model's file, its digest checked.

        Raises:
            Unavailable: MODEL_MISSING, it has not been built; MODEL_MISMATCH, it is not the file that was meant.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            state = "is not in this checkout" if self.is_committed else "has not been built"
            message = f"Model {self.name} {state}: there is no {self.path}. Run `{self.remedy}`."
            raise Unavailable(Reason.MODEL_MISSING, message, model=self.name, path=self.path) from None
        except OSError as error:
            raise mismatch(self.name, f"{self.path} cannot be read: {error.strerror}.", path=self.path) from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            message = (
                f"{self.path} ({len(content)} bytes) has SHA-256 {found}, "
                f"{CONFIG_NAME} says {self.sha256}. Run `{self.remedy}`."
            )
            raise mismatch(self.name, message, path=self.path, found=found, expected=self.sha256)
        return content


def read_model_spec(directory: Path) -> ModelSpec:
    """The configuration in a model's folder.

    Raises:
        Unavailable: MODEL_MISSING, there is none; MODEL_MISMATCH, it is not a valid one.
    """
    return spec_of(read_config(directory), directory)


def read_config(directory: Path) -> Any:
    """The same as Triton's own `inference.ModelConfig`. Raises as `read_model_spec` does."""
    name, path = directory.name, directory / CONFIG_NAME
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"There is no {path}: the model repository is incomplete."
        raise Unavailable(Reason.MODEL_MISSING, message, model=name, path=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise mismatch(name, f"{path} cannot be read: {error}.", path=path) from error
    try:
        config = text_format.Parse(content, triton_schema().ModelConfig())
    except text_format.ParseError as error:
        raise mismatch(name, f"{path} is not a Triton model configuration: {error}.", path=path) from error
    if config.name != name:
        raise mismatch(name, f"{path} calls itself {config.name!r}; a model's name is its folder's.", path=path)
    return config


def spec_of(config: Any, directory: Path) -> ModelSpec:
    """What a configuration says.

    Args:
        config: `inference.ModelConfig`, this folder's or a server's.
        directory: the model's folder on this machine.

    Raises:
        Unavailable: MODEL_MISMATCH, a tensor's type is not supported.
    """
    name, schema = directory.name, triton_schema()
    versions = config.version_policy.specific.versions or [1]
    data_type = schema.DataType.Name
    return ModelSpec(
        name=name,
        directory=directory,
        path=directory / str(max(versions)) / (config.default_model_filename or "model.onnx"),
        max_batch_size=config.max_batch_size,
        inputs=tuple(_tensor(name, item.name, data_type(item.data_type), item.dims) for item in config.input),
        outputs=tuple(_tensor(name, item.name, data_type(item.data_type), item.dims) for item in config.output),
        parameters={key: item.string_value for key, item in config.parameters.items()},
    )


def _tensor(model: str, name: str, data_type: str, dims: list[int]) -> TensorSpec:
    if data_type not in _NUMPY_NAMES:
        raise mismatch(model, f"{CONFIG_NAME} gives tensor {name!r} the type {data_type}, which is not supported.")
    return TensorSpec(name, _NUMPY_NAMES[data_type], tuple(None if n < 0 else n for n in dims))


@functools.cache
def triton_schema() -> ModuleType:
    """Triton's generated `model_config_pb2`, without the client around it.

    `import tritonclient.grpc` loads grpc and the whole client (0.4 s more) and belongs to the [grpc] extra, whose upper
    bound on protobuf lies below ours. The generated module alone needs only protobuf.
    """
    package = importlib.util.find_spec("tritonclient")
    for folder in (package.submodule_search_locations if package is not None else None) or ():
        path = Path(folder) / "grpc" / "model_config_pb2.py"
        spec = importlib.util.spec_from_file_location("inference.triton_model_config_pb2", path)
        if path.is_file() and spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise Unavailable(Reason.MODEL_MISMATCH, "The package tritonclient is not installed; run `make setup`.")
