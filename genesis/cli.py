"""The `genesis` command: puts the verbs together."""

from __future__ import annotations

import typer

from genesis import admin
from genesis.verbs import demo, models
from genesis.verbs.arrange import arrange
from genesis.verbs.bars import bars
from genesis.verbs.doctor import doctor
from genesis.verbs.export import export
from genesis.verbs.serve import serve
from genesis.verbs.stream import stream
from genesis.verbs.transcribe import transcribe
from inference.blas import one_blas_thread

app = typer.Typer(
    help="Point it at a guitar: tablature is written while the music plays.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the framed help takes longer to load than to read
    epilog="Exit status: 0 done, 1 failed, 2 usage, 3 bad input, 4 a neighbour unavailable, 130 interrupted.",
)
for _verb in (serve, transcribe, arrange, bars, export, stream, doctor):
    app.command()(_verb)
app.add_typer(models.app, name="models")
app.add_typer(demo.app, name="demo")
app.add_typer(admin.app, name="admin")


def main() -> None:
    """Run the command line and exit."""
    one_blas_thread()
    app()
