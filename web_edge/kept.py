"""Answers that took work, kept a while by their entity tag."""

from __future__ import annotations

from collections import OrderedDict


class KeptAnswers:
    """The last used ones, of at most `max_bytes` in all.

    A tag names what an answer was made of, so one that is kept is right for as long as anybody asks for it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._byte_count = 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, etag: str) -> bytes | None:
        answer = self._answers.get(etag)
        if answer is not None:
            self._answers.move_to_end(etag)
        return answer

    def put(self, etag: str, answer: bytes) -> None:
        self._byte_count += len(answer) - len(self._answers.pop(etag, b""))
        self._answers[etag] = answer
        while self._byte_count > self._max_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._byte_count -= len(oldest)
