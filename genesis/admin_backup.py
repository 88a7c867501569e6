"""`genesis admin backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis.admin_settings import DataDir, server_settings
from genesis.exits import verb

_File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: a tar file.")]


@verb
async def backup(
    file: _File,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the keys in too: whoever has FILE can then hear the recordings.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Write everything that the server keeps to FILE, while it runs or not."""
    from web_edge.upkeep.backup import back_up

    settings = server_settings(data_dir)
    held = await back_up(settings, file.resolve(), with_keys=with_keys)
    typer.echo(f"{held.transcriptions} transcriptions, {held.recordings} recordings: {file}")
    if held.missing:
        typer.echo(f"{held.missing} recordings were not there any more", err=True)
    if not with_keys and held.recordings:
        typer.echo(f"Keep {settings.keys} elsewhere: without it nobody can hear the recordings.", err=True)


@verb
async def restore(file: _File, data_dir: DataDir = None) -> None:
    """Make a new server what the backup was; its data folder, database and bucket must be empty."""
    from web_edge.upkeep.backup import restore as restore_server

    held = await restore_server(server_settings(data_dir), file.resolve())
    typer.echo(f"{held.transcriptions} transcriptions, {held.recordings} recordings are restored")
