"""Generates the Python stubs, and a list of the comments, in `wire/gen` from `proto/` (`python -m wire.generate`).

protoc derives Python import paths from the proto paths (`genesis/v1/note.proto` → `genesis.v1`), which is the name of
our front-door package. So the stubs live under `wire.gen.genesis.v1`, and their imports are rewritten to say so.
"""

from __future__ import annotations

import importlib.resources
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parent.parent
PROTO_DIR = ROOT / "proto"
OUT_DIR = ROOT / "wire" / "gen"

# Numbers of these members in FileDescriptorProto, DescriptorProto and EnumDescriptorProto: how a place is told.
_MESSAGES, _ENUMS, _FIELDS, _VALUES = 4, 5, 2, 2
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
    described = out_dir / "described.binpb"
    outputs += [f"--descriptor_set_out={described}", "--include_source_info"]
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
    said = dict(comments_in(descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes())))
    (out_dir / "comments.json").write_text(json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    described.unlink()


def comments_in(files: descriptor_pb2.FileDescriptorSet) -> Iterator[tuple[str, str]]:
    """Full names of messages, fields, enums and their values, with the comment before each, its lines joined.

    Messages within messages are not looked for: the contract has none.
    """
    for file in files.file:
        said = {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}
        kinds = ((_MESSAGES, file.message_type, "field", _FIELDS), (_ENUMS, file.enum_type, "value", _VALUES))
        for number, group, members, inner in kinds:
            for index, kind in enumerate(group):
                name = f"{file.package}.{kind.name}"
                named = [(name, (number, index))]
                named += [
                    (f"{name}.{one.name}", (number, index, inner, i)) for i, one in enumerate(getattr(kind, members))
                ]
                yield from ((name, said[path]) for name, path in named if said.get(path))


if __name__ == "__main__":
    generate()
