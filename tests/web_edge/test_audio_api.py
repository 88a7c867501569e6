"""The recording, whole and in ranges, over real sockets."""

from __future__ import annotations

import email
import email.policy
import random

import pytest

from music.errors import Reason
from tests.web_edge.conftest import Edge
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.audio_api import media_type_of

pytestmark = pytest.mark.anyio
RECORDING = b"RIFF\x00\x00\x00\x00WAVE" + random.Random(1).randbytes(300_000)


@pytest.fixture
async def address(edge: Edge) -> str:
    return f"/api/transcribe/{await edge.upload(RECORDING)}/audio"


async def test_the_whole_recording_comes_back(edge: Edge, address: str) -> None:
    answer = await edge.http.get(address)
    assert answer.status_code == 200
    assert answer.content == RECORDING
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(RECORDING))
    assert 'filename="song.wav"' in answer.headers["content-disposition"]
    head = await edge.http.head(address)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(RECORDING)))
    seen = await edge.http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (seen.status_code, seen.content) == (304, b"")


@pytest.mark.parametrize(("asked", "start", "stop"), [("0-3", 0, 4), ("100000-", 100_000, None), ("-7", -7, None)])
async def test_a_player_seeks(edge: Edge, address: str, asked: str, start: int, stop: int | None) -> None:
    answer = await edge.http.get(address, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == RECORDING[start:stop]
    first = start % len(RECORDING)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(RECORDING)}"


async def test_several_ranges_come_in_parts(edge: Edge, address: str) -> None:
    answer = await edge.http.get(address, headers={"Range": "bytes=10-19,200000-200009"})
    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    parts = [(part["content-range"], part.get_payload(decode=True)) for part in message.iter_parts()]
    size = len(RECORDING)
    assert parts == [
        (f"bytes 10-19/{size}", RECORDING[10:20]),
        (f"bytes 200000-200009/{size}", RECORDING[200_000:200_010]),
    ]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2000, 2))])
async def test_ranges_outside_and_too_many_are_refused(edge: Edge, address: str, asked: str) -> None:
    answer = await edge.http.get(address, headers={"Range": asked})
    assert_problem(answer, 416, Reason.RANGE_NOT_SATISFIABLE)
    assert answer.headers["content-range"] == f"bytes */{len(RECORDING)}"


async def test_a_part_of_another_file_is_not_continued(edge: Edge, address: str) -> None:
    answer = await edge.http.get(address, headers={"Range": "bytes=0-3", "If-Range": '"another"'})
    assert (answer.status_code, answer.content) == (200, RECORDING)
    tag = answer.headers["etag"]
    assert (await edge.http.get(address, headers={"Range": "bytes=0-3", "If-Range": tag})).status_code == 206


async def test_a_file_that_is_gone_is_a_problem(edge: Edge, address: str) -> None:
    (edge.settings.audio_dir / address.split("/")[3]).unlink()
    assert_problem(await edge.http.get(address), 503, Reason.STORAGE_UNAVAILABLE)
    assert_problem(await edge.http.get("/api/transcribe/unknown/audio"), 404, Reason.TRANSCRIPTION_NOT_FOUND)


@pytest.mark.parametrize(
    ("start", "media_type"),
    [
        (b"fLaC\x00\x00\x00\x22", "audio/flac"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"<html><script>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_what_is_no_audio_is_never_called_a_page(start: bytes, media_type: str) -> None:
    assert media_type_of(start) == media_type
