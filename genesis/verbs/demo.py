"""`genesis demo`: the demo piece."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis.exits import verb
from genesis.paths import default_data_dir, demo_dir

app = typer.Typer(help="The demo piece.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def demo() -> None:
    """The demo piece and its exact truth."""


@app.command()
@verb
async def build(
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to; var/demo unless told.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if it is there already.")] = False,
) -> None:
    """Render the demo piece with the sampled guitar: demo.wav, and its notes in demo.json."""
    from genesis.demo.build import build_demo

    folder = out or demo_dir(default_data_dir())
    made = build_demo(folder, default_data_dir() / "samples", force=force)
    typer.echo(f"demo: {'rendered into' if made else 'ready in'} {folder}", err=True)
