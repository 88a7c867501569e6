"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.demo import demo_wav
from tests.support.stack import running_stack

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_s_examples_run() -> None:
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    demo_wav()
    with running_stack() as stack:
        program = example.group(1).replace("127.0.0.1:50051", stack.grpc_address)
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 100
        with demo_wav().open("rb") as file:
            answer = httpx.post(f"{stack.edge_url}/api/transcribe?tuning=standard&capo=0", files={"file": file})
        assert answer.status_code == 202
        assert httpx.get(stack.edge_url + answer.headers["location"]).json()["title"] == "demo.wav"
