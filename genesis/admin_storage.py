"""`genesis admin storage`: the keys that stored recordings are sealed with."""

from __future__ import annotations

from typing import Annotated

import typer

from genesis.admin_settings import DataDir, server_settings
from genesis.exits import Exit, verb

app = typer.Typer(help="The recordings that the edge keeps.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep the verb a verb while there is but one."""


@app.command()
@verb
async def rotate(
    forget: Annotated[bool, typer.Option("--forget", help="Drop older keys; no upload may arrive meanwhile.")] = False,
    data_dir: DataDir = None,
) -> int:
    """Seal every stored recording with a new key.

    Takes the edge's own settings (GENESIS_EDGE_*) and may be done while it runs.
    """
    from web_edge.app import open_audio_files, open_parts
    from web_edge.storage.keys import Keyring

    settings = server_settings(data_dir)
    keys = Keyring.open(settings.keys)
    added = keys.add()
    files = open_audio_files(settings)
    typer.echo(f"{await files.reseal()} recordings are sealed with the new key {added.hex()}")
    if forget:
        in_use = await files.key_ids() | await open_parts(settings).key_ids()
        keys.forget(set(keys.ids()) - {added} - in_use)
        typer.echo(f"{len(keys.ids()) - 1} older keys are kept")
    return Exit.DONE
