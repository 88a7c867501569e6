"""A server as the options name it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from access.tls import client_context, no_old_tls_in_grpc
from genesis.exits import UsageError
from music.errors import InvalidInput

if TYPE_CHECKING:
    from genesis.client.calls import Server


def server_at(address: str, *, tls: bool, ca: Path | None) -> Server:
    """Raises UsageError: CONFIG_INVALID, `ca` is no authority."""
    no_old_tls_in_grpc()
    # gRPC reads what was just said when it is imported.
    from genesis.client.calls import Server

    if ca is not None:
        try:
            client_context(ca)
        except InvalidInput as error:
            raise UsageError(error.reason, error.message) from None
    return Server(address, tls or ca is not None, ca)
