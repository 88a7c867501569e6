"""Runs what `docs/examples` shows, as a reader would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
UI = ROOT / "web_edge" / "ui"
KINDS = ("py", "ts", "sh")


def run_example(kind: str, song: Path, target: Path, stack: Stack, **environment: str) -> str:
    """What the example printed; fails with what it complained of."""
    told = {"GENESIS_URL": stack.edge_url, "GENESIS_GRPC": stack.grpc_address, **environment}
    # The environment's programs (buf) are found as in an activated one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [*_command(kind), str(song), str(target)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path, **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _command(kind: str) -> list[str]:
    if kind == "py":
        return [sys.executable, str(EXAMPLES / "transcribe.py")]
    if kind == "sh":
        return ["sh", str(EXAMPLES / "transcribe.sh")]
    folder, node = _compiled()
    return [node, "--experimental-websocket", "--no-warnings", str(Path(folder.name) / "transcribe.js")]


@cache
def _compiled() -> tuple[tempfile.TemporaryDirectory[str], str]:
    """Where the TypeScript is as JavaScript, and a Node; a newer one would take it as it is.

    Its types are checked.
    """
    node = shutil.which("node", path=f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}")
    assert node is not None
    folder = tempfile.TemporaryDirectory(prefix="genesis-example-")
    (Path(folder.name) / "package.json").write_text('{"type": "module"}')
    source = Path(folder.name) / "transcribe.ts"
    shutil.copyfile(EXAMPLES / "transcribe.ts", source)
    options = ["--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"]
    types = ["--types", "node", "--typeRoots", str(UI / "node_modules" / "@types"), "--ignoreConfig"]
    tsc = [node, str(UI / "node_modules" / "typescript" / "bin" / "tsc"), *options, *types, str(source)]
    compiled = subprocess.run(tsc, capture_output=True, text=True, timeout=90, check=False)
    assert compiled.returncode == 0, compiled.stdout
    return folder, node
