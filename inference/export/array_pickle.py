"""The arrays of a PyTorch archive whose pickle holds a dictionary of numpy arrays, read without running the pickle.

A pickle is a program that may call anything it names. Here every name but the four that describe an array is refused,
and those four are played by inert stand-ins: what comes out is shapes, types and bytes, nothing else.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_BYTES = 1 << 28


def read_arrays(archive: bytes) -> dict[str, NDArray[np.float32]]:
    """Name → f32 array, C order.

    Args:
        archive: a zip file as `torch.save` writes it, with one `data.pkl` in it.

    Raises:
        ValueError: it is no such archive, names anything but arrays of 32-bit floats, or is cut short.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            (name,) = (name for name in members.namelist() if name.endswith("/data.pkl"))
            if members.getinfo(name).file_size > _MAX_BYTES:
                raise ValueError(f"{name} is larger than {_MAX_BYTES} bytes")
            content = _Reader(io.BytesIO(members.read(name)), encoding="latin1").load()
    except (zipfile.BadZipFile, pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not an archive of arrays: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(array, _Array) for array in content.values()):
        raise ValueError("it holds something else than a dictionary of arrays")
    return {str(name): array.value() for name, array in content.items()}


class _Array:
    """What the pickle says about one array."""

    def __init__(self, *_about: object) -> None:
        self._state: Any = None

    def __setstate__(self, state: object) -> None:
        self._state = state

    def value(self) -> NDArray[np.float32]:
        if not isinstance(self._state, tuple) or len(self._state) != 5:
            raise ValueError("an array without its values")
        _version, shape, dtype, is_fortran, content = self._state
        if not isinstance(dtype, _Type) or dtype.name != "f4" or not dtype.is_little or not isinstance(content, bytes):
            raise ValueError("an array of something else than little-endian 32-bit floats")
        if len(content) != 4 * math.prod(shape):
            raise ValueError(f"an array of shape {shape} with {len(content)} bytes")
        values = np.frombuffer(content, "<f4").reshape(shape, order="F" if is_fortran else "C")
        return np.ascontiguousarray(values, np.float32)


class _Type:
    """What the pickle says about an array's type."""

    def __init__(self, name: str, *_about: object) -> None:
        self.name = name
        self.is_little = False

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.is_little = state[1] == "<"


class _Marker:
    """A class that is only handed to `_Array`."""


def _bytes_of(text: str, encoding: str) -> bytes:
    return text.encode("latin1" if encoding == "latin1" else "ascii")


class _Reader(pickle.Unpickler):
    _STAND_INS = {  # noqa: RUF012 - never written to
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Marker,
        ("numpy", "dtype"): _Type,
        ("_codecs", "encode"): _bytes_of,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a name that describes an array; any other is refused."""
        if (module, name) not in self._STAND_INS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return self._STAND_INS[module, name]

    def persistent_load(self, pid: object) -> Any:
        """Nothing lies outside."""
        raise pickle.UnpicklingError(f"it refers to {pid!r} outside")
