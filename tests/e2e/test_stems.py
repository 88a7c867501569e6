"""What was separated can be had: from the edge, over gRPC, and from the command; real processes, the real separator."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import anyio
import av
import grpc.aio
import httpx
import pytest

from tests.support.demo import demo_wav
from tests.support.stack import running_stack
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

pytestmark = pytest.mark.timeout(180)
LENGTH_S = 30.9


def length_s(flac: bytes) -> float:
    with av.open(io.BytesIO(flac), "r") as file:
        frames = [frame.samples for frame in file.decode(audio=0)]
        assert (file.streams.audio[0].rate, file.streams.audio[0].channels) == (44_100, 2)
    return sum(frames) / 44_100


@pytest.mark.anyio
async def test_the_edge_and_the_orchestrator_give_the_same_stem() -> None:
    upload = {"file": ("demo.wav", demo_wav().read_bytes())}
    with running_stack() as stack:
        async with httpx.AsyncClient(base_url=stack.edge_url, timeout=60) as http:
            made = (await http.post("/api/transcribe", files=upload, data={"separation": "vocals_removed"})).json()
            job = f"/api/transcribe/{made['id']}"
            with anyio.fail_after(120):
                while (await http.get(job)).json()["status"] != "completed":  # noqa: ASYNC110 - behind a socket
                    await anyio.sleep(0.05)
            heard = (await http.get(job)).json()["separation"]
            assert (heard["separation"], heard["start_s"], heard["cause"]) == ("vocals_removed", 0.0, "asked")
            answer = await http.get(job + "/stem")
        assert answer.status_code == 200, answer.text
        assert length_s(answer.content) == pytest.approx(LENGTH_S, abs=0.01)
        async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
            stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]
            call = stub.GetStem(service_pb2.GetStemRequest(session_id=made["id"]))
            assert b"".join([piece.data async for piece in call]) == answer.content


def test_the_command_writes_a_stem(tmp_path: Path) -> None:
    stem = tmp_path / "stem.flac"
    command = [sys.executable, "-m", "genesis", "transcribe", str(demo_wav()), "--json", str(tmp_path / "tab.json")]
    refused = subprocess.run([*command, "--stem", str(stem)], capture_output=True, text=True, check=False)
    assert (refused.returncode, "--separation" in refused.stderr) == (2, True)
    subprocess.run([*command, "--separation", "vocals_removed", "--stem", str(stem)], check=True, capture_output=True)
    assert length_s(stem.read_bytes()) == pytest.approx(LENGTH_S, abs=0.01)
