"""A server and a connection for each test of the bus."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bus.connection import Bus
from tests.support.nats import NatsServer, running_bus


@pytest.fixture
async def nats_and_bus(tmp_path: Path) -> AsyncGenerator[tuple[NatsServer, Bus], None]:
    async with running_bus(tmp_path) as running:
        yield running


@pytest.fixture
def server(nats_and_bus: tuple[NatsServer, Bus]) -> NatsServer:
    return nats_and_bus[0]


@pytest.fixture
def bus(nats_and_bus: tuple[NatsServer, Bus]) -> Bus:
    return nats_and_bus[1]
