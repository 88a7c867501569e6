"""Every answer says the version; an operation that will go says so."""

from __future__ import annotations

from datetime import date

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.asyncio.client import connect

from tests.web_edge.conftest import Edge
from web_edge.openapi.document import document_of
from web_edge.openapi.operation import Deprecation, Operation
from web_edge.versions import VERSION, note_deprecated

pytestmark = pytest.mark.anyio

OLD = Deprecation(date(2027, 1, 1), date(2027, 7, 1), "https://tabs.example.org/changes")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("GET", "/api/transcribe/none"), ("GET", "/nowhere"), ("PUT", "/health"), ("GET", "/docs")],
)
async def test_every_answer_says_the_version(edge: Edge, method: str, path: str) -> None:
    assert (await edge.http.request(method, path)).headers["genesis-version"] == VERSION
    assert (await edge.http.get("/openapi.json")).json()["info"]["version"] == VERSION


async def test_refusals_and_sockets_say_it_too(edge: Edge) -> None:
    refused = await edge.http.get("/health", headers={"host": "evil.example"})
    assert (refused.status_code, refused.headers["genesis-version"]) == (403, VERSION)
    async with connect(edge.ws + "/ws") as socket:
        assert socket.response is not None
        assert socket.response.headers["genesis-version"] == VERSION


async def test_an_operation_that_will_go_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: Request) -> Response:
        """Old."""
        return Response("", headers={"Link": '</report>; rel="describedby"'})

    operations = {
        ("GET", "/old"): Operation("old", {200: None}, deprecated=OLD),
        ("POST", "/old"): Operation("still", {200: None}),
        ("GET", "/open"): Operation("open", {200: None}, deprecated=Deprecation(OLD.since, None, OLD.link)),
    }
    routes = [Route("/old", answer, methods=["GET"]), Route("/old", answer, methods=["POST"]), Route("/open", answer)]
    app = Starlette(routes=note_deprecated(routes, operations))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        old, head = await http.get("/old"), await http.head("/old")
        for said in (old, head):
            assert said.headers["deprecation"] == "@1798761600"
            assert said.headers["sunset"] == "Thu, 01 Jul 2027 00:00:00 GMT"
            assert f'<{OLD.link}>; rel="deprecation"' in said.headers["link"]
            assert 'rel="describedby"' in said.headers["link"]
        still = await http.post("/old")
        assert not {"deprecation", "sunset"} & set(still.headers)
        undecided = await http.get("/open")
        assert undecided.headers["deprecation"] == "@1798761600"
        assert "sunset" not in undecided.headers
    monkeypatch.setattr("web_edge.openapi.document.OPERATIONS", operations)
    told = document_of(routes, accounts=False)["paths"]["/old"]
    assert told["get"]["deprecated"] is True
    assert {"Deprecation", "Sunset"} <= set(told["get"]["responses"]["200"]["headers"])
    assert "deprecated" not in told["post"]


def test_nothing_goes_before_it_is_deprecated() -> None:
    with pytest.raises(ValueError, match="before"):
        Deprecation(date(2027, 7, 1), date(2027, 1, 1), OLD.link)
