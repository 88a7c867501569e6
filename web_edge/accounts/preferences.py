"""What an account has chosen; it follows it from one machine to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, select

from music.errors import InvalidInput, Reason
from music.tuning import Instrument
from web_edge.accounts.tables import preferences
from web_edge.database import Database
from web_edge.options import instrument_of

DEFAULTS: Final[Mapping[str, Any]] = {
    "tuning": "standard",
    "notation": "tab",
    "difficulty": "intermediate",
    "theme": "system",
    "email_notices": True,
}
CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "notation": frozenset({"tab", "tab_and_score", "score"}),
    "difficulty": frozenset({"beginner", "intermediate", "advanced"}),
    "theme": frozenset({"system", "light", "dark"}),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """By owner; "" is the one user of a server without accounts. Raises Unavailable: DATABASE_UNAVAILABLE."""

    database: Database

    async def get(self, owner: str) -> dict[str, Any]:
        query = select(preferences.c.chosen).where(preferences.c.owner == owner)
        async with self.database.read() as connection:
            chosen = (await connection.execute(query)).scalar_one_or_none() or {}
        return {**DEFAULTS, **{name: value for name, value in chosen.items() if name in DEFAULTS}}

    async def change(self, owner: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """All of them after the change. Raises InvalidInput: REQUEST_INVALID, TUNING_INVALID, and changes nothing."""
        for name, value in changes.items():
            _check(name, value)
        chosen = {**await self.get(owner), **changes}
        async with self.database.write() as connection:
            await connection.execute(delete(preferences).where(preferences.c.owner == owner))
            await connection.execute(insert(preferences).values(owner=owner, chosen=chosen))
        return chosen


def _check(name: str, value: object) -> None:
    if name not in DEFAULTS:
        raise InvalidInput(
            Reason.REQUEST_INVALID, f"There is no preference {name[:40]!r}; there is: {', '.join(DEFAULTS)}."
        )
    if name == "tuning":
        if not isinstance(value, str):
            raise InvalidInput(Reason.TUNING_INVALID, "`tuning` is a name, or MIDI pitches with commas between.")
        instrument_of({"tuning": value}, Instrument())
    elif name == "email_notices":
        if not isinstance(value, bool):
            raise InvalidInput(Reason.REQUEST_INVALID, "`email_notices` is true or false.")
    elif value not in CHOICES[name] if isinstance(value, str) else True:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`{name}` is one of: {', '.join(sorted(CHOICES[name]))}.")
