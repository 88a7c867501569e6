"""`genesis serve`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from genesis.addresses import HIGHEST_PORT, Address, check_loopback, claim, parse_address
from genesis.exits import Exit, verb
from genesis.local_stack import LocalStack, StackPlan, first_genesis_error
from genesis.paths import default_data_dir, default_ui_dir, demo_dir
from genesis.stack_tls import StackTls
from music.errors import Conflict, Reason, Unavailable

_LOOPBACK = "127.0.0.1"


@verb
async def serve(
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Of the page.")] = "127.0.0.1:8000",
    grpc: Annotated[str, typer.Option("--grpc", metavar="HOST:PORT", help="Of the gRPC service.")] = "127.0.0.1:50051",
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", min=0, max=HIGHEST_PORT, help="Of the page; 0 takes free ports for everything."
        ),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", metavar="DIR", help="var/ unless told.")] = None,
    nats_url: Annotated[str, typer.Option("--nats-url", metavar="URL", help="Use this NATS server.")] = "",
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="Have accounts: the key that `genesis admin keys FILE` made."),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option("--tls-certificate", metavar="FILE", help="Of page and gRPC (PEM): with it they speak TLS 1.3."),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="The certificate's key.")] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option("--tls-ca", metavar="FILE", help="Who signed it, if this machine does not trust them."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", metavar="FILE", help="Written as JSON while everything is up.")
    ] = None,
) -> int:
    """Serve the page, the API and gRPC on this machine.

    Restarts what dies; Ctrl-C stops it all.
    """
    folder = (data_dir or default_data_dir()).resolve()
    page, service = parse_address(listen, "--listen"), parse_address(grpc, "--grpc")
    if port is not None:
        page = Address(page.host, port)
        service = Address(service.host, 0) if port == 0 else service
    if keys is None:
        check_loopback(page, "--listen")
        check_loopback(service, "--grpc")
    plan = StackPlan(
        edge=claim(page, "--listen"),
        grpc=claim(service, "--grpc"),
        nats=None if nats_url else (nats := claim(Address(_LOOPBACK, 0), "--nats-url")),
        nats_url=nats_url or f"nats://{nats}",
        data_dir=folder,
        ready_file=ready_file,
        keys=None if keys is None else keys.resolve(),
        tls=StackTls.of(tls_certificate, tls_key, tls_ca),
    )
    with _only_one(folder):
        _build_what_is_missing(folder)
        return await _run(plan, open_page=open_page)


async def _run(plan: StackPlan, *, open_page: bool) -> Exit:
    stop = asyncio.Event()
    interrupted = False
    stack = LocalStack(plan, _say)
    loop = asyncio.get_running_loop()
    this_task = asyncio.current_task()

    def ask_to_stop(number: signal.Signals) -> None:
        nonlocal interrupted
        interrupted = interrupted or number is signal.SIGINT
        if stop.is_set():
            stack.kill()
        elif this_task is not None and not is_up:
            this_task.cancel()
        stop.set()

    is_up = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask_to_stop, number)
    try:
        async with stack.running():
            is_up = True
            _announce(plan, open_page=open_page)
            await stop.wait()
            _say("genesis", "stopping")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    except BaseExceptionGroup as group:
        raise (first_genesis_error(group) or group) from None
    return Exit.INTERRUPTED if interrupted else Exit.DONE


def _announce(plan: StackPlan, *, open_page: bool) -> None:
    from bus.connection import address_of

    typer.echo(
        f"Open {plan.edge_url} in a browser.  gRPC: {plan.grpc}  NATS: {address_of(plan.nats_url)}  Stop with Ctrl-C."
    )
    sys.stdout.flush()
    if open_page:
        import webbrowser

        webbrowser.open(plan.edge_url)


def _say(name: str, line: str) -> None:
    sys.stderr.write(f"{name:>12} | {line}\n")
    sys.stderr.flush()


def _build_what_is_missing(data_dir: Path) -> None:
    """Models must be there; without the demo or the page the rest still serves.

    Each is built by a command of its own: what building loads into memory must not stay in the supervisor.
    """
    from genesis.stock import demo_is_built, models_are_built

    if not models_are_built() and _genesis("models", "build") != Exit.DONE:
        raise Unavailable(Reason.MODEL_MISSING, "The models could not be built; see above, then `genesis doctor`.")
    folder = demo_dir(data_dir)
    if not demo_is_built(folder) and _genesis("demo", "build", "--out", str(folder)) != Exit.DONE:
        _say("genesis", "going on without the demo piece; `genesis demo build` makes it later")
    if not (default_ui_dir() / "index.html").exists():
        _say("genesis", "the page is not built; `make ui` builds it, the API works without")


def _genesis(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "genesis", *arguments], check=False).returncode


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Raises Conflict: ADDRESS_IN_USE when another stack keeps its files here."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                Reason.ADDRESS_IN_USE,
                f"Another `genesis serve` keeps its files in {data_dir}; stop it, or choose a folder with --data-dir.",
            ) from None
        yield
