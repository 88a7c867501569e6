"""The form parser sees the same form however it is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.errors import InvalidInput
from web_edge.audio_files import TITLE_CHARACTERS, title_of
from web_edge.uploads import FormParser

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="capo"\r\n\r\n2\r\n'
    b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nwhatever\r\n'
    b'--b\r\ncontent-disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b"\r\n--bytes\r\n-- that look like a boundary\r\n--b\r\r\n"
    b'\r\n--b\r\nContent-Disposition: form-data; name="tuning"\r\n\r\ndrop_d\r\n--b--\r\n'
)


@given(cuts=st.lists(st.integers(0, len(FORM)), max_size=20))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    parser = FormParser(b"b")
    data = b""
    edges = [0, *sorted(cuts), len(FORM)]
    for start, end in pairwise(edges):
        data += b"".join(parser.push(FORM[start:end]))
    assert data == b"\r\n--bytes\r\n-- that look like a boundary\r\n--b\r\r\n"
    assert parser.fields == {"capo": "2", "tuning": "drop_d"}
    assert parser.file_name == "a b.wav"
    assert parser.is_complete


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_form_are_refused_or_unfinished(data: bytes) -> None:
    parser = FormParser(b"b")
    try:
        parser.push(data)
    except InvalidInput:
        return
    assert not parser.has_file or b"name" in data


@given(name=st.text())
def test_a_title_can_be_shown(name: str) -> None:
    title = title_of(name)
    assert title
    assert title.isprintable()
    assert len(title) <= TITLE_CHARACTERS
    assert "/" not in title
    assert "\\" not in title


@pytest.mark.parametrize("name", ["", "/", "..\\..\\", "\x00"])
def test_a_name_without_one_gets_one(name: str) -> None:
    assert title_of(name) == "Upload"
