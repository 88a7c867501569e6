"""What a process that reads the internet may do: limits of the kernel, and an audit hook that cannot be taken off.

The hook sees every name before it is resolved and every address before it is connected to, whichever way a redirect, a
name server or a library led there: a name off the list, and an address that is not public, are refused at that point.
It also refuses other programs, and files outside of one folder.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_NO_PROGRAMS: Final = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_OTHER_LOOKUPS: Final = frozenset({"socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto", "socket.bind"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotAllowed(PermissionError):
    """The process tried what it may not; an OSError, so that libraries treat it as what cannot be had."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one process.

    Attributes:
        hosts: names that may be resolved, and those below them.
        addresses: `host:port` that may be reached though not public.
        folder: the only place where files may be written.
        memory_bytes, file_bytes, cpu_s: limits of the kernel.
    """

    hosts: Sequence[str]
    addresses: Sequence[str]
    folder: Path
    memory_bytes: int
    file_bytes: int
    cpu_s: int


def confine(bounds: Bounds) -> None:
    """Bind this process for the rest of its life."""
    for kind, limit in (
        (resource.RLIMIT_AS, bounds.memory_bytes),
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_CPU, bounds.cpu_s),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (wanted, wanted))
    sys.addaudithook(_Warden(bounds))


def is_public(address: str) -> bool:
    """Whether an IP address, in any spelling that hides another in it, is one of the public internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return found.is_global and not found.is_multicast


class _Warden:
    """The hook."""

    def __init__(self, bounds: Bounds) -> None:
        self._hosts = tuple(bounds.hosts)
        self._addresses = frozenset(bounds.addresses)
        self._folder = bounds.folder.resolve()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._check_file(arguments[0], arguments[2])
        elif event == "socket.getaddrinfo":
            self._check_name(arguments[0], arguments[1])
        elif event == "socket.connect":
            self._check_address(arguments[1])
        elif event in _NO_PROGRAMS or event in _OTHER_LOOKUPS:
            raise NotAllowed(f"{event} is not allowed here")

    def _check_name(self, host: object, port: object) -> None:
        name = host.decode("latin-1") if isinstance(host, bytes) else str(host)
        name = name.rstrip(".").lower()
        allowed = any(name == known or name.endswith("." + known) for known in self._hosts)
        if not allowed and f"{name}:{port}" not in self._addresses:
            raise NotAllowed(f"{name[:80]!r} is not on the list of hosts")

    def _check_address(self, address: object) -> None:
        # Anything but (address, port, …) is a socket of another kind.
        if isinstance(address, tuple) and len(address) >= 2:
            host, port = str(address[0]), address[1]
            if f"{host}:{port}" in self._addresses or (port in (80, 443) and is_public(host)):
                return
        raise NotAllowed(f"{str(address)[:80]} is not a public address")

    def _check_file(self, path: object, flags: object) -> None:
        if not isinstance(flags, int) or not flags & _WRITES or not isinstance(path, str | bytes | os.PathLike):
            return
        with contextlib.suppress(ValueError):
            if Path(os.fsdecode(path)).resolve().is_relative_to(self._folder):
                return
        raise NotAllowed("files are written in one folder only")
