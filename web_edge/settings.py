"""What the edge is told from outside (`GENESIS_EDGE_*`)."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from music.errors import InvalidInput, Reason

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(BaseSettings):
    """Settings of one edge process; every one can be given as an environment variable `GENESIS_EDGE_<NAME>`.

    Names end in their unit. Addresses are `host:port`, an IPv6 host in brackets; port 0 picks a free one.
    """

    model_config = SettingsConfigDict(env_prefix="GENESIS_EDGE_", extra="ignore")

    listen: str = "127.0.0.1:8000"
    orchestrator: str = "127.0.0.1:50051"
    nats_url: str = "nats://127.0.0.1:4222"
    data_dir: Path = Path("var")
    database_url: str = ""
    ui_dir: Path = Path(__file__).resolve().parent / "ui" / "dist"
    demo_dir: Path | None = None
    port_file: Path | None = None
    log_level: str = "INFO"

    max_upload_bytes: PositiveInt = 200_000_000
    upload_idle_s: PositiveFloat = 30.0

    storage_url: str = Field(default="", description="s3://BUCKET/PREFIX for recordings; a folder of data_dir without")
    storage_keys: Path | None = Field(default=None, description="keys that recordings are sealed with; made if missing")

    concurrent_jobs: PositiveInt = 2
    job_attempts: PositiveInt = 8
    job_backoff_s: PositiveFloat = 0.25
    job_backoff_max_s: PositiveFloat = 10.0

    concurrent_exports: PositiveInt = 1
    export_limit_s: PositiveFloat = 120.0
    export_memory_bytes: PositiveInt = 2 << 30

    max_sockets: PositiveInt = 128
    max_live_sessions: PositiveInt = 16
    max_frame_bytes: PositiveInt = 1 << 20
    max_followed_sessions: PositiveInt = 16
    heartbeat_s: PositiveFloat = 15.0
    outbox_frames: PositiveInt = Field(default=2048, description="frames held for a reader before it counts as slow")
    outbox_bytes: PositiveInt = 16 << 20
    slow_reader_s: PositiveFloat = 10.0
    live_flush_s: PositiveFloat = 30.0
    record_wait_s: PositiveFloat = 10.0
    shutdown_s: PositiveInt = 10

    @property
    def database(self) -> str:
        """The database's address: as set, or a SQLite file in `data_dir`."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'genesis.db').resolve()}"

    @property
    def keys(self) -> Path:
        return self.storage_keys or self.data_dir / "storage.keys"

    @property
    def audio_dir(self) -> Path:
        return self.data_dir / "audio"

    @property
    def demo(self) -> Path:
        return self.demo_dir or self.data_dir / "demo"


def listen_address(listen: str) -> tuple[str, int]:
    """Host and port of a `host:port` that lies on the loopback interface.

    Raises:
        InvalidInput: CONFIG_INVALID when it is no address, or one that others can reach: the edge has no accounts yet,
            so whoever reaches it may read and delete everything.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise InvalidInput(Reason.CONFIG_INVALID, f"{listen!r} is no address; write host:port, such as 127.0.0.1:8000.")
    if not is_loopback(host):
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"The edge refuses to listen on {listen}: it has no accounts yet, so everyone who reaches it could read "
            "and delete every transcription. Listen on 127.0.0.1 and put a proxy that signs people in before it.",
        )
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without brackets) means this machine and nothing else."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
