"""The client on an edge with accounts: tokens that are renewed, and keys."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import anyio
import httpx
import pytest

from genesis.client import GenesisClient, Options, Patience, SignIn
from music.errors import Forbidden, NotFound, Reason, Unauthenticated
from tests.web_edge.accounts.conftest import PASSWORD, Town

pytestmark = pytest.mark.anyio
SOUND = b"RIFF...."
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "clients.md"
FEW = Patience(attempts=3)


@pytest.fixture
async def url(town: Town) -> str:
    await town.register("alice")
    return f"http://{town.edge.host}"


async def test_one_signs_in_and_a_token_that_does_not_count_is_renewed(url: str) -> None:
    kept: list[str] = []
    sign_in = SignIn("alice@example.com", PASSWORD, keep=kept.append)
    async with GenesisClient(url, sign_in, patience=FEW) as genesis:
        job = await genesis.transcriptions.upload(SOUND)
        await genesis.transcriptions.wait(job.id)
        assert (await genesis.account.me()).email == "alice@example.com"
        assert len(kept) == 1
        # As if it had been taken back: the next request, and the next socket, come with another one.
        sign_in._access = "no.such.token"
        assert [known.id async for known in genesis.transcriptions.list()] == [job.id]
        sign_in._access = "no.such.token"
        assert [event async for event in genesis.transcriptions.follow(job.id)]
        # An upload is sent anew with it.
        sign_in._access = "no.such.token"
        await genesis.transcriptions.upload(SOUND)
        assert len(kept) == 4
    async with GenesisClient(url, SignIn(refresh_token=kept[-1], keep=kept.append), patience=FEW) as later:
        assert (await later.account.me()).email == "alice@example.com"
    # A refresh token is good once: without a password there is nothing else to try.
    async with GenesisClient(url, SignIn(refresh_token=kept[-2]), patience=FEW) as late:
        with pytest.raises(Unauthenticated) as ended:
            await late.account.me()
        assert ended.value.reason is Reason.TOKEN_INVALID


async def test_many_requests_renew_a_token_once(url: str) -> None:
    kept: list[str] = []
    sign_in = SignIn("alice@example.com", PASSWORD, keep=kept.append)
    async with GenesisClient(url, sign_in, patience=FEW) as genesis:
        await genesis.account.me()
        sign_in._access = "no.such.token"
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(genesis.account.me)
    assert len(kept) == 2


async def test_a_line_that_breaks_does_not_lose_the_refresh_token(url: str) -> None:
    kept: list[str] = []
    async with GenesisClient(url, SignIn("alice@example.com", PASSWORD, keep=kept.append)) as genesis:
        await genesis.account.me()
    breaks = [httpx.ConnectError("cut"), httpx.ReadTimeout("cut")]
    line = httpx.AsyncHTTPTransport()

    async def breaking(request: httpx.Request) -> httpx.Response:
        if breaks and request.url.path == "/auth/refresh":
            raise breaks.pop()
        return await line.handle_async_request(request)

    later = SignIn(refresh_token=kept[-1])
    async with line, GenesisClient(url, later, patience=FEW, http=httpx.MockTransport(breaking)) as genesis:
        assert (await genesis.account.me()).email == "alice@example.com"
    assert breaks == []


async def test_a_key_does_what_its_scopes_say(url: str) -> None:
    async with GenesisClient(url, SignIn("alice@example.com", PASSWORD), patience=FEW) as genesis:
        made = await genesis.account.make_key("reader", scopes=["read"])
        assert made.key not in repr(made)
        job = await genesis.transcriptions.upload(SOUND)
        await genesis.transcriptions.wait(job.id)
        async with GenesisClient(url, made.key, patience=FEW) as reader:
            assert (await reader.transcriptions.wait(job.id)).id == job.id
            with pytest.raises(Forbidden):
                await reader.transcriptions.upload(SOUND)
        assert [key.name for key in await genesis.account.keys()] == ["reader"]
        await genesis.account.revoke_key(made.id)
        async with GenesisClient(url, made.key, patience=FEW) as reader:
            with pytest.raises(Unauthenticated) as refused:
                await reader.transcriptions.get(job.id)
            assert refused.value.reason is Reason.TOKEN_INVALID
            with pytest.raises(Unauthenticated):
                async for _ in reader.transcriptions.follow(job.id):
                    pass


async def test_strangers_and_wrong_passwords(url: str) -> None:
    async with GenesisClient(url, patience=FEW) as stranger:
        with pytest.raises(Unauthenticated) as refused:
            await stranger.account.me()
        assert refused.value.reason is Reason.CREDENTIALS_MISSING
    async with GenesisClient(url, SignIn("alice@example.com", "not the password"), patience=FEW) as wrong:
        with pytest.raises(Unauthenticated) as refused:
            await wrong.account.me()
        assert refused.value.reason is Reason.LOGIN_FAILED


async def test_whoever_signs_out_is_out(town: Town, url: str) -> None:
    sign_in = SignIn("alice@example.com", PASSWORD)
    token = await sign_in.token(town.edge.http)
    assert await sign_in.token(town.edge.http) == token
    refresh = sign_in._refresh
    await sign_in.sign_out(town.edge.http)
    with pytest.raises(Unauthenticated):
        await SignIn(refresh_token=refresh).token(town.edge.http)
    async with GenesisClient(url, SignIn("alice@example.com", PASSWORD)) as again:
        with pytest.raises(NotFound):
            await again.transcriptions.get("nobody")


async def test_what_the_guide_shows_is_what_happens(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(shown) == 1
    (tmp_path / "song.wav").write_bytes(SOUND)
    monkeypatch.chdir(tmp_path)
    program = shown[0].replace("https://tabs.example.org", url).replace("you@example.org", "alice@example.com")
    names = {"GenesisClient": GenesisClient, "Options": Options, "Path": Path, "SignIn": SignIn, "password": PASSWORD}
    run = f"async def run():\n{textwrap.indent(program, '    ')}    return result, easier"
    exec(compile(run, "clients.md", "exec"), names)  # noqa: S102 - our own words
    result, easier = await names["run"]()  # type: ignore[operator]
    assert result.tuning[-1] == 38
    assert easier.document.settings["difficulty"] == "beginner"
