"""The client against a real edge: give a recording, follow it, fetch and change what it came to."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from genesis.client import GenesisClient, Options, Status
from music.errors import Conflict, InvalidInput, NotFound, Reason, Unavailable
from music.session_state import SessionState
from tests.web_edge.fakes import FakeOrchestrator

pytestmark = pytest.mark.anyio
SOUND = b"RIFF" + bytes(range(256)) * 600


async def test_from_a_recording_to_its_result(genesis: GenesisClient, tmp_path: Path) -> None:
    songs = genesis.transcriptions
    song = tmp_path / "my song.wav"
    song.write_bytes(SOUND)
    job = await songs.upload(song, Options(tuning=[62, 59, 55, 50, 45, 38], capo=2, priority="high"))
    assert (job.title, job.priority) == ("my song.wav", "high")
    state = SessionState()
    async for event in songs.follow(job.id):
        state.apply(event)
    done = await songs.wait(job.id)
    assert (done.status, done.progress, done.error) == (Status.COMPLETED, 1.0, None)
    result = await songs.result(job.id)
    assert [note.id for note in result.notes] == [note.id for note in state.sorted_notes()]
    assert (result.tuning[-1], result.capo, result.raw["schema"]) == (38, 2, "genesis.transcription/1")
    midi = await songs.export(job.id, "mid")
    assert (midi.content[:4], midi.media_type) == (b"MThd", "audio/midi")
    assert (await songs.export(job.id, "gp5")).losses
    assert await songs.audio(job.id) == SOUND
    assert await songs.audio(job.id, 4, 260) == bytes(range(256))
    with pytest.raises(NotFound) as no_stem:
        await songs.stem(job.id)
    assert no_stem.value.reason is Reason.STEM_NOT_FOUND
    await songs.save_audio(job.id, tmp_path / "kept.wav")
    assert (tmp_path / "kept.wav").read_bytes() == SOUND
    with pytest.raises(InvalidInput) as refused:
        await songs.audio(job.id, len(SOUND))
    assert refused.value.reason is Reason.RANGE_NOT_SATISFIABLE
    await songs.delete(job.id)
    with pytest.raises(NotFound) as missing:
        await songs.get(job.id)
    assert missing.value.reason is Reason.TRANSCRIPTION_NOT_FOUND


async def test_documents(genesis: GenesisClient) -> None:
    job = await genesis.transcriptions.upload(SOUND, name="a.wav")
    await genesis.transcriptions.wait(job.id)
    arranged = await genesis.documents.arrange(job.id, Options(difficulty="beginner"))
    assert arranged.document is not None
    first = arranged.document
    locked = await genesis.documents.lock_bars(job.id, tempo_bpm=90.0, bar_one_s=None, document=first.id)
    assert locked.document is not None
    assert (locked.document.id, locked.document.revision) == (first.id, 2)
    assert locked.document.settings["rhythm"]["tempo_bpm"] == 90.0
    assert [one.revision for one in await genesis.documents.list(job.id)] == [2]
    assert (await genesis.documents.get(job.id, first.id, 1)).revision == 1
    again = await genesis.transcriptions.result(job.id, document=first.id, revision=1)
    assert again.document == first
    assert await genesis.documents.offered_tuning(job.id) is None
    sheet = await genesis.documents.notation(job.id, document=first.id, revision=2)
    heads = [head for bar in sheet.bars for voice in bar.voices for symbol in voice for head in symbol.heads]
    assert sorted([head.id for head in heads if head.begins] + [*sheet.left_out]) == sorted(n.id for n in again.notes)
    await genesis.documents.delete(job.id, first.id)
    assert await genesis.documents.list(job.id) == []


async def test_jobs_are_cancelled_retried_and_listed(genesis: GenesisClient, orchestrator: FakeOrchestrator) -> None:
    songs = genesis.transcriptions
    orchestrator.gate = anyio.Event()
    waiting = await songs.upload(SOUND)
    with pytest.raises(Conflict) as early:
        await songs.result(waiting.id)
    assert early.value.reason is Reason.RESULT_NOT_READY
    assert (await songs.cancel(waiting.id)).status is Status.CANCELLED
    assert (await songs.wait(waiting.id)).status is Status.CANCELLED
    orchestrator.gate.set()
    assert (await songs.retry(waiting.id)).id == waiting.id
    assert (await songs.wait(waiting.id)).status is Status.COMPLETED
    others = [await songs.upload(SOUND, idempotency_key=key) for key in ("one", "two", "one")]
    assert others[0].id == others[2].id
    found = [known.id async for known in songs.list(page_size=1)]
    assert found == [others[1].id, others[0].id, waiting.id]
    for job in others:
        await songs.wait(job.id)
    assert [known.id async for known in songs.list(status=[Status.FAILED, Status.PENDING])] == []


async def test_what_a_job_failed_with_is_raised(genesis: GenesisClient, orchestrator: FakeOrchestrator) -> None:
    orchestrator.break_after = (1, InvalidInput(Reason.AUDIO_UNREADABLE, "This is no music."))
    job = await genesis.transcriptions.upload(SOUND)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="no music") as failed:
            await genesis.transcriptions.wait(job.id)
        assert failed.value.reason is Reason.AUDIO_UNREADABLE


async def test_refusals_have_their_reasons(genesis: GenesisClient) -> None:
    with pytest.raises(InvalidInput) as refused:
        await genesis.transcriptions.upload(SOUND, Options(tuning="banjo"))
    assert refused.value.reason is Reason.TUNING_INVALID
    with pytest.raises(InvalidInput) as refused:
        await genesis.transcriptions.of_url("https://video.example.org/1")
    assert refused.value.reason is Reason.URL_REFUSED
    with pytest.raises(NotFound) as missing:
        await genesis.transcriptions.wait("nobody")
    assert missing.value.reason is Reason.TRANSCRIPTION_NOT_FOUND


async def test_waiting_has_an_end(genesis: GenesisClient, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    job = await genesis.transcriptions.upload(SOUND)
    with pytest.raises(TimeoutError):
        await genesis.transcriptions.wait(job.id, timeout_s=0.05)


async def test_preferences_without_accounts(genesis: GenesisClient) -> None:
    assert (await genesis.account.me()).email is None
    assert (await genesis.account.prefer(theme="dark"))["theme"] == "dark"
    assert (await genesis.account.preferences())["theme"] == "dark"


async def test_nobody_answers(unused_port: int) -> None:
    from genesis.client import Patience

    async with GenesisClient(f"http://127.0.0.1:{unused_port}", patience=Patience(attempts=2)) as nobody:
        with pytest.raises(Unavailable, match="No Genesis Music answers"):
            await nobody.transcriptions.get("x")
        with pytest.raises(Unavailable, match="No Genesis Music answers"):
            async for _ in nobody.transcriptions.follow("x"):
                pass


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
