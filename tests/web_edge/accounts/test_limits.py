"""So much and no more: requests, transcriptions, and who counts them."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from music.errors import InvalidInput, Overloaded, Reason, Unavailable
from tests.web_edge.accounts.conftest import Town
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.accounts.counters import Counters, Shares
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


async def test_an_address_asks_a_hundred_times_a_minute(
    account_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    settings = account_settings.model_copy(update={"requests_per_minute": 100})
    async with running_edge(settings) as edge:
        await edge.until_ready()
        for _ in range(100):
            assert (await edge.http.get("/auth/status")).status_code == 200
        answer = await edge.http.get("/auth/status")
        assert_problem(answer, 429, Reason.RATE_LIMITED)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["x-content-type-options"] == "nosniff"
        # Who watches over the edge, and the page's files, are not counted.
        assert (await edge.http.get("/health")).status_code == 200
        assert (await edge.http.get("/")).status_code == 503


async def test_addresses_are_told_apart_behind_a_trusted_proxy_only(
    account_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    for trusted, status in (("127.0.0.1", 200), ("", 429)):
        settings = account_settings.model_copy(update={"requests_per_minute": 1, "trusted_proxies": trusted})
        async with running_edge(settings) as edge:
            answers = [
                await edge.http.get("/auth/status", headers={"x-forwarded-for": address})
                for address in ("203.0.113.1", "203.0.113.2")
            ]
            assert [answer.status_code for answer in answers] == [200, status]


async def test_a_user_asks_for_so_many_transcriptions(
    account_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    settings = account_settings.model_copy(update={"transcriptions_per_hour": 2})
    async with running_edge(settings) as edge:
        await edge.until_ready()
        town = Town(edge, orchestrator)
        async with town.person("alice") as alice, town.person("bob") as bob:
            # What is refused costs nothing.
            bad = await alice.http.post("/api/transcribe", files={"file": ("a.wav", b"")})
            assert_problem(bad, 422, Reason.AUDIO_EMPTY)
            await town.upload(alice)
            await town.upload(alice)
            answer = await alice.http.post("/api/transcribe", files={"file": ("a.wav", b"RIFF")})
            assert_problem(answer, 429, Reason.QUOTA_REACHED)
            assert 3_000 <= int(answer.headers["retry-after"]) <= 3_600
            assert (await alice.http.get("/api/transcribe")).status_code == 200
            await town.upload(bob)


async def test_uploads_at_the_same_time_count_each_other() -> None:
    counters = Counters("async+memory://", Shares(0, 2))
    with counters.one_more("alice"), counters.one_more("alice"):
        await counters.check_transcriptions("alice")
        with counters.one_more("alice"), pytest.raises(Overloaded):
            await counters.check_transcriptions("alice")
        await counters.check_transcriptions("bob")


async def test_without_accounts_nobody_is_counted(edge: Edge) -> None:
    for _ in range(150):
        assert (await edge.http.get("/auth/status")).status_code == 200


@pytest.mark.parametrize("address", ["memory://", "nonsense", "async+nonsense://x"])
def test_what_is_no_store_is_named(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Counters(address, Shares(1, 1))
    assert caught.value.reason is Reason.CONFIG_INVALID


async def test_edges_that_share_a_store_count_together(tmp_path: Path, unused_tcp_port: int) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs Redis: apt-get install redis-server (CI does)")
    command = [program, "--port", str(unused_tcp_port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    async with await anyio.open_process(command, stdout=None, stderr=None) as redis:
        await until_connected(unused_tcp_port)
        first, second = (Counters(f"async+redis://127.0.0.1:{unused_tcp_port}", Shares(2, 1)) for _ in range(2))
        await first.request("192.0.2.1")
        await second.request("192.0.2.1")
        for counters in (first, second):
            with pytest.raises(Overloaded) as caught:
                await counters.request("192.0.2.1")
            assert 1 <= int(caught.value.about["retry_after_s"]) <= 60
        await first.note_transcription("alice")
        with second.one_more("alice"), pytest.raises(Overloaded):
            await second.check_transcriptions("alice")
        for counters in (first, second):
            await counters.close()
        redis.terminate()


async def until_connected(port: int) -> None:
    with anyio.fail_after(WAIT_S):
        while True:
            try:
                async with await anyio.connect_tcp("127.0.0.1", port):
                    return
            except OSError:
                await anyio.sleep(0.02)


async def test_a_store_that_is_away_stops_sign_ins_and_nothing_else(unused_tcp_port: int) -> None:
    counters = Counters(f"async+redis://127.0.0.1:{unused_tcp_port}", Shares(1, 1))
    for _ in range(3):
        await counters.request("192.0.2.1")
        await counters.check_transcriptions("alice")
        await counters.note_transcription("alice")
    with pytest.raises(Unavailable) as caught:
        await counters.sign_in("a@example.com", "192.0.2.1")
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
    await counters.close()
