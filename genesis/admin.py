"""`genesis admin`: what whoever runs a server does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis import admin_backup, admin_purge, admin_storage, admin_users
from genesis.exits import verb

app = typer.Typer(help="Accounts, keys and backups of a server.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(admin_users.app, name="users")
app.add_typer(admin_storage.app, name="storage")
app.command()(admin_backup.backup)
app.command()(admin_backup.restore)
app.command()(admin_purge.purge)


@app.command()
@verb
async def keys(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the private key goes; FILE.pub is the public one.")
    ],
) -> None:
    """Make the key that signs tokens: with it a server has accounts."""
    from access.tokens import write_key_pair
    from genesis.exits import UsageError
    from music.errors import Reason

    public = file.with_name(file.name + ".pub")
    try:
        write_key_pair(file, public)
    except OSError as error:
        raise UsageError(
            Reason.REQUEST_INVALID, f"{file} cannot be written: {error.strerror}. A key that is there is kept."
        ) from None
    typer.echo(f"{file}\n{public}")
