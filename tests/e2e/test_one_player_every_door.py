"""The same wishes at every door put the same notes in the same places; the offline optimum is the same document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import grpc.aio
import httpx
import pytest

from music.document import parse_document
from music.player import Player
from music.tuning import TUNINGS, Instrument
from tests.support.command import Done, genesis
from tests.support.demo import demo_wav
from tests.support.stack import running_stack
from wire.config_codec import encode_instrument, encode_player
from wire.gen.genesis.v1 import transcription_service_pb2 as pb
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub
from wire.note_codec import encode_note

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

ASKED = {
    "difficulty": "beginner",
    "style": "open_position",
    "max_stretch": "3",
    "lowest_fret": "1",
    "highest_fret": "7",
}
OPTIONS = ("--difficulty", "beginner", "--style", "open_position", "--max-stretch", "3", "--neck", "1-7")
PLAYER = Player("beginner", "open_position", 3, 1, 7)


def places(notes: list[dict[str, Any]]) -> list[tuple[float, int, int | None, int | None]]:
    return [(round(note["onset_s"], 3), note["pitch"], note["string"], note["fret"]) for note in notes]


async def command(*arguments: str) -> Done:
    done = await anyio.to_thread.run_sync(lambda: genesis(*arguments))
    assert done.status == 0, done.stderr
    return done


async def uploaded(http: httpx.AsyncClient) -> str:
    with demo_wav().open("rb") as file:
        answer = await http.post("/api/transcribe", files={"file": ("demo.wav", file)}, data=ASKED)
    assert answer.status_code == 202, answer.text
    with anyio.fail_after(60):
        while (await http.get(answer.headers["location"])).json()["status"] != "completed":  # noqa: ASYNC110 - REST tells
            await anyio.sleep(0.1)
    return str(answer.json()["id"])


async def test_rest_grpc_and_command_agree(tmp_path: Path) -> None:
    with running_stack() as stack:
        async with httpx.AsyncClient(base_url=stack.edge_url, timeout=60) as http:
            transcription_id = await uploaded(http)
            live = (await http.get(f"/api/transcribe/{transcription_id}/result")).json()
            answer = await http.post(f"/api/transcribe/{transcription_id}/arrange", json={})
            optimum = answer.json()
        remote = tmp_path / "remote.json"
        await command("transcribe", str(demo_wav()), "--json", str(remote), "--server", stack.grpc_address, *OPTIONS)
        assert places(json.loads(remote.read_text())["notes"]) == places(live["notes"])
        arranged = await arranged_over_grpc(stack.grpc_address, live)
    assert optimum["document"]["settings"]["style"] == "open_position"
    assert arranged == [place[2:] for place in places(optimum["notes"])]
    plain = json.loads((await command("transcribe", str(demo_wav()), "--json", "-")).stdout)["notes"]
    final = json.loads((await command("transcribe", str(demo_wav()), "--json", "-", "--final", *OPTIONS)).stdout)[
        "notes"
    ]
    assert places(final) == places(optimum["notes"])
    assert places(plain) != places(live["notes"]), "the wishes change something"
    assert sum(note["fret"] or 0 for note in final) <= sum(note["fret"] or 0 for note in plain)


async def arranged_over_grpc(address: str, file: dict[str, Any]) -> list[tuple[int | None, int | None]]:
    request = pb.ArrangeNotesRequest(
        instrument=encode_instrument(Instrument(TUNINGS["standard"])),
        player=encode_player(PLAYER),
        notes=[encode_note(note) for note in parse_document(file).notes],
    )
    async with grpc.aio.insecure_channel(address) as channel:
        stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        response = await stub.ArrangeNotes(request)
    return [
        (note.string if note.HasField("string") else None, note.fret if note.HasField("fret") else None)
        for note in response.notes
    ]
