"""What is asked again, when, and what is not: a server that is scripted to fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from tenacity import AsyncRetrying

from genesis.client import GenesisClient, Options, Patience
from genesis.client.errors import error_of, error_of_problem
from music.errors import Conflict, GenesisError, InvalidInput, NotFound, Overloaded, Reason, Unavailable
from wire.errors import to_problem

pytestmark = pytest.mark.anyio
ONE = {
    "id": "a",
    "status": "pending",
    "progress": 0.0,
    "priority": "normal",
    "title": "t",
    "url": None,
    "video": None,
    "created_at": "2026-11-28T09:30:00+00:00",
    "duration_s": None,
    "error": None,
    "new": "passed over",
}
BUSY = Overloaded(Reason.RATE_LIMITED, "Too often.")
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.")
Step = httpx.Response | Exception


class Scripted:
    """Answers as it is told, one step a request, then with a transcription."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        step = self.steps.pop(0) if self.steps else httpx.Response(200, json=ONE)
        if isinstance(step, Exception):
            raise step
        return step

    def client(self, attempts: int = 4) -> GenesisClient:
        patience = Patience(attempts=attempts, longest_wait_s=9)
        return GenesisClient("http://edge.test", patience=patience, http=httpx.MockTransport(self))


def refused(error: GenesisError, **headers: str) -> httpx.Response:
    problem = to_problem(error)
    return httpx.Response(int(str(problem["status"])), json=problem, headers=headers)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; nobody waits."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("genesis.client.transport.AsyncRetrying", partial(AsyncRetrying, sleep=sleep))
    return waited


async def test_the_server_says_when_to_come_again(pauses: list[float]) -> None:
    script = Scripted(refused(BUSY, **{"Retry-After": "7"}), refused(AWAY, **{"Retry-After": "2"}))
    async with script.client() as genesis:
        assert (await genesis.transcriptions.get("a")).id == "a"
    assert pauses == [7.0, 2.0]


@pytest.mark.parametrize("step", [refused(BUSY, **{"Retry-After": "3600"}), refused(NotFound(Reason.NOT_FOUND, "x"))])
async def test_what_would_take_too_long_or_never_help_is_raised(step: httpx.Response, pauses: list[float]) -> None:
    script = Scripted(step)
    async with script.client() as genesis:
        with pytest.raises((Overloaded, NotFound)):
            await genesis.transcriptions.get("a")
    assert (len(script.requests), pauses) == (1, [])


async def test_patience_ends() -> None:
    script = Scripted(*[httpx.ReadError("cut")] * 9)
    async with script.client(attempts=3) as genesis:
        with pytest.raises(Unavailable, match="cut"):
            await genesis.transcriptions.get("a")
    assert len(script.requests) == 3


async def test_an_upload_is_sent_again_under_the_same_key() -> None:
    script = Scripted(httpx.ReadError("cut"), refused(AWAY), httpx.Response(202, json=ONE))
    async with script.client() as genesis:
        await genesis.transcriptions.upload(b"sound", Options(capo=2))
    keys = {request.headers["Idempotency-Key"] for request in script.requests}
    assert (len(script.requests), len(keys)) == (3, 1)
    assert all(b"sound" in request.content for request in script.requests)


@pytest.mark.parametrize(
    ("step", "times"),
    [
        (httpx.ConnectError("nobody"), 2),
        (refused(BUSY), 2),
        (httpx.ReadError("cut"), 1),
        (refused(AWAY), 1),
    ],
)
async def test_what_is_no_use_twice_is_not_done_twice(step: Step, times: int) -> None:
    script = Scripted(step)
    async with script.client() as genesis:
        try:
            await genesis.transcriptions.cancel("a")
        except Unavailable:
            assert times == 1
    assert len(script.requests) == times


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_comes_back_as_it_left(reason: Reason) -> None:
    from wire.errors import from_reason

    said = from_reason(reason, "A sentence.", limit=3)
    heard = error_of_problem(json.loads(json.dumps(to_problem(said))))
    assert (type(heard), heard.reason, heard.message, heard.about) == (
        type(said),
        reason,
        "A sentence.",
        {"limit": "3"},
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, {"reason": "NEWER_THAN_THIS", "detail": "Said."}, Conflict),
        (422, {"reason": "NEWER_THAN_THIS", "about": 7}, InvalidInput),
        (404, None, NotFound),
        (502, "<html>", Unavailable),
        (500, [], GenesisError),
        (429, {}, Overloaded),
    ],
)
def test_what_is_newer_or_no_problem_at_all_is_told_by_its_status(status: int, body: Any, kind: type) -> None:
    request = httpx.Request("GET", "http://edge.test/x")
    make: Callable[..., httpx.Response] = httpx.Response
    content = {"text": body} if isinstance(body, str) else {"json": body}
    error = error_of(make(status, request=request, **content))
    assert type(error) is kind
    assert error.about["http_status"] == str(status)


async def test_a_server_of_another_language_is_noticed() -> None:
    async with Scripted(httpx.Response(200, json={"id": 7})).client() as genesis:
        with pytest.raises(GenesisError) as broken:
            await genesis.transcriptions.get("a")
        assert broken.value.reason is Reason.INTERNAL
