"""Answers are kept by their tag, the last used longest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web_edge.kept import KeptAnswers


def test_the_one_not_used_for_longest_goes() -> None:
    kept = KeptAnswers(10)
    kept.put("a", b"12345")
    kept.put("b", b"12345")
    assert kept.get("a") == b"12345"
    kept.put("c", b"1")
    assert kept.get("b") is None
    assert (kept.get("a"), kept.get("c")) == (b"12345", b"1")
    kept.put("d", b"x" * 11)
    assert kept.get("d") is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.binary(max_size=8))))
def test_what_is_kept_is_what_was_put_last_and_within_the_limit(puts: list[tuple[str, bytes]]) -> None:
    kept, last = KeptAnswers(16), dict[str, bytes]()
    for etag, answer in puts:
        kept.put(etag, answer)
        last[etag] = answer
    found = {etag: kept.get(etag) for etag in last}
    assert all(answer is None or answer == last[etag] for etag, answer in found.items())
    assert sum(len(answer) for answer in found.values() if answer is not None) <= 16
