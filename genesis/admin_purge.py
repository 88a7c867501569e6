"""`genesis admin purge`: what a running server does by itself every hour."""

from __future__ import annotations

import typer

from genesis.admin_settings import DataDir, server_settings
from genesis.exits import verb
from music.errors import Conflict, Reason


@verb
async def purge(data_dir: DataDir = None) -> None:
    """Remove what is older than the server is told to keep (GENESIS_EDGE_KEEP_*_DAYS), and what is nobody's.

    The events of what goes are taken off the bus by the server, at the latest when it starts.
    """
    from web_edge.app import open_audio_files, open_parts
    from web_edge.database import Database
    from web_edge.transcriptions import Transcriptions
    from web_edge.upkeep.sweeping import Sweeper

    settings = server_settings(data_dir)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    files = open_audio_files(settings)
    async with Database.open(settings.database) as database:
        await database.migrate()

        async def delete(transcription_id: str) -> None:
            await Transcriptions(database).delete(transcription_id)
            await files.remove(transcription_id)

        swept = await Sweeper(settings, database, files, open_parts(settings), delete).sweep()
    if swept is None:
        raise Conflict(Reason.JOB_STATE_CONFLICT, "Another process does so at the moment.")
    typer.echo(
        f"{swept.transcriptions} transcriptions, {swept.recordings} recordings of others, "
        f"{swept.files} files of nobody and {swept.rows} rows are gone"
    )
