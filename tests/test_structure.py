"""What must stay true of the tree itself."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from wire.generate import generate

ROOT = Path(__file__).resolve().parent.parent


def test_the_layers_hold() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


def test_every_package_of_ours_is_in_the_layers_and_in_the_wheel() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert set(config["tool"]["importlinter"]["root_packages"]) == packages
    assert set(config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages


def test_regenerating_the_stubs_leaves_no_difference(tmp_path: Path) -> None:
    committed = ROOT / "wire" / "gen"
    generate(tmp_path / "gen")
    fresh = {
        path.relative_to(tmp_path / "gen"): path.read_text()
        for path in (tmp_path / "gen").rglob("*.*")
        if path.is_file()
    }
    kept = {
        path.relative_to(committed): path.read_text()
        for path in committed.rglob("*.*")
        if "__pycache__" not in path.parts
    }
    assert kept == fresh


@pytest.mark.parametrize("arguments", [["lint"], ["breaking", "--against", "proto/baseline.binpb"]])
def test_the_contract_is_well_formed_and_breaks_nobody(arguments: list[str]) -> None:
    buf = Path(sys.executable).with_name("buf")
    done = subprocess.run([str(buf), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_breaking_the_contract_would_be_noticed(tmp_path: Path) -> None:
    proto = tmp_path / "proto" / "genesis" / "v1"
    proto.mkdir(parents=True)
    for path in (ROOT / "proto" / "genesis" / "v1").glob("*.proto"):
        text = path.read_text()
        (proto / path.name).write_text(text.replace("int32 pitch = 5;", "int64 pitch = 5;"))
    (tmp_path / "buf.yaml").write_text((ROOT / "buf.yaml").read_text())
    buf = Path(sys.executable).with_name("buf")
    command = [str(buf), "breaking", "--against", str(ROOT / "proto" / "baseline.binpb")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pitch" in done.stdout


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_download_address_stands_in_a_lock_file() -> None:
    locks = [path for path in tracked_files() if path.name == "package-lock.json" or path.parent.name == "requirements"]
    assert len(locks) >= 4
    for path in locks:
        assert not re.search(r"https?://(?!\S*funding)\S+\.(tgz|whl|tar\.gz)", path.read_text()), path


def test_no_queue_is_unbounded_and_no_error_is_swallowed() -> None:
    forbidden = re.compile(r"asyncio\.Queue\(\)|except Exception:\s*\n\s*pass|except:\s|time\.sleep\(")
    sources = [path for path in tracked_files() if path.suffix == ".py" and not {"tests", "bench"} & set(path.parts)]
    assert len(sources) > 20
    for path in sources:
        found = forbidden.search(path.read_text())
        assert found is None, f"{path.relative_to(ROOT)}: {found}"
