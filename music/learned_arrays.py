"""Weights of a network that numpy runs: the arrays of a dataclass, kept in a file beside this package's code."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class LearnedArrays:
    """For dataclasses whose fields are all f32 arrays."""

    __slots__ = ()

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        return {name: getattr(self, name) for name in _names(type(self))}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.floating]]) -> Self:
        return cls(**{name: np.asarray(arrays[name], np.float32) for name in _names(cls)})

    @classmethod
    def shipped(cls, name: str) -> Self:
        """Those of the file `name` that comes with this package."""
        with files("music").joinpath(name).open("rb") as file:
            return cls.from_arrays(dict(np.load(file)))


def _names(of: Any) -> list[str]:
    return [field.name for field in fields(of)]
