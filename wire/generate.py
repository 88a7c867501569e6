"""Generates the Python stubs in `wire/gen` from `proto/` (`python -m wire.generate`, needs grpcio-tools).

protoc derives Python import paths from the proto paths (`genesis/v1/note.proto` → `genesis.v1`), which is the name of
our front-door package. So the stubs live under `wire.gen.genesis.v1`, and their imports are rewritten to say so.
"""

from __future__ import annotations

import importlib.resources
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO_DIR = ROOT / "proto"
OUT_DIR = ROOT / "wire" / "gen"

_IMPORT = re.compile(r"^from genesis\.v1 import", re.MULTILINE)


def generate(out_dir: Path = OUT_DIR) -> None:
    """Write the stubs of every file in `proto/` to `out_dir`, replacing what is there.

    Raises:
        RuntimeError: protoc refused a file; its own message has gone to stderr.
    """
    from grpc_tools import protoc

    shutil.rmtree(out_dir, ignore_errors=True)
    out_dir.mkdir(parents=True)
    protos = sorted(str(path.relative_to(PROTO_DIR)) for path in PROTO_DIR.rglob("*.proto"))
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    outputs = [f"--{kind}_out={out_dir}" for kind in ("python", "pyi", "grpc_python")]
    code = protoc.main(["protoc", f"-I{PROTO_DIR}", f"-I{well_known}", *outputs, *protos])
    if code != 0:
        raise RuntimeError(f"protoc ended with code {code}")
    for path in [*out_dir.rglob("*.py"), *out_dir.rglob("*.pyi")]:
        path.write_text(_IMPORT.sub("from wire.gen.genesis.v1 import", path.read_text()))
    # Only the service has something to say in its _grpc file; the empty ones would be noise in every diff.
    for path in out_dir.rglob("*_pb2_grpc.py"):
        if "_service_" not in path.name:
            path.unlink()
    for folder in (out_dir, *(path for path in out_dir.rglob("*") if path.is_dir())):
        (folder / "__init__.py").write_text("")


if __name__ == "__main__":
    generate()
