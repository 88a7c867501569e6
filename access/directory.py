"""What the edge tells the other doors, in a bucket on the bus: API keys, and accounts whose tokens count no more.

The database is the truth; this is a copy that the edge writes anew when it starts. A key that is not in it does not
count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from access.api_keys import KeyRecord
from access.caller import Scope
from bus.connection import Bus
from bus.declarations import ACCESS_STREAM
from wire.subjects import ACCESS_BUCKET

_OPERATION_HEADER = "KV-Operation"


def _key_subject(key_id: str) -> str:
    return f"$KV.{ACCESS_BUCKET}.key.{key_id}"


def _account_subject(account_id: str) -> str:
    return f"$KV.{ACCESS_BUCKET}.account.{account_id}"


async def put_key(bus: Bus, record: KeyRecord) -> None:
    """Make a key known, or known anew. Raises Unavailable: BUS_UNAVAILABLE."""
    said = {
        "sha256": record.sha256,
        "owner": record.owner,
        "scopes": sorted(record.scopes),
        "expires_at_s": record.expires_at_s,
    }
    await _publish(bus, _key_subject(record.id), json.dumps(said).encode())


async def drop_key(bus: Bus, key_id: str) -> None:
    """Take a key back; one that is not there is no error. Raises Unavailable: BUS_UNAVAILABLE."""
    await _publish(bus, _key_subject(key_id), b"", {_OPERATION_HEADER: "DEL"})


async def find_key(bus: Bus, key_id: str) -> KeyRecord | None:
    """Raises Unavailable: BUS_UNAVAILABLE."""
    message = await bus.last_message(ACCESS_STREAM, _key_subject(key_id))
    if message is None or not message.data:
        return None
    said = json.loads(message.data)
    scopes = frozenset(Scope(scope) for scope in said["scopes"])
    return KeyRecord(key_id, said["sha256"], said["owner"], scopes, said["expires_at_s"])


async def known_key_ids(bus: Bus) -> set[str]:
    """Of keys that are, or were, in the directory. Raises Unavailable: BUS_UNAVAILABLE."""
    every = _key_subject(">")
    info = await bus.patiently(lambda: bus.jetstream.stream_info(ACCESS_STREAM, subjects_filter=every))
    return {subject.rpartition(".")[2] for subject in (info.state.subjects or {})}


async def revoke_before(bus: Bus, account_id: str, moment_s: int, keep_s: int) -> None:
    """Tokens of an account that were issued before `moment_s` count no more; known for `keep_s`, longer than they live.

    Raises Unavailable: BUS_UNAVAILABLE.
    """
    await _publish(bus, _account_subject(account_id), str(moment_s).encode(), ttl_s=keep_s)


async def revoked_before_s(bus: Bus, account_id: str) -> int:
    """Unix time before which an account's tokens do not count; 0 when they all do. Raises Unavailable."""
    message = await bus.last_message(ACCESS_STREAM, _account_subject(account_id))
    return 0 if message is None or not message.data else int(message.data)


async def _publish(
    bus: Bus, subject: str, data: bytes, headers: Mapping[str, str] | None = None, *, ttl_s: float | None = None
) -> None:
    given = dict(headers) if headers else None
    await bus.patiently(lambda: bus.jetstream.publish(subject, data, headers=given, msg_ttl=ttl_s), timeout_s=3.0)
