"""What must exist on the server, made from `wire.subjects`."""

from __future__ import annotations

import structlog
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from wire import subjects

SNAPSHOTS_STREAM = f"KV_{subjects.SNAPSHOTS_BUCKET}"
"""The stream under the bucket: NATS lays a key-value bucket out so (its ADR-8)."""

_MAX_ACCESS_BYTES = 64 * 1024**2
_DUPLICATE_WINDOW_S = 300.0
"""A writer asks again for seconds, not minutes; within the window the server knows a message it already has."""

log = structlog.get_logger(__name__)


ACCESS_STREAM = f"KV_{subjects.ACCESS_BUCKET}"


def snapshot_subject(session_id: str) -> str:
    """Subject of a session's key in the bucket."""
    return f"$KV.{subjects.SNAPSHOTS_BUCKET}.{subjects.checked_session_id(session_id)}"


def sessions_stream() -> StreamConfig:
    return StreamConfig(
        name=subjects.SESSIONS_STREAM,
        description="Logs of all sessions: durable and tentative events.",
        subjects=[subjects.ALL_SESSIONS],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        storage=StorageType.FILE,
        max_age=subjects.RETENTION.total_seconds(),
        max_bytes=subjects.MAX_STREAM_BYTES,
        duplicate_window=_DUPLICATE_WINDOW_S,
        allow_msg_ttl=True,
    )


def snapshots_stream() -> StreamConfig:
    return StreamConfig(
        name=SNAPSHOTS_STREAM,
        description="Each session's newest snapshot, by session id.",
        subjects=[f"$KV.{subjects.SNAPSHOTS_BUCKET}.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_age=subjects.RETENTION.total_seconds(),
        max_msgs_per_subject=1,
        duplicate_window=_DUPLICATE_WINDOW_S,
        allow_rollup_hdrs=True,
        allow_direct=True,
        allow_msg_ttl=True,
        deny_delete=True,
    )


def access_stream() -> StreamConfig:
    return StreamConfig(
        name=ACCESS_STREAM,
        description="API keys, hashed, and revoked accounts; the edge writes it from its database.",
        subjects=[f"$KV.{subjects.ACCESS_BUCKET}.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_bytes=_MAX_ACCESS_BYTES,
        max_msgs_per_subject=1,
        duplicate_window=_DUPLICATE_WINDOW_S,
        allow_rollup_hdrs=True,
        allow_direct=True,
        allow_msg_ttl=True,
        deny_delete=True,
    )


async def declare(jetstream: JetStreamContext) -> None:
    """Create what is missing and change what differs; running it again changes nothing."""
    for wanted in (sessions_stream(), snapshots_stream(), access_stream()):
        name = str(wanted.name)
        try:
            found = (await jetstream.stream_info(name)).config
        except NotFoundError:
            await jetstream.add_stream(wanted)
            log.info("bus.stream_created", stream=name)
            continue
        changed = [key for key, value in wanted.as_dict().items() if found.as_dict().get(key) != value]
        if changed:
            # How many replicas there are is the operator's choice, not ours.
            await jetstream.update_stream(wanted.evolve(num_replicas=found.num_replicas))
            log.info("bus.stream_changed", stream=name, changed=changed)
