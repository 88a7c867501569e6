"""`Idempotency-Key`: a request that is sent again under the same key makes nothing new.

A key counts for a day, for its owner, and only for the very request it came with first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from music.errors import InvalidInput, Reason
from web_edge.schema import idempotency_keys

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
_MOST_CHARACTERS = 255
KEPT_NS = 24 * 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Claim:
    """A key of an owner ("" where there are no accounts), and what was asked for under it."""

    owner: str
    key: str
    fingerprint: str


class AlreadyMade(Exception):
    """The key names what was made before."""

    def __init__(self, transcription_id: str) -> None:
        super().__init__(transcription_id)
        self.transcription_id = transcription_id


def key_of(headers: Mapping[str, str]) -> str | None:
    """The request's key, None without one. Raises InvalidInput: REQUEST_INVALID."""
    key = headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= _MOST_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            Reason.REQUEST_INVALID,
            f"An {HEADER} is 1 to {_MOST_CHARACTERS} printable ASCII characters, such as a UUID.",
        )
    return key


def fingerprint(asked: Sequence[Any]) -> str:
    """Equal for equal requests; `asked` is JSON."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def claim(connection: AsyncConnection, wanted: Claim, transcription_id: str, now_ns: int) -> None:
    """Take the key for what this transaction makes.

    Raises:
        AlreadyMade: the same was asked for before. InvalidInput: IDEMPOTENCY_KEY_REUSED, something else was. Either
            ends the transaction.
    """
    keys = idempotency_keys.c
    await connection.execute(delete(idempotency_keys).where(keys.created_at_ns < now_ns - KEPT_NS))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "owner": wanted.owner,
        "key": wanted.key,
        "fingerprint": wanted.fingerprint,
        "transcription_id": transcription_id,
        "created_at_ns": now_ns,
    }
    # Waits for another transaction that is about to take the same key.
    taken = dialect.insert(idempotency_keys).values(row).on_conflict_do_nothing()
    if (await connection.execute(taken)).rowcount == 1:
        return
    query = select(keys.fingerprint, keys.transcription_id).where(keys.owner == wanted.owner, keys.key == wanted.key)
    known = (await connection.execute(query)).one()
    if known.fingerprint != wanted.fingerprint:
        raise InvalidInput(
            Reason.IDEMPOTENCY_KEY_REUSED,
            f"This {HEADER} came with another recording or other options before. Use a new key for a new request.",
        )
    raise AlreadyMade(known.transcription_id)
