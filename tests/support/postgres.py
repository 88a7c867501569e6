"""A real PostgreSQL on a free port, for the length of a test run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),)


@contextmanager
def running_postgres() -> Iterator[str]:
    """URL of an empty database of a server of its own; skips where there is no PostgreSQL.

    Its files lie outside of pytest's folder, which is for its owner alone: the server refuses to run as root.
    """
    with (
        tempfile.TemporaryDirectory(prefix="genesis-postgres-", ignore_cleanup_errors=True) as folder,
        _running(Path(folder)) as url,
    ):
        yield url


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql (CI does)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = folder / "data", folder / "log"
    as_user = _unprivileged(folder)
    _run(as_user, [initdb, "-D", data, "-U", "genesis", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
    options = f"-p {port} -h 127.0.0.1 -k '' -F"
    _run(as_user, [control, "-D", data, "-l", log, "-o", options, "-w", "start"])
    try:
        yield f"postgresql+asyncpg://genesis@127.0.0.1:{port}/postgres"
    finally:
        _run(as_user, [control, "-D", data, "-m", "immediate", "-w", "stop"])


def _program(name: str) -> Path | None:
    on_path = shutil.which(name)
    found = [Path(on_path)] if on_path else []
    return next((path for path in (*found, *(place / name for place in _PLACES)) if path.exists()), None)


def _unprivileged(folder: Path) -> list[str]:
    """What to put before a command: the server refuses to run as root."""
    if os.getuid() != 0:
        return []
    shutil.chown(folder, "nobody")
    return ["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup"]


def _run(as_user: list[str], command: list[object]) -> None:
    done = subprocess.run(
        [*as_user, *map(str, command)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()


async def fresh_database(url: str) -> str:
    """URL of a new database of the same server."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return url.rpartition("/")[0] + "/" + name
