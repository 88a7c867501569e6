"""An edge with accounts, on a real socket, bus and database, and people who use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from access.tokens import TokenVerifier, load_public_keys, write_key_pair
from tests.support.postgres import fresh_database
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings

PASSWORD = "correct horse battery"  # noqa: S105 - of people made up


@dataclass
class Person:
    """Somebody who is signed in: `http` shows the token."""

    email: str
    http: httpx.AsyncClient
    id: str
    access_token: str
    refresh_token: str
    transcriptions: list[str] = field(default_factory=list)


@dataclass
class Town:
    """The edge and its people. `edge.http` is a stranger."""

    edge: Edge
    orchestrator: FakeOrchestrator

    async def register(self, name: str) -> dict[str, Any]:
        body = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.edge.http.post("/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    @asynccontextmanager
    async def person(self, name: str) -> AsyncGenerator[Person, None]:
        said = await self.register(name)
        async with self.client(said["access_token"]) as http:
            yield Person(said["user"]["email"], http, said["user"]["id"], said["access_token"], said["refresh_token"])

    def client(self, token: str) -> httpx.AsyncClient:
        shown = {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"http://{self.edge.host}", headers=shown, timeout=WAIT_S)

    async def upload(self, who: Person, **options: str) -> str:
        """Id of a transcription that is done."""
        files = {"file": ("song.wav", b"RIFF....")}
        answer = await who.http.post("/api/transcribe", files=files, data=options)
        assert answer.status_code == 202, answer.text
        done = Edge(self.edge.host, who.http, self.edge.settings)
        await done.until(answer.json()["id"], "completed")
        return str(answer.json()["id"])


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private key's file and its public one."""
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    write_key_pair(private, public)
    return private, public


@pytest.fixture
async def account_settings(
    request: pytest.FixtureRequest, edge_settings: Settings, keys: tuple[Path, Path], orchestrator: FakeOrchestrator
) -> Settings:
    """Limits are as they are, but for the number of requests: tests ask often. Its parameter: which database."""
    orchestrator.verifier = TokenVerifier(load_public_keys(keys[1]))
    changes: dict[str, object] = {"signing_key": keys[0], "requests_per_minute": 0}
    if getattr(request, "param", "sqlite") == "postgresql":
        changes["database_url"] = await fresh_database(request.getfixturevalue("postgres"))
    return edge_settings.model_copy(update=changes)


@pytest.fixture
async def town(account_settings: Settings, orchestrator: FakeOrchestrator) -> AsyncGenerator[Town, None]:
    async with running_edge(account_settings) as edge:
        await edge.until_ready()
        yield Town(edge, orchestrator)
