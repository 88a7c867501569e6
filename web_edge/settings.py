"""What the edge is told from outside (`GENESIS_EDGE_*`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from access.listening import is_loopback, split_address
from music.errors import InvalidInput, Reason

PREFIX = "GENESIS_EDGE_"
DATABASE_FILE = "genesis.db"


class Settings(BaseSettings):
    """Settings of one edge process; every one can be given as an environment variable `GENESIS_EDGE_<NAME>`.

    Names end in their unit. Addresses are `host:port`, an IPv6 host in brackets; port 0 picks a free one.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

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

    # How long what was made is kept, in days from its making; 0 for ever.
    keep_recordings_days: NonNegativeInt = 0
    keep_results_days: NonNegativeInt = Field(default=0, description="whole transcriptions, with their recordings")
    keep_audit_days: NonNegativeInt = 0
    sweep_s: PositiveFloat = 3_600.0

    # Accounts: there are some once there is a key to sign their tokens with.
    signing_key: Path | None = Field(default=None, description="PEM file of an Ed25519 key")
    former_keys: Path | None = Field(default=None, description="PEM file of public keys whose tokens still count")
    registration: Literal["open", "closed"] = "open"
    access_token_s: PositiveInt = 600
    refresh_token_s: PositiveInt = 30 * 86_400
    origins: str = Field(default="", description="of pages that may use this server, with commas between")
    trusted_proxies: str = Field(default="", description="addresses whose X-Forwarded headers are believed")

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    nats_ca: Path | None = Field(default=None, description="PEM file of the bus's authority, for a tls:// address")
    orchestrator_tls: bool = False
    orchestrator_ca: Path | None = None
    orchestrator_name: str = Field(default="", description="that its certificate is for, where its address is another")

    # Only where there are accounts; 0 for no limit.
    requests_per_minute: NonNegativeInt = 100
    transcriptions_per_hour: NonNegativeInt = 10
    live_sessions_per_user: PositiveInt = 4
    counters: str = Field(default="async+memory://", description="store that all replicas of the edge share")

    smtp_host: str = ""
    smtp_port: PositiveInt = 587
    smtp_sender: str = "genesis@localhost"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_ca: Path | None = None

    @property
    def database(self) -> str:
        """The database's address: as set, or a SQLite file in `data_dir`."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / DATABASE_FILE).resolve()}"

    @property
    def has_accounts(self) -> bool:
        return self.signing_key is not None

    @property
    def keys(self) -> Path:
        return self.storage_keys or self.data_dir / "storage.keys"

    @property
    def audio_dir(self) -> Path:
        return self.data_dir / "audio"

    @property
    def uploads_dir(self) -> Path:
        """Of uploads on their way."""
        return self.data_dir / "uploads"

    @property
    def demo(self) -> Path:
        return self.demo_dir or self.data_dir / "demo"


def listen_address(settings: Settings) -> tuple[str, int]:
    """Host and port to listen on.

    Raises:
        InvalidInput: CONFIG_INVALID when it is no address, or one that others can reach while something is missing that
            keeps strangers out.
    """
    host, port = split_address(settings.listen)
    if is_loopback(host):
        return host, port
    missing = [
        f"{PREFIX}{name}: {what}"
        for name, what, is_there in (
            (
                "SIGNING_KEY",
                "a key that `genesis admin keys FILE` makes; with it there are accounts",
                settings.signing_key,
            ),
            ("ORIGINS", "how browsers reach it, such as https://tabs.example.org", settings.origins),
        )
        if not is_there
    ]
    if missing:
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"The edge refuses to listen on {settings.listen}: everyone who reaches it could read and delete every "
            f"transcription. Set {'; and '.join(missing)}. Or listen on 127.0.0.1.",
        )
    return host, port
