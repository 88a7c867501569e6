"""Addresses of the local stack."""

from __future__ import annotations

import socket

import pytest

from genesis.addresses import Address, claim, parse_address
from genesis.exits import UsageError
from music.errors import Reason, Unavailable


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("[::1]:0", Address("::1", 0)),
        ("localhost:1", Address("localhost", 1)),
    ],
)
def test_reads_addresses_and_writes_them_back(text: str, address: Address) -> None:
    assert parse_address(text, "--listen") == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["8000", ":8000", "host:", "host:x", "host:65536", ""])
def test_names_the_option_of_a_bad_address(text: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        parse_address(text, "--listen")


def test_a_taken_port_names_the_option_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(Unavailable, match="--grpc") as caught:
            claim(address, "--grpc")
    assert caught.value.reason is Reason.ADDRESS_IN_USE


def test_port_zero_becomes_a_free_one() -> None:
    assert claim(Address("127.0.0.1", 0), "--listen").port > 0
