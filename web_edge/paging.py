"""Pages of transcriptions, the newest first, and the cursors that lead from one to the next."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_

from music.errors import InvalidInput, Reason
from web_edge.rows import Transcription
from web_edge.schema import transcriptions


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `next_cursor` is None on the last page."""

    items: list[Transcription]
    next_cursor: str | None


def cursor_of(last: Transcription) -> str:
    """Names the last one of a page."""
    return base64.urlsafe_b64encode(f"{last.created_at_ns}:{last.id}".encode()).decode().rstrip("=")


def after(cursor: str) -> ColumnElement[bool]:
    """Whether a transcription comes after the one a cursor names. Raises InvalidInput: REQUEST_INVALID."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        created, _, last_id = text.partition(":")
        created_at_ns = int(created)
        if not last_id or not 0 <= created_at_ns < 2**63:
            raise ValueError(text)
    except ValueError as error:
        raise InvalidInput(
            Reason.REQUEST_INVALID, "The cursor is not one of ours. Use `next` of the page before, unchanged."
        ) from error
    return or_(
        transcriptions.c.created_at_ns < created_at_ns,
        and_(transcriptions.c.created_at_ns == created_at_ns, transcriptions.c.id < last_id),
    )
