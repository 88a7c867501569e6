"""`genesis models`: what is in the model repository, building it, checking it."""

from __future__ import annotations

import typer

from genesis.exits import Exit, verb
from genesis.output import print_table

app = typer.Typer(help="List, build and check the models.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
@verb
async def list_() -> None:
    """Every model, where it comes from, and whether it is built."""
    from rich.table import Table

    from inference.registry import default_model_repo, list_models

    table = Table("model", "role", "state", "sha256", "source", "licence")
    for status in list_models(default_model_repo()):
        state = "ready" if status.problem is None else status.problem.reason.value
        table.add_row(status.name, status.role, state, status.sha256[:12], status.source, status.licence)
    print_table(table)


@app.command()
@verb
async def build() -> None:
    """Build what is missing or not what its configuration means."""
    from inference.registry import build_models, default_model_repo

    build_models(default_model_repo(), lambda line: typer.echo(line, err=True))


@app.command()
@verb
async def verify() -> int:
    """Load and run every model; status 1 when one is not what its configuration says."""
    from inference.registry import default_model_repo, verify_models

    status = Exit.DONE
    for check in verify_models(default_model_repo()):
        if check.problem is None:
            typer.echo(f"{check.name}: ok, loaded in {check.load_ms:.0f} ms, runs in {check.run_ms:.1f} ms")
        else:
            typer.echo(f"{check.problem.reason.value}: {check.problem.message}", err=True)
            status = Exit.FAILED
    return status
