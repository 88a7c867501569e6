"""What `genesis doctor` looks at."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import ssl
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from access.tls import client_context
from genesis.addresses import Address, claim, parse_address
from genesis.paths import default_data_dir, default_ui_dir, demo_dir
from genesis.stock import demo_is_built
from music.errors import GenesisError, Unavailable

if TYPE_CHECKING:
    from genesis.client.calls import Server

_PACKAGES = ("av", "grpc", "nats", "numpy", "onnxruntime", "soxr", "sqlalchemy", "starlette", "uvicorn")
_LEAST_PYTHON = (3, 11)
_LEAST_FREE_BYTES = 2 * 1024**3
_ASK_TIMEOUT_S = 2.0


class Verdict(Enum):
    """OPTIONAL: not there, and most of the product works without."""

    GOOD = "good"
    OPTIONAL = "optional"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table."""

    verdict: Verdict
    what: str
    found: str
    advice: str = ""


async def examine(server: Server, listen: str) -> list[Finding]:
    """Look at everything; takes a second or two. What serves the page speaks TLS if `server` does."""
    page, service = parse_address(listen, "--listen"), parse_address(server.address, "--server")
    serving = await _is_serving(server)
    return [
        _python(),
        *_packages(),
        *await asyncio.to_thread(_models),
        await asyncio.to_thread(_nats_server),
        _demo(),
        _page(),
        _disk(),
        _running(server.address) if serving else _port("gRPC", service, "--grpc"),
        await _edge(page, client_context(server.authority) if server.tls else None),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] >= _LEAST_PYTHON
    return Finding(Verdict.GOOD if good else Verdict.BROKEN, "Python", version, "" if good else "install 3.11 or newer")


def _packages() -> list[Finding]:
    missing = []
    for name in _PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(Finding(Verdict.BROKEN, name, f"cannot be imported: {error}", "make setup"))
    return missing or [Finding(Verdict.GOOD, "packages", f"{len(_PACKAGES)} import")]


def _models() -> list[Finding]:
    from inference.registry import default_model_repo, verify_models

    try:
        checks = verify_models(default_model_repo())
    except GenesisError as error:
        return [_broken("models", error, "genesis models build")]
    return [
        Finding(Verdict.GOOD, f"model {check.name}", f"runs in {check.run_ms:.0f} ms")
        if check.problem is None
        else _broken(f"model {check.name}", check.problem, check.remedy)
        for check in checks
    ] or [Finding(Verdict.BROKEN, "models", "none", "check out model_repo/ again")]


def _nats_server() -> Finding:
    from bus.embedded import nats_server_binary

    advice = "make setup, or serve with --nats-url"
    try:
        done = subprocess.run(
            [nats_server_binary(), "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except GenesisError as error:
        return _broken("nats-server", error, advice)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(Verdict.BROKEN, "nats-server", f"does not run: {error}", advice)
    return Finding(Verdict.GOOD, "nats-server", done.stdout.strip())


def _demo() -> Finding:
    if demo_is_built(demo_dir(default_data_dir())):
        return Finding(Verdict.GOOD, "demo piece", "rendered")
    return Finding(Verdict.OPTIONAL, "demo piece", "not rendered", "genesis demo build")


def _page() -> Finding:
    if (default_ui_dir() / "index.html").exists():
        return Finding(Verdict.GOOD, "page", "built")
    return Finding(Verdict.OPTIONAL, "page", "not built", "make ui")


def _disk() -> Finding:
    folder = default_data_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GiB free at {folder}"
    if not os.access(folder, os.W_OK):
        return Finding(Verdict.BROKEN, "disk", f"{folder} may not be written", "set GENESIS_DATA_DIR")
    if free < _LEAST_FREE_BYTES:
        return Finding(Verdict.OPTIONAL, "disk", found, "free some space, or set GENESIS_DATA_DIR")
    return Finding(Verdict.GOOD, "disk", found)


def _running(server: str) -> Finding:
    return Finding(Verdict.GOOD, "gRPC", f"a server answers at {server} and is connected to NATS")


def _port(what: str, address: Address, option: str) -> Finding:
    try:
        claim(address, option)
    except Unavailable:
        return Finding(
            Verdict.OPTIONAL, what, f"{address} is taken by something else", f"serve with another {option}, or --port 0"
        )
    return Finding(Verdict.GOOD, what, f"{address} is free, no server runs")


async def _edge(page: Address, tls: ssl.SSLContext | None) -> Finding:
    from genesis.local_stack import answers

    url = f"{'http' if tls is None else 'https'}://{page}"
    if await answers(page, "/ready", tls):
        return Finding(Verdict.GOOD, "web", f"{url} serves and is ready")
    if await answers(page, "/health", tls):
        return Finding(Verdict.BROKEN, "web", f"{url} serves and is not ready", f"see {url}/ready")
    return _port("web", page, "--listen")


async def _is_serving(server: Server) -> bool:
    """Whether the health service at `server` says SERVING, which it does while NATS is connected."""
    import grpc.aio
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async with server.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_ASK_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _broken(what: str, error: GenesisError, advice: str) -> Finding:
    return Finding(Verdict.BROKEN, what, f"{error.reason.value}: {error.message}", advice)
