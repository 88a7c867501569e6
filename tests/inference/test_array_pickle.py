"""Weights come out of a pickle as arrays, and nothing in it runs."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from inference.export.array_pickle import read_arrays


def archive(content: bytes, name: str = "weights/data.pkl") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr(name, content)
    return file.getvalue()


def test_arrays_come_out_as_they_went_in() -> None:
    random = np.random.default_rng(1)
    arrays = {
        "weight": random.standard_normal((3, 2, 5, 5)).astype(np.float32),
        "bias": random.standard_normal(4).astype(np.float32),
        "turned": np.asfortranarray(random.standard_normal((3, 4)).astype(np.float32)),
    }
    read = read_arrays(archive(pickle.dumps(arrays, protocol=2)))
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


class Calls:
    """Pickles to a call of its choice."""

    def __init__(self, function: object, argument: str) -> None:
        self._call = (function, (argument,))

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return self._call


def test_a_pickle_that_calls_something_is_refused_and_does_not_call_it(tmp_path: Path) -> None:
    target = tmp_path / "made"
    content = pickle.dumps({"weight": Calls(os.mkdir, str(target))}, protocol=2)
    with pytest.raises(ValueError, match="it names"):
        read_arrays(archive(content))
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        archive(b"\x80\x02}", "other.pkl"),
        archive(b"\x80\x02}q\x00(X"),
        archive(pickle.dumps([1, 2], protocol=2)),
        archive(pickle.dumps({"weight": 1.0}, protocol=2)),
        archive(pickle.dumps({"weight": np.zeros(3)}, protocol=2)),
        archive(pickle.dumps({"weight": np.zeros(3, ">f4")}, protocol=2)),
        archive(pickle.dumps({"weight": np.zeros(3, np.float32)}, protocol=2)[:-40]),
    ],
    ids=["nothing", "no zip", "no pickle", "cut short", "a list", "a number", "doubles", "big-endian", "half an array"],
)
def test_what_holds_no_arrays_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_arrays(content)
