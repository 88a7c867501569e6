"""`/api/me` and `/api/keys`: the account that calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from genesis.client.transport import Transport, body_of
from genesis.client.values import ApiKey, User, read


@dataclass(frozen=True, slots=True)
class Account:
    """Every method raises GenesisError for what the server refuses. A server without accounts has no keys."""

    transport: Transport

    async def me(self) -> User:
        """Who calls."""
        return read(User, (await self.transport.request("GET", "/api/me")).json())

    async def preferences(self) -> dict[str, Any]:
        """What the account has chosen: tuning, notation, difficulty, theme, email_notices."""
        return dict((await self.transport.request("GET", "/api/me/preferences")).json())

    async def prefer(self, **changes: Any) -> dict[str, Any]:
        """Change some of them; all of them after that. Raises InvalidInput: REQUEST_INVALID, TUNING_INVALID."""
        body = body_of(json=changes)
        answer = await self.transport.request("PATCH", "/api/me/preferences", body=body, repeatable=True)
        return dict(answer.json())

    async def keys(self) -> list[ApiKey]:
        return [read(ApiKey, item) for item in (await self.transport.request("GET", "/api/keys")).json()["items"]]

    async def make_key(
        self, name: str, scopes: Collection[str] = ("read", "write"), expires_in_days: int | None = None
    ) -> ApiKey:
        """A new key; its `key` is told this once."""
        asked = {"name": name, "scopes": sorted(scopes), "expires_in_days": expires_in_days}
        return read(ApiKey, (await self.transport.request("POST", "/api/keys", body=body_of(json=asked))).json())

    async def revoke_key(self, key_id: str) -> None:
        await self.transport.request("DELETE", f"/api/keys/{key_id}")
