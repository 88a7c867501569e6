"""What the README and the examples show is what happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.e2e.examples import KINDS, run_example
from tests.support.demo import demo_wav
from tests.support.stack import Stack, running_stack
from tests.web_edge.asyncapi.schemas import Spoken

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    demo_wav()
    with running_stack() as running:
        yield running


def test_the_readme_s_examples_run(stack: Stack) -> None:
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    program = example.group(1).replace("127.0.0.1:50051", stack.grpc_address)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 100
    with demo_wav().open("rb") as file:
        answer = httpx.post(f"{stack.edge_url}/api/transcribe?tuning=standard&capo=0", files={"file": file})
    assert answer.status_code == 202
    assert httpx.get(stack.edge_url + answer.headers["location"]).json()["title"] == "demo.wav"


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_run(stack: Stack, tmp_path: Path, kind: str) -> None:
    said = run_example(kind, demo_wav(), tmp_path / "demo.gp5", stack)
    assert (tmp_path / "demo.gp5").read_bytes()[1:19] == b"FICHIER GUITAR PRO"
    if kind == "sh":
        # The session over gRPC, as JSON: it has ended and so is one snapshot.
        assert '"notes"' in said
    else:
        assert int(re.search(r": (\d+) notes", said)[1]) > 50  # type: ignore[index]


def test_every_frame_of_a_real_session_is_what_the_document_says(stack: Stack) -> None:
    spoken = Spoken(httpx.get(f"{stack.edge_url}/asyncapi.json").json())
    with demo_wav().open("rb") as file:
        job = httpx.post(f"{stack.edge_url}/api/transcribe", files={"file": file}).json()["id"]
    types = set[str]()
    with connect(stack.edge_url.replace("http", "ws") + "/ws", max_size=None) as socket:
        socket.send(json.dumps({"type": "subscribe:job", "id": job}))
        while not types & {"job:complete", "snapshot"}:
            types.add(spoken.check_down(str(socket.recv(timeout=60))))
    assert types >= {"note", "bar", "harmony", "job:complete"} or "snapshot" in types, types
