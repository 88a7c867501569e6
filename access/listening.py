"""Addresses to listen on: how they are written, and whether others can reach them."""

from __future__ import annotations

import ipaddress
from typing import Final

from music.errors import InvalidInput, Reason

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of a `host:port`, an IPv6 host in brackets. Raises InvalidInput: CONFIG_INVALID."""
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise InvalidInput(Reason.CONFIG_INVALID, f"{listen!r} is no address; write host:port, such as 127.0.0.1:8000.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without brackets) means this machine and nothing else."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
