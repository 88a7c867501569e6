"""A whole stack with accounts: real edge, orchestrator and bus, two people, three doors."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest

from access.tokens import write_key_pair
from music.errors import Reason
from music.events import AudioEncoding, AudioFormat, SessionConfig
from tests.e2e.examples import KINDS, run_example
from tests.support.command import genesis
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from tests.support.stack import Stack, running_stack, wait_until
from wire.config_codec import encode_config
from wire.errors import from_rpc
from wire.gen.genesis.v1 import audio_pb2
from wire.gen.genesis.v1 import transcription_service_pb2 as pb
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

pytestmark = pytest.mark.usefixtures("built_model_repo")

PASSWORD = "correct horse battery"  # noqa: S105 - of people made up


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    key = tmp_path_factory.mktemp("keys") / "key.pem"
    write_key_pair(key, key.with_name("key.pem.pub"))
    with running_stack(arguments=("--keys", str(key))) as running:
        yield running


def tone() -> bytes:
    """Two seconds of a plucked A as a WAV file."""
    t = np.arange(2 * 22_050) / 22_050
    pluck = sum(np.sin(2 * np.pi * 220 * part * t) / part**1.5 for part in range(1, 6)) * np.exp(-2 * t)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(22_050)
        writer.writeframes((0.3 * 32_767 * pluck).astype("<i2").tobytes())
    return file.getvalue()


def person(stack: Stack, name: str) -> httpx.Client:
    answer = httpx.post(
        f"{stack.edge_url}/auth/register", json={"email": f"{name}@example.com", "password": PASSWORD}, timeout=30
    )
    assert answer.status_code == 201, answer.text
    shown = {"authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=stack.edge_url, headers=shown, timeout=30)


def failure(call: object) -> Reason:
    with pytest.raises(grpc.RpcError) as caught:
        list(call)  # type: ignore[call-overload]
    return from_rpc(caught.value, Reason.INTERNAL).reason  # type: ignore[arg-type]


def test_two_people_at_three_doors(stack: Stack) -> None:
    with person(stack, "alice") as alice, person(stack, "bob") as bob:
        upload = alice.post("/api/transcribe", files={"file": ("tone.wav", tone())})
        assert upload.status_code == 202, upload.text
        one = upload.headers["location"]

        def is_done() -> bool:
            said = alice.get(one).json()
            assert said["status"] != "failed", said
            return bool(said["status"] == "completed")

        wait_until(is_done, 60, "the upload was not transcribed")
        assert bob.get(one).status_code == 404
        key = alice.post("/api/keys", json={"name": "cli"}).json()["key"]
        theirs = bob.post("/api/keys", json={"name": "cli"}).json()["key"]
        config = SessionConfig(AudioFormat(AudioEncoding.CONTAINER))
        messages = [
            pb.StreamTranscribeRequest(config=encode_config(config)),
            pb.StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=tone())),
        ]
        with grpc.insecure_channel(stack.grpc_address) as channel:
            stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]
            assert failure(stub.StreamTranscribe(iter(messages))) is Reason.CREDENTIALS_MISSING
            shown = (("authorization", f"Bearer {key}"),)
            events = list(stub.StreamTranscribe(iter(messages), metadata=shown))
            session = events[0].event.session_id
            assert events[0].event.started.owner == alice.get("/api/me").json()["id"]
            asked = pb.WatchSessionRequest(session_id=session)
            assert list(stub.WatchSession(asked, metadata=shown))
            other = (("authorization", f"Bearer {theirs}"),)
            assert failure(stub.WatchSession(asked, metadata=other)) is Reason.SESSION_NOT_FOUND
        wait_until(
            lambda: alice.get(f"/api/transcribe/{session}").status_code == 200, 30, "the session was not recorded"
        )
        assert bob.get(f"/api/transcribe/{session}").status_code == 404
        assert session not in bob.get("/api/transcribe").text


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_sign_in(stack: Stack, tmp_path: Path, kind: str) -> None:
    song = tmp_path / "tone.wav"
    song.write_bytes(tone())
    email = f"{kind}@example.com"
    with person(stack, kind) as who:
        run_example(kind, song, tmp_path / "tone.mid", stack, GENESIS_EMAIL=email, GENESIS_PASSWORD=PASSWORD)
        assert [item["title"] for item in who.get("/api/transcribe").json()["items"]] == ["tone.wav"]
    assert (tmp_path / "tone.mid").read_bytes()[:4] == b"MThd"


def test_the_command_streams_with_a_key(stack: Stack, tmp_path: Path) -> None:
    audio = tmp_path / "tone.wav"
    audio.write_bytes(tone())
    command = ("stream", str(audio), "--jsonl", "--server", stack.grpc_address)
    refused = genesis(*command)
    assert refused.status != 0
    assert "CREDENTIALS_MISSING" in refused.stderr
    with person(stack, "dave") as dave:
        key = dave.post("/api/keys", json={"name": "cli", "scopes": ["write"]}).json()["key"]
        done = genesis(*command, environment={"GENESIS_TOKEN": key})
        assert done.status == 0, done.stderr
        assert '"session:started"' in done.stdout or len(done.stdout.splitlines()) > 3


def test_the_command_line_disables_an_account_at_every_door(stack: Stack) -> None:
    with person(stack, "carol") as carol:
        key = carol.post("/api/keys", json={"name": "cli"}).json()["key"]
        done = genesis("admin", "users", "disable", "carol@example.com", "--data-dir", str(stack.data_dir))
        assert done.status == 0, done.stderr
        assert carol.get("/api/me").status_code == 401
        shown = (("authorization", f"Bearer {key}"),)
        with grpc.insecure_channel(stack.grpc_address) as channel:
            stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]

            def is_out() -> bool:
                try:
                    stub.ArrangeNotes(pb.ArrangeNotesRequest(), metadata=shown)
                except grpc.RpcError as error:
                    return bool(from_rpc(error, Reason.INTERNAL).reason is Reason.TOKEN_INVALID)  # type: ignore[arg-type]
                return False

            wait_until(is_out, 60, "the key still counts at the gRPC door")
        assert "carol@example.com" in genesis("admin", "users", "list", "--data-dir", str(stack.data_dir)).stdout


def test_no_secret_is_told(stack: Stack) -> None:
    """Passwords, keys, tokens and addresses of people stand in no line that the stack has logged."""
    said = stack.log()
    password = stack.nats_url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert len(password) > 20
    for secret in (password, PASSWORD, "gm_", "Bearer", "@example.com"):
        assert secret not in said
    assert stack.ready_file.stat().st_mode & 0o077 == 0
