"""The database as lines of JSON, a file a table, and back: for SQLite, PostgreSQL, and from one to the other.

The tables are read as the database has them, not as the code does, so that a backup of an older version is one too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from web_edge.database import Database

_LEFT_OUT: Final = frozenset(
    # Sign-ins are not kept: a refresh token that was used since would count again.
    {"alembic_version", "socket_tickets", "token_families", "refresh_tokens", "leases"}
)
_ROWS_AT_ONCE: Final = 500


async def dump_tables(database: Database, folder: Path) -> tuple[str, dict[str, int]]:
    """Write `<table>.jsonl` into `folder` from one state of the database.

    Returns:
        The revision of its tables, and the number of rows by table, parents before children.

    Raises Unavailable: DATABASE_UNAVAILABLE. OSError.
    """
    async with database.read() as connection:
        if connection.dialect.name == "postgresql":
            # It shows each statement a newer state otherwise.
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        return await connection.run_sync(_dump, folder)


async def load_tables(database: Database, lines_of: Mapping[str, Callable[[], Iterable[str]]]) -> None:
    """Insert what `dump_tables` wrote into empty tables of the same revision, all or nothing.

    Raises Unavailable: DATABASE_UNAVAILABLE. ValueError, KeyError: a line is no row.
    """
    async with database.write() as connection:
        await connection.run_sync(_load, lines_of)


async def filled_tables(database: Database) -> list[str]:
    """Names of the tables that hold something. Raises Unavailable: DATABASE_UNAVAILABLE."""
    async with database.read() as connection:
        return await connection.run_sync(_filled)


def _dump(connection: Connection, folder: Path) -> tuple[str, dict[str, int]]:
    counts: dict[str, int] = {}
    for table in _reflected(connection):
        counts[table.name] = 0
        rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
            select(table).order_by(*table.primary_key.columns)
        )
        with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
            for row in rows.mappings():
                file.write(json.dumps(dict(row), separators=(",", ":")) + "\n")
                counts[table.name] += 1
    return MigrationContext.configure(connection).get_current_revision() or "base", counts


def _load(connection: Connection, lines_of: Mapping[str, Callable[[], Iterable[str]]]) -> None:
    for table in _reflected(connection):
        if table.name not in lines_of:
            continue
        rows = map(_row, lines_of[table.name]())
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            connection.execute(insert(table), some)
        _count_on(connection, table)


def _row(line: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return row


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers; SQLite does so by itself."""
    keys = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(keys) != 1:
        return
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, keys[0].name)))
    if sequence is not None:
        highest = connection.scalar(select(func.max(keys[0])))
        connection.execute(select(func.setval(sequence, highest or 1, highest is not None)))


def _filled(connection: Connection) -> list[str]:
    return [
        table.name for table in _reflected(connection) if connection.execute(select(table).limit(1)).first() is not None
    ]


def _reflected(connection: Connection) -> list[Table]:
    """As they are, parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in _LEFT_OUT]
