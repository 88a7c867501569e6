"""A real edge, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from genesis.client import GenesisClient, Patience
from tests.web_edge.accounts.conftest import account_settings, keys, town
from tests.web_edge.conftest import (
    Edge,
    bus,
    edge,
    edge_database,
    edge_settings,
    nats_server,
    nothing_broke,
    orchestrator,
    orchestrator_address,
)

__all__ = [
    "account_settings",
    "bus",
    "edge",
    "edge_database",
    "edge_settings",
    "keys",
    "nats_server",
    "nothing_broke",
    "orchestrator",
    "orchestrator_address",
    "town",
]


@pytest.fixture
async def genesis(edge: Edge) -> AsyncGenerator[GenesisClient, None]:
    async with GenesisClient(f"http://{edge.host}", patience=Patience(attempts=3)) as client:
        yield client
