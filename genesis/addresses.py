"""Addresses of the local stack: read, checked, found free."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from genesis.exits import UsageError
from music.errors import Reason, Unavailable

HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address; port 0 stands for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, option: str) -> Address:
    """`HOST:PORT`, an IPv6 host in brackets. Raises UsageError: REQUEST_INVALID."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise UsageError(Reason.REQUEST_INVALID, f"{option} wants HOST:PORT, such as 127.0.0.1:8000, not {text!r}.")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def check_loopback(address: Address, option: str) -> None:
    """Raises UsageError: others could reach the address, and there are no accounts to keep them out."""
    if address.host != "localhost" and not _is_loopback(address.host):
        raise UsageError(
            Reason.REQUEST_INVALID,
            f"{option} {address} could be reached by others, and there are no accounts to keep them out; "
            "listen on 127.0.0.1, or have accounts with --keys.",
        )


def claim(address: Address, option: str) -> Address:
    """The address, checked to be free now; port 0 becomes a free port.

    Raises:
        UsageError: REQUEST_INVALID, this machine has no such address.
        Unavailable: ADDRESS_IN_USE, naming the option to change.
    """
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the servers do: an address whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            return Address(address.host, int(probe.getsockname()[1]))
    except socket.gaierror:
        raise UsageError(Reason.REQUEST_INVALID, f"{option}: there is no host {address.host!r}.") from None
    except OSError as error:
        raise Unavailable(
            Reason.ADDRESS_IN_USE,
            f"{address} cannot be listened on ({error.strerror}); stop what uses it, choose another with {option}, or "
            "let --port 0 choose free ones.",
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
