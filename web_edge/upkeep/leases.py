"""What only one process does at a time, however many share the database: a row that says who, and until when."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from web_edge.database import Database
from web_edge.schema import leases


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` names the process. Methods raise Unavailable: DATABASE_UNAVAILABLE."""

    database: Database
    name: str
    holder: str

    async def take(self, for_s: float) -> bool:
        """Have it from now on, or longer; False when somebody else has it."""
        now = time.time_ns()
        async with self.database.write() as connection:
            query = select(leases.c.holder).where(leases.c.name == self.name, leases.c.until_ns > now)
            if (await connection.execute(query)).scalar_one_or_none() not in (None, self.holder):
                return False
            await connection.execute(delete(leases).where(leases.c.name == self.name))
            until = now + int(for_s * 1e9)
            await connection.execute(insert(leases).values(name=self.name, holder=self.holder, until_ns=until))
        return True

    async def give_back(self) -> None:
        its = (leases.c.name == self.name) & (leases.c.holder == self.holder)
        async with self.database.write() as connection:
            await connection.execute(delete(leases).where(its))
