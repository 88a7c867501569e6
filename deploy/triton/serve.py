"""NVIDIA's `tritonserver` on this machine, without a container: the binary of the `nvidia-pytriton` wheel, its Python
backend, and beside it the `onnxruntime` backend of this folder.

`make triton` runs it with the environment made from requirements/triton.txt. It becomes the server (exec), so a signal
to this process is one to the server. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    options = _parser().parse_args()
    site = Path(sysconfig.get_paths()["purelib"])
    bundle = site / "pytriton" / "tritonserver"
    if not (bundle / "bin" / "tritonserver").is_file():
        sys.exit(f"There is no tritonserver in {site}: run `make triton-environment`.")
    stub = (
        bundle / "python_backend_stubs" / f"{sys.version_info[0]}.{sys.version_info[1]}" / "triton_python_backend_stub"
    )
    if not stub.is_file():
        sys.exit(f"nvidia-pytriton has no Python backend for Python {sys.version_info[0]}.{sys.version_info[1]}.")
    backends = _lay_out_backends(options.backends, bundle, stub)
    command = _command(bundle / "bin" / "tritonserver", backends, options)
    os.execve(command[0], command, _environment(site))  # noqa: S606 - a fixed program, no shell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repo")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--grpc-port", type=int, default=8001)
    parser.add_argument("--metrics-port", type=int, default=8002)
    parser.add_argument(
        "--backends", type=Path, default=ROOT / "var" / "triton" / "backends", help="folder to lay the backends out in"
    )
    parser.add_argument("--verbose", type=int, default=0)
    return parser


def _lay_out_backends(folder: Path, bundle: Path, stub: Path) -> Path:
    """A folder as Triton wants it: `python/` with its stub, and our `onnxruntime/`."""
    python = folder / "python"
    python.mkdir(parents=True, exist_ok=True)
    for source in (*(bundle / "backends" / "python").iterdir(), stub):
        _copy(source, python / source.name)
    (folder / "onnxruntime").mkdir(exist_ok=True)
    _copy(HERE / "onnxruntime" / "model.py", folder / "onnxruntime" / "model.py")
    return folder


def _copy(source: Path, target: Path) -> None:
    """Replace by renaming: a server that is running keeps the file it has mapped."""
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy2(source, draft)
    draft.replace(target)


def _command(binary: Path, backends: Path, options: argparse.Namespace) -> list[str]:
    # Through these Triton and the Python processes hand each other tensors: room for the guitar's largest batch and its
    # answer, since growing one takes longer than a run.
    regions = ("shm-default-byte-size=33554432", "shm-growth-byte-size=33554432")
    # A caller would have to know this: clients may not map memory, nor change what is traced or logged.
    closed = f"--grpc-restricted-protocol=shared-memory,trace,logging:closed={secrets.token_hex(16)}"
    return [
        str(binary),
        f"--model-repository={options.model_repository}",
        f"--backend-directory={backends}",
        # Nobody loads or unloads a model over the network, and one that is broken keeps the others from nothing.
        "--model-control-mode=none",
        "--exit-on-error=false",
        "--strict-readiness=true",
        "--disable-auto-complete-config",
        *(f"--backend-config=python,{setting}" for setting in regions),
        f"--grpc-address={options.host}",
        closed,
        "--allow-http=false",
        f"--metrics-address={options.host}",
        f"--grpc-port={options.grpc_port}",
        f"--metrics-port={options.metrics_port}",
        "--allow-gpu-metrics=false",
        "--exit-timeout-secs=5",
        f"--log-verbose={options.verbose}",
    ]


def _environment(site: Path) -> dict[str, str]:
    # The stub embeds an interpreter, libpython, which may lie beside this one; our backend reads PYTHONPATH.
    known = (str(site / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH"))
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, known)), "PYTHONPATH": str(site)}


if __name__ == "__main__":
    main()
