"""`genesis doctor`: whether this installation can do its work, and what to do where it cannot."""

from __future__ import annotations

from typing import Annotated

import typer

from genesis.exits import Exit, verb
from genesis.options import DEFAULT_SERVER, Authority, Tls
from genesis.output import print_table


@verb
async def doctor(
    server: Annotated[
        str, typer.Option("--server", metavar="HOST:PORT", help="A server to ask too.", envvar="GENESIS_SERVER")
    ] = DEFAULT_SERVER,
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Of the page.")] = "127.0.0.1:8000",
    tls: Tls = False,
    ca: Authority = None,
) -> int:
    """Check this installation and say what to do.

    Status 1 when something it needs is broken.
    """
    from rich.table import Table

    from genesis.checkup import Verdict, examine
    from genesis.remote import server_at

    findings = await examine(server_at(server, tls=tls, ca=ca), listen)
    table = Table("", "what", "found", "what to do")
    marks = {Verdict.GOOD: "[green]ok[/]", Verdict.OPTIONAL: "[yellow]-[/]", Verdict.BROKEN: "[red]broken[/]"}
    for finding in findings:
        table.add_row(marks[finding.verdict], finding.what, finding.found, finding.advice)
    print_table(table)
    return Exit.FAILED if any(finding.verdict is Verdict.BROKEN for finding in findings) else Exit.DONE
