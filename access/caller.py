"""Who calls, and what that caller may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from music.errors import Forbidden, Reason

NOBODY: Final = ""
"""Owner of what was made where there are no accounts."""


class Role(StrEnum):
    """What an account is."""

    USER = "user"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token or key is good for. RELAY is the edge's alone: it has counted what it passes on."""

    READ = "read"
    WRITE = "write"
    ACCOUNT = "account"
    RELAY = "relay"


KEY_SCOPES: Final = frozenset({Scope.READ, Scope.WRITE})
"""What an API key may be given; it never manages the account that made it."""

SIGNED_IN: Final = frozenset({Scope.READ, Scope.WRITE, Scope.ACCOUNT})


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, seen through what it has shown.

    Attributes:
        id: of the account; `NOBODY` for the one user of a server without accounts.
        key_id: of the API key that was shown, "" for a token.
    """

    id: str
    role: Role = Role.USER
    scopes: frozenset[Scope] = SIGNED_IN
    key_id: str = ""

    @property
    def is_local(self) -> bool:
        """Whether this is the one user of a server without accounts, who may see everything on it."""
        return self.id == NOBODY

    def require(self, scope: Scope) -> None:
        """Raises Forbidden: ACCESS_DENIED."""
        if scope not in self.scopes:
            raise Forbidden(
                Reason.ACCESS_DENIED,
                f"What you have shown is not good for {scope.value!r}; use another key or sign in.",
            )

    def require_admin(self) -> None:
        """Raises Forbidden: ACCESS_DENIED."""
        if self.role is not Role.ADMIN:
            raise Forbidden(Reason.ACCESS_DENIED, "Only an administrator may do this.")

    def may_see(self, owner: str) -> bool:
        """Whether what belongs to `owner` is this caller's to see. Administrators manage accounts, not music."""
        return self.is_local or self.id == owner


LOCAL: Final = Caller(NOBODY, Role.ADMIN)
