"""The JSON of accounts that leaves by the REST paths. Moments are RFC 3339 in UTC; `expires_in` is in seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from access.caller import Role
from web_edge.accounts.audit import Action
from web_edge.openapi.shapes import Shape

_SCOPES = Literal["read", "write"]


def _such_as(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


_USER = {
    "id": "8c5be64b4f2b4a0f9d6d0c1a2b3c4d5e",
    "email": "you@example.org",
    "role": "user",
    "created_at": "2026-11-28T09:30:00+00:00",
}
_KEY = {
    "id": "k3v9",
    "name": "nightly import",
    "prefix": "gm_k3v9",
    "scopes": ["read", "write"],
    "created_at": "2026-11-28T09:30:00+00:00",
    "expires_at": None,
}


class AccountsStatus(Shape):
    """Whether one signs in here, and whether one may register."""

    model_config = _such_as(accounts=True, registration=True)

    accounts: bool
    registration: bool


class User(Shape):
    """An account."""

    model_config = _such_as(**_USER)

    id: str
    email: str | None = Field(description="null for the one user of a server without accounts")
    role: Role
    created_at: datetime | None = Field(description="null for the one user of a server without accounts")


class SignedIn(Shape):
    """What a client shows, and what it gets the next one with."""

    model_config = _such_as(
        access_token="eyJhbGciOiJFZERTQSJ9.e30.c2ln",  # noqa: S106 - of nobody
        token_type="Bearer",  # noqa: S106 - a kind
        expires_in=600,
        user=_USER,
        refresh_token="Zk3v9b0m8Q4o1yZr",  # noqa: S106 - of nobody
    )

    access_token: str = Field(description="for the header Authorization: Bearer …")
    token_type: Literal["Bearer"]
    expires_in: int = Field(ge=1, description="seconds for which the access token is good")
    user: User
    refresh_token: str | None = Field(
        default=None, description="good once, and absent where it went into a cookie; keep it as you keep a password"
    )


class Ticket(Shape):
    """Opens one WebSocket, once: offer both subprotocols."""

    model_config = _such_as(protocols=["genesis.v1", "ticket.Zk3v9b0m8Q4o1yZr"], expires_in=30)

    protocols: list[str]
    expires_in: int = Field(description="seconds")


class ApiKey(Shape):
    """An API key without its secret."""

    model_config = _such_as(**_KEY)

    id: str
    name: str
    prefix: str = Field(description="how the key begins, to tell it from others")
    scopes: list[_SCOPES]
    created_at: datetime
    expires_at: datetime | None


class ApiKeyList(Shape):
    """Those of the account."""

    items: list[ApiKey]


class NewApiKey(ApiKey):
    """The key itself is told this once."""

    model_config = _such_as(**_KEY, key="gm_k3v9_Zk3v9b0m8Q4o1yZr")

    key: str = Field(description="for the header Authorization: Bearer …, and for gRPC's metadata `authorization`")


class Preferences(Shape):
    """What an account has chosen; the page follows it."""

    model_config = _such_as(
        tuning="standard", notation="tab", difficulty="intermediate", theme="system", email_notices=True
    )

    tuning: str = Field(description="a name, or MIDI pitches with commas between, string 1 first")
    notation: Literal["tab", "tab_and_score", "score"]
    difficulty: Literal["beginner", "intermediate", "advanced"]
    theme: Literal["system", "light", "dark"]
    email_notices: bool


class ManagedUser(User):
    """An account as administrators see it."""

    model_config = _such_as(**_USER, disabled=False)

    disabled: bool


class ManagedUserList(Shape):
    """All accounts of the server."""

    items: list[ManagedUser]


class AuditEntry(Shape):
    """What was done to an account, by whom and from where."""

    model_config = _such_as(
        at="2026-11-28T09:30:00+00:00", actor=_USER["id"], action="signed_in", subject="", address="203.0.113.7"
    )

    at: datetime
    actor: str = Field(description="id of an account, empty for nobody known")
    action: Action
    subject: str = Field(description="id of the account or key it was done to, empty for the actor's own")
    address: str


class AuditLog(Shape):
    """The latest entries, the newest first."""

    items: list[AuditEntry]
