"""Who may talk to the edge."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from music.errors import InvalidInput, Reason
from tests.web_edge.conftest import Edge
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.guard import check_host, check_origin
from web_edge.settings import Settings, listen_address

OURS = ["http://127.0.0.1:8000", "http://localhost:5173", "https://localhost", "http://[::1]:8000", "http://LOCALHOST"]
FOREIGN = [
    "null",
    "",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil.example/127.0.0.1",
    "http://localhost@evil.example",
    "http://user@localhost",
    "file://localhost",
    "http://0.0.0.0:8000",
    "http://localhost:port",
    "http://[::1",
    "http://2130706433",
]


@pytest.mark.parametrize("origin", OURS)
def test_our_own_pages_may(origin: str) -> None:
    assert check_origin(Headers({"origin": origin})) is None


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_others_may_not(origin: str) -> None:
    refusal = check_origin(Headers({"origin": origin}))
    assert refusal is not None
    assert refusal.reason is Reason.ORIGIN_NOT_ALLOWED


def test_two_origins_are_one_too_many() -> None:
    twice = Headers(raw=[(b"origin", b"http://localhost"), (b"origin", b"https://evil.example")])
    assert check_origin(twice) is not None


def test_programs_that_are_no_browser_may() -> None:
    assert check_origin(Headers({})) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LocalHost:1"])
def test_loopback_names_are_answered(host: str) -> None:
    assert check_host(Headers({"host": host})) is None


OTHER_HOSTS = ["evil.example", "evil.example:80", "0.0.0.0", "", "localhost/x", "a@localhost", "[::1"]


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_other_names_are_not(host: str) -> None:
    assert check_host(Headers({"host": host})) is not None


@given(host=st.text(max_size=30))
def test_no_host_header_breaks_the_check(host: str) -> None:
    check_host(Headers(raw=[(b"host", host.encode("utf-8", "surrogatepass"))]))


@pytest.mark.parametrize("listen", ["0.0.0.0:8000", "[::]:8000", "192.168.1.5:80", "example.com:80", ":8000"])
def test_the_edge_refuses_addresses_that_others_reach(listen: str) -> None:
    with pytest.raises(InvalidInput, match="SIGNING_KEY"):
        listen_address(Settings(listen=listen))


@pytest.mark.parametrize("listen", ["", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_what_is_no_address_is_named(listen: str) -> None:
    with pytest.raises(InvalidInput, match="no address"):
        listen_address(Settings(listen=listen))


def test_loopback_addresses_are_taken() -> None:
    assert listen_address(Settings(listen="127.0.0.1:0")) == ("127.0.0.1", 0)
    assert listen_address(Settings(listen="[::1]:8000")) == ("::1", 8000)
    assert listen_address(Settings(listen="localhost:8000")) == ("localhost", 8000)


@pytest.mark.anyio
async def test_foreign_pages_are_refused_over_http(edge: Edge) -> None:
    for origin in ("https://evil.example", "null"):
        for method in ("POST", "DELETE", "PUT"):
            answer = await edge.http.request(method, "/api/transcribe", headers={"origin": origin})
            assert_problem(answer, 403, Reason.ORIGIN_NOT_ALLOWED)
    assert_problem(await edge.http.get("/health", headers={"host": "evil.example"}), 403, Reason.ORIGIN_NOT_ALLOWED)
    assert (await edge.http.get("/health", headers={"origin": "https://evil.example"})).status_code == 200
    own = {"origin": f"http://{edge.host}"}
    assert (await edge.http.post("/api/transcribe", files={"file": b"x"}, headers=own)).status_code == 202


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/ws", "/ws/live"])
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
async def test_foreign_pages_are_refused_over_websocket(edge: Edge, path: str, headers: dict[str, str]) -> None:
    async with connect(edge.ws + path, additional_headers=headers) as socket:
        with pytest.raises(ConnectionClosedError) as caught:
            await socket.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "ORIGIN_NOT_ALLOWED")


@pytest.mark.anyio
async def test_every_answer_carries_the_security_headers(edge: Edge) -> None:
    answers: list[httpx.Response] = [await edge.http.get(path) for path in ("/", "/health", "/nowhere")]
    answers.append(await edge.http.get("/health", headers={"host": "evil.example"}))
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "evil" not in policy
    assert f"ws://{edge.host}" in answers[0].headers["content-security-policy"]
