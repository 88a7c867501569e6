"""`python -m web_edge` as the supervisor sees it."""

from __future__ import annotations

import os
import subprocess
import sys

import anyio
import pytest

from tests.web_edge.conftest import WAIT_S, edge_process
from web_edge.settings import Settings


def test_it_refuses_an_address_that_others_reach() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "web_edge"],
        env=os.environ | {"GENESIS_EDGE_LISTEN": "0.0.0.0:0"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "SIGNING_KEY" in done.stderr


@pytest.mark.anyio
async def test_it_says_where_it_listens_and_ends_when_told(edge_settings: Settings) -> None:
    port_file = anyio.Path(edge_settings.data_dir) / "port"
    await port_file.parent.mkdir()
    async with edge_process(edge_settings, edge_settings.data_dir / "port") as (process, client):
        assert (await client.get("/health")).status_code == 200
        process.terminate()
        with anyio.fail_after(WAIT_S):
            assert await process.wait() == 0
