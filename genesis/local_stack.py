"""The all-in-one stack: nats-server, orchestrator and edge as supervised processes of this machine.

They are the processes that run on many machines too; only their addresses differ.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genesis.addresses import Address
from genesis.paths import demo_dir
from genesis.stack_tls import StackTls
from genesis.supervisor import Child, ChildSpec
from music.errors import GenesisError

_READY_TIMEOUT_S = 60.0
_PROBE_TIMEOUT_S = 2.0
_HTTP_OK = b" 200 "
_PYTHON = (sys.executable, "-P", "-m")  # -P: what lies in the caller's folder must not shadow our packages


@dataclass(frozen=True, slots=True)
class StackPlan:
    """Where everything listens and keeps its files; ports are fixed, so that a restart changes none.

    `keys` is the private key of a stack with accounts; the public one lies beside it.

    `nats` is None when `nats_url` names a server that somebody else runs.
    """

    edge: Address
    grpc: Address
    nats: Address | None
    nats_url: str
    data_dir: Path
    ready_file: Path | None = None
    keys: Path | None = None
    tls: StackTls | None = None

    @property
    def edge_url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://{self.edge}"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"


class LocalStack:
    """The stack while it runs."""

    def __init__(self, plan: StackPlan, say: Callable[[str, str], None]) -> None:
        self.plan = plan
        self._say = say
        self._children: list[Child] = []
        # A user a process, each with what it needs (`bus.permissions`); new ones every time.
        self._passwords = {name: secrets.token_urlsafe(24) for name in ("edge", "orchestrator", "operator")}
        self._is_up = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start in order, each once the one before serves; stop in the opposite order: edge, orchestrator, nats.

        Raises:
            Unavailable: PROCESS_FAILED, a process did not become ready.
        """
        self.plan.run_dir.mkdir(parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as tasks:
            try:
                for spec in self._specs():
                    child = Child(spec, self._say, self._write_ready_file)
                    self._children.append(child)
                    tasks.create_task(child.run())
                    await child.wait_ready(_READY_TIMEOUT_S)
                self._is_up = True
                self._write_ready_file()
                yield
            finally:
                self._is_up = False
                if self.plan.ready_file is not None:
                    self.plan.ready_file.unlink(missing_ok=True)
                for child in reversed(self._children):
                    await child.stop()

    def kill(self) -> None:
        """End everything now."""
        for child in self._children:
            child.kill()

    def _write_ready_file(self) -> None:
        """Say where everything is, once all is up and again after every restart."""
        if self.plan.ready_file is None or not self._is_up:
            return
        pids = {"supervisor": os.getpid(), **{child.spec.name: child.pid for child in self._children}}
        facts = {
            "edge_url": self.plan.edge_url,
            "grpc_address": str(self.plan.grpc),
            "nats_url": self._nats_url("operator"),
            "data_dir": str(self.plan.data_dir.resolve()),
            "pids": pids,
            "restarts": {child.spec.name: child.restarts for child in self._children},
        }
        partial_file = self.plan.ready_file.with_name(self.plan.ready_file.name + ".partial")
        # It names the operator of the bus.
        partial_file.touch(mode=0o600)
        partial_file.chmod(0o600)
        partial_file.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        partial_file.replace(self.plan.ready_file)

    def _specs(self) -> list[ChildSpec]:
        nats = [] if self.plan.nats is None else [self._nats(self.plan.nats)]
        return [*nats, self._orchestrator(), self._edge()]

    def _nats(self, address: Address) -> ChildSpec:
        from bus.embedded import nats_server_command, write_nats_config

        config = self.plan.run_dir / "nats.conf"
        store_dir = self.plan.data_dir / "nats"
        return ChildSpec(
            name="nats",
            command=nats_server_command(config),
            is_ready=partial(_greets, address),
            before_start=lambda: write_nats_config(
                config, store_dir=store_dir, port=address.port, users=self._passwords
            ),
            # They are random, new at every start, and in a file that only we may read.
            hides=lambda line: "[INF]" in line or "Plaintext passwords" in line,
        )

    def _told(self, name: str, suffix: str) -> dict[str, str]:
        """A key's file, for a process that is to have one."""
        keys = self.plan.keys
        return {} if keys is None else {name: str(keys.with_name(keys.name + suffix))}

    def _nats_url(self, user: str) -> str:
        """As a process is told it; a server that somebody else runs is named with its user already."""
        if self.plan.nats is None:
            return self.plan.nats_url
        return f"nats://{user}:{self._passwords[user]}@{self.plan.nats}"

    def _orchestrator(self) -> ChildSpec:
        port_file = self.plan.run_dir / "orchestrator.port"
        return ChildSpec(
            name="orchestrator",
            command=(*_PYTHON, "orchestrator"),
            environment={
                # Many threads work on one session's arrays in turn; with a heap each, memory is never given back.
                "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
                "GENESIS_ORCHESTRATOR_LISTEN": str(self.plan.grpc),
                "GENESIS_ORCHESTRATOR_NATS_URL": self._nats_url("orchestrator"),
                "GENESIS_ORCHESTRATOR_PORT_FILE": str(port_file),
                "GENESIS_ORCHESTRATOR_STEMS_DIR": str(self.plan.data_dir / "stems"),
                **self._told("GENESIS_ORCHESTRATOR_PUBLIC_KEY", ".pub"),
                **({} if self.plan.tls is None else self.plan.tls.of_orchestrator()),
            },
            is_ready=partial(_serves, port_file, self.plan.grpc),
            before_start=lambda: port_file.unlink(missing_ok=True),
            stop_grace_s=15.0,
        )

    def _edge(self) -> ChildSpec:
        tls = self.plan.tls
        return ChildSpec(
            name="edge",
            command=(*_PYTHON, "web_edge"),
            environment={
                "GENESIS_EDGE_LISTEN": str(self.plan.edge),
                "GENESIS_EDGE_ORCHESTRATOR": str(self.plan.grpc),
                "GENESIS_EDGE_NATS_URL": self._nats_url("edge"),
                "GENESIS_EDGE_DATA_DIR": str(self.plan.data_dir),
                "GENESIS_EDGE_DEMO_DIR": str(demo_dir(self.plan.data_dir)),
                **self._told("GENESIS_EDGE_SIGNING_KEY", ""),
                **({} if tls is None else tls.of_edge()),
            },
            is_ready=partial(answers, self.plan.edge, "/ready", *(() if tls is None else (tls.context(), tls.name))),
            stop_grace_s=15.0,
        )


async def _exchange(
    address: Address, question: bytes, tls: ssl.SSLContext | None = None, name: str | None = None
) -> bytes:
    """The first bytes a server answers; b"" when it does not."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls, server_hostname=name)
            try:
                writer.write(question)
                return await reader.read(4096)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""


async def _greets(address: Address) -> bool:
    """Whether a nats-server says hello."""
    return (await _exchange(address, b"")).startswith(b"INFO ")


async def _serves(port_file: Path, address: Address) -> bool:
    """Whether the orchestrator has said that it serves, and its port accepts connections."""
    if not port_file.exists():  # noqa: ASYNC240 - a look at a local folder
        return False
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address.host, address.port)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return True


async def answers(address: Address, path: str, tls: ssl.SSLContext | None = None, name: str | None = None) -> bool:
    """Whether a GET is answered with 200, over `tls` if given, by who is `name`; None for the address' own host."""
    request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    return _HTTP_OK in (await _exchange(address, request.encode(), tls, name)).partition(b"\r\n")[0] + b" "


def first_genesis_error(group: BaseExceptionGroup[BaseException]) -> GenesisError | None:
    """The first error of ours in a task group's bundle."""
    for error in group.exceptions:
        if isinstance(error, GenesisError):
            return error
        if isinstance(error, BaseExceptionGroup) and (inner := first_genesis_error(error)):
            return inner
    return None
