"""Whether those who were let in would be let in still: what lasts, such as a socket, is looked at again."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from access.caller import Caller
from web_edge.accounts.tables import api_keys, users
from web_edge.database import Database


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in, and when: seconds of Unix time, rounded down like those of a token."""

    caller: Caller
    since_s: int

    @classmethod
    def now(cls, caller: Caller) -> Admission:
        return cls(caller, int(time.time()))


class Standing:
    """Asks the database, since another edge or the command line may have changed it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lost(self, admitted: Collection[Admission]) -> set[Admission]:
        """Whose account is disabled or gone, whose key is revoked or has run out, or whose sign-in was ended for all
        by a new password.

        A token that has run out by itself ends nothing: its page would have had another in time. Raises Unavailable:
        DATABASE_UNAVAILABLE.
        """
        asked = {admission.caller.id for admission in admitted if not admission.caller.is_local}
        if not asked:
            return set()
        of_users = select(users.c.id, users.c.tokens_from_s).where(users.c.id.in_(asked), users.c.disabled.is_(False))
        of_keys = select(api_keys.c.id, api_keys.c.expires_at_s).where(api_keys.c.user_id.in_(asked))
        async with self._database.read() as connection:
            tokens_from_s = {row.id: row.tokens_from_s for row in await connection.execute(of_users)}
            runs_out_s = {row.id: row.expires_at_s for row in await connection.execute(of_keys)}
        now_s = time.time()

        def counts(admission: Admission) -> bool:
            caller = admission.caller
            if caller.is_local:
                return True
            if caller.id not in tokens_from_s:
                return False
            if caller.key_id:
                until_s = runs_out_s.get(caller.key_id)
                return until_s is not None and (until_s == 0 or now_s < until_s)
            return admission.since_s >= int(tokens_from_s[caller.id])

        return {admission for admission in admitted if not counts(admission)}
