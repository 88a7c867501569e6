"""The settings of the server that `genesis admin` works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis.paths import default_data_dir

if TYPE_CHECKING:
    from web_edge.settings import Settings

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="GENESIS_EDGE_DATA_DIR, or var/, unless told.")
]


def server_settings(data_dir: Path | None) -> Settings:
    """The edge's own (`GENESIS_EDGE_*`); its data folder as told, as set, or where `genesis serve` keeps it."""
    from web_edge.settings import Settings

    settings = Settings()
    if data_dir is None and "data_dir" not in settings.model_fields_set:
        data_dir = default_data_dir()
    folder = (data_dir or settings.data_dir).resolve()
    return settings.model_copy(update={"data_dir": folder})
