"""What the orchestrator is told from outside (`GENESIS_ORCHESTRATOR_*`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from access.listening import is_loopback, split_address
from inference.registry import default_model_repo
from inference.triton_models import TritonPolicy
from music.errors import InvalidInput, Reason
from orchestrator.container import DecodeLimits
from orchestrator.separating import LIVE_BUDGET_CORES
from orchestrator.session import SessionLimits

SETTINGS_PREFIX = "GENESIS_ORCHESTRATOR_"


class Settings(BaseSettings):
    """Settings of one orchestrator process; each can be given as an environment variable.

    Attributes:
        listen: host:port, an IPv6 host in brackets; port 0 picks a free one.
        model_repo: folder of the models; None for the project's own.
        transcriber: used when a session names none; empty for the registry's default.
        threads: windows the network runs at a time, over all sessions.
        cadence_ms: how often tentative notes of a live stream are looked for, while there is room; 0 for never, not
            given for as often as suits the transcriber (46 ms for the guitar's, 100 ms for Basic Pitch).
        uvloop: whether the process runs on uvloop instead of asyncio's own loop. A tenth cheaper; but it forks decoders
            with gRPC's threads running, and under load some of them were seen to die of a signal.
        separation_cores: processor time over real time that a live session's separation may take.
        stems_dir: where the stems of sessions that separate are kept until they are fetched; None for nowhere.
        stems_kept_s: how long after its session's end one can be fetched.
        max_sessions: sessions at a time; one more is refused.
        sessions_per_caller, hourly_sessions_per_caller: of one account, at a time and begun in an hour; 0 for no limit.
        public_key: PEM file of the keys that the edge signs tokens with; None: no accounts, everyone is let in.
        tls_certificate, tls_key: PEM files; with them the server speaks TLS and nothing else.
        nats_ca: PEM file of the authority of the bus's certificate, for a `tls://` address.
        port_file: gets the bound address as text once the server is ready, and goes when it stops.
        reflection: whether gRPC reflection is offered.
        triton: host:port of a Triton server's gRPC service, which runs the models (GENESIS_TRITON); empty for none.
        triton_fallback: whether this process runs them while the server does not (GENESIS_TRITON_FALLBACK).
        triton_deadline_ms: how long the server may take for a run (GENESIS_TRITON_DEADLINE_MS).
    """

    model_config = SettingsConfigDict(
        env_prefix=SETTINGS_PREFIX, extra="ignore", protected_namespaces=(), populate_by_name=True
    )

    listen: str = "127.0.0.1:50051"
    nats_url: str = "nats://127.0.0.1:4222"
    model_repo: Path | None = None
    transcriber: str = ""
    threads: PositiveInt = 2
    cadence_ms: NonNegativeFloat | None = None
    uvloop: bool = False
    separation_cores: NonNegativeFloat = LIVE_BUDGET_CORES
    stems_dir: Path | None = None
    stems_kept_s: PositiveFloat = 3600.0
    port_file: Path | None = None
    reflection: bool = False
    triton: Annotated[str, Field(pattern=r"^$|^.+:[0-9]+$")] = Field(default="", validation_alias="GENESIS_TRITON")
    triton_fallback: bool = Field(default=True, validation_alias="GENESIS_TRITON_FALLBACK")
    triton_deadline_ms: PositiveFloat = Field(default=500.0, validation_alias="GENESIS_TRITON_DEADLINE_MS")
    log_level: str = "INFO"

    public_key: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    nats_ca: Path | None = None

    max_sessions: PositiveInt = 64
    idle_timeout_s: PositiveFloat = 60.0
    slow_reader_s: PositiveFloat = 30.0
    max_duration_s: PositiveFloat = 24 * 3600.0
    max_container_bytes: PositiveInt = 512 << 20
    max_container_duration_s: PositiveFloat = 4 * 3600.0
    sessions_per_caller: NonNegativeInt = 8
    hourly_sessions_per_caller: NonNegativeInt = 60
    bus_timeout_s: PositiveFloat = 10.0
    drain_timeout_s: PositiveFloat = 12.0

    @property
    def models(self) -> Path:
        return self.model_repo or default_model_repo()

    @property
    def triton_policy(self) -> TritonPolicy:
        return TritonPolicy(deadline_s=self.triton_deadline_ms / 1000, fallback=self.triton_fallback)

    @property
    def session_limits(self) -> SessionLimits:
        decode = DecodeLimits(max_bytes=self.max_container_bytes, max_duration_s=self.max_container_duration_s)
        cadence_s = None if self.cadence_ms is None else self.cadence_ms / 1000
        return SessionLimits(self.idle_timeout_s, self.max_duration_s, decode=decode, cadence_s=cadence_s)


def check_listen(settings: Settings) -> None:
    """Raises InvalidInput: CONFIG_INVALID for an address that others reach, when nothing tells callers apart."""
    host, _ = split_address(settings.listen)
    if settings.public_key is None and not is_loopback(host):
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"The orchestrator refuses to listen on {settings.listen} without accounts: everyone who reaches it could "
            f"use it. Set {SETTINGS_PREFIX}PUBLIC_KEY to the edge's public key, or listen on 127.0.0.1.",
        )
