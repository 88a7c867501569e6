"""`genesis admin users`: accounts in the server's database, while it runs or not.

A running edge looks at the database whenever somebody calls, and tells the gRPC door within half a minute.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis.admin_settings import DataDir, server_settings
from genesis.exits import UsageError, verb
from genesis.output import print_table
from music.errors import NotFound, Reason

if TYPE_CHECKING:
    from access.caller import Role
    from web_edge.accounts.users import User
    from web_edge.database import Database

app = typer.Typer(help="List, make and change accounts.", no_args_is_help=True, rich_markup_mode=None)

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")]
_NOBODYS_ADDRESS = "command line"


@app.command("list")
@verb
async def list_(data_dir: DataDir = None) -> None:
    """Every account, the oldest first."""
    from rich.table import Table

    from web_edge.accounts.users import Users

    table = Table("id", "e-mail", "role", "state")
    async with _database(data_dir) as database:
        for user in await Users(database).all():
            table.add_row(user.id, user.email, user.role.value, "disabled" if user.disabled else "enabled")
    print_table(table)


@app.command()
@verb
async def create(
    email: _Email,
    role: Annotated[str, typer.Option("--role", metavar="user|admin", help="What it may do.")] = "user",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it, do not ask for it.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make an account."""
    from web_edge.accounts.audit import Action
    from web_edge.accounts.passwords import Passwords
    from web_edge.accounts.users import Users, checked_email

    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    address, password_hash = checked_email(email), await Passwords().hash(password)
    async with _database(data_dir) as database:
        user = await Users(database).create(address, password_hash, _role(role))
        await _note(database, Action.REGISTERED, user)
    typer.echo(user.id)


@app.command()
@verb
async def role(
    email: _Email, new: Annotated[str, typer.Argument(metavar="user|admin")], data_dir: DataDir = None
) -> None:
    """Change what an account may do."""
    from web_edge.accounts.audit import Action
    from web_edge.accounts.users import Users

    async with _database(data_dir) as database:
        user = await _find(database, email)
        await Users(database).set_role(user.id, _role(new), user.tokens_from_s)
        await _note(database, Action.ROLE_CHANGED, user)


@app.command()
@verb
async def disable(email: _Email, data_dir: DataDir = None) -> None:
    """Let nobody in with an account; what it owns stays."""
    await _set_disabled(email, data_dir, disabled=True)


@app.command()
@verb
async def enable(email: _Email, data_dir: DataDir = None) -> None:
    """Let it in again."""
    await _set_disabled(email, data_dir, disabled=False)


@app.command()
@verb
async def adopt(email: _Email, data_dir: DataDir = None) -> None:
    """Give an account what was transcribed here before there were accounts."""
    from sqlalchemy import update

    from web_edge.schema import transcriptions

    async with _database(data_dir) as database:
        user = await _find(database, email)
        theirs = update(transcriptions).where(transcriptions.c.owner == "").values(owner=user.id)
        async with database.write() as connection:
            count = (await connection.execute(theirs)).rowcount
    typer.echo(f"{count} transcriptions")


async def _set_disabled(email: str, data_dir: Path | None, *, disabled: bool) -> None:
    import time

    from web_edge.accounts.audit import Action
    from web_edge.accounts.users import Users

    async with _database(data_dir) as database:
        user = await _find(database, email)
        await Users(database).set_disabled(user.id, disabled=disabled, tokens_from_s=int(time.time()) + 1)
        await _note(database, Action.ACCOUNT_DISABLED if disabled else Action.ACCOUNT_ENABLED, user)


async def _note(database: Database, action: str, user: User) -> None:
    from web_edge.accounts.audit import Action, AuditLog

    await AuditLog(database).add(Action(action), actor="", subject=user.id, address=_NOBODYS_ADDRESS)


async def _find(database: Database, email: str) -> User:
    from web_edge.accounts.users import Users

    user = await Users(database).find_email(email.strip().lower())
    if user is None:
        raise NotFound(Reason.NOT_FOUND, f"There is no account {email!r}; `genesis admin users list` names them.")
    return user


@asynccontextmanager
async def _database(data_dir: Path | None) -> AsyncIterator[Database]:
    """The one that the edge's settings name, or the one in the data folder, with its tables."""
    from web_edge.database import Database

    settings = server_settings(data_dir)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with Database.open(settings.database) as database:
        await database.migrate()
        yield database


def _role(name: str) -> Role:
    from access.caller import Role

    if name not in list(Role):
        raise UsageError(Reason.REQUEST_INVALID, f"There is no role {name!r}; there is: {', '.join(Role)}.")
    return Role(name)
