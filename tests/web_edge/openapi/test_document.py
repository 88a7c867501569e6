"""The served document: valid OpenAPI, every route in it, nothing else in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.web_edge.accounts.conftest import Town
from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.accounts.gate import OPEN
from web_edge.frames import FRAME_TYPES
from web_edge.openapi import shapes
from web_edge.openapi.account_operations import ACCOUNTS
from web_edge.openapi.operations import OPERATIONS
from wire.errors import FACES

pytestmark = pytest.mark.anyio
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
async def document(edge: Edge) -> dict[str, Any]:
    return dict((await edge.http.get("/openapi.json")).json())


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    # Without accounts there are the status, the one user and the preferences only.
    named = {named for named in OPERATIONS if named not in ACCOUNTS}
    named |= {("GET", "/auth/status"), ("GET", "/api/me"), *((m, "/api/me/preferences") for m in ("GET", "PATCH"))}
    assert operations_in(document) == {(method, path.replace(":path", "")) for method, path in named}
    assert "securitySchemes" not in document["components"]


async def test_every_operation_on_accounts_is_described(town: Town) -> None:
    document = (await town.edge.http.get("/openapi.json")).json()
    assert operations_in(document) == {(method, path.replace(":path", "")) for method, path in OPERATIONS}
    schemes = document["components"]["securitySchemes"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert {name for asked in operation["security"] for name in asked} <= set(schemes)
            is_open = path in OPEN or path.startswith("/docs/")
            assert bool(operation["security"]) == (not is_open or path in ("/auth/refresh", "/auth/logout")), path
            assert ("401" in operation["responses"]) >= (not is_open), path


def operations_in(document: dict[str, Any]) -> set[tuple[str, str]]:
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    every = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all(operation["summary"] for operation in every)
    assert len({operation["operationId"] for operation in every}) == len(every)
    return {(method, path) for method, path in told if path != "/metrics"}


async def test_examples_are_what_their_schemas_say(town: Town) -> None:
    document = (await town.edge.http.get("/openapi.json")).json()
    examples = 0
    for schema in schemas_with_examples(document):
        for example in schema["examples"]:
            jsonschema_rs.validate({**schema, "$schema": DIALECT, "components": document["components"]}, example)
            examples += 1
    assert examples >= 20


def schemas_with_examples(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("examples"), list):
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from schemas_with_examples(one)


async def test_references_lead_somewhere_and_shapes_are_schemas(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)):
        assert name in schemas
    for schema in schemas.values():
        jsonschema_rs.meta.validate({**schema, "$schema": DIALECT})


async def test_answers_have_their_shapes(document: dict[str, Any], edge: Edge, orchestrator: FakeOrchestrator) -> None:
    def check(name: str, value: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "$schema": DIALECT, "components": document["components"]}
        jsonschema_rs.validate(schema, value)

    job = await edge.upload()
    check("Transcription", await edge.until(job, "completed"))
    one = f"/api/transcribe/{job}"
    check("TranscriptionPage", (await edge.http.get("/api/transcribe")).json())
    check("TranscriptionFile", (await edge.http.get(one + "/result")).json())
    arranged = await edge.http.post(one + "/arrange", json={"capo": 1})
    check("TranscriptionFile", arranged.json())
    check("DocumentList", (await edge.http.get(one + "/documents")).json())
    check("TuningOffer", (await edge.http.get(one + "/tuning")).json())
    check("ExportReport", (await edge.http.get(one + "/export/mid/report")).json())
    check("Problem", (await edge.http.get("/api/transcribe/none")).json())
    check("Ready", (await edge.http.get("/ready")).json())


async def test_the_page_needs_nothing_from_elsewhere(edge: Edge, document: dict[str, Any]) -> None:
    page = await edge.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "style=" not in page.text
    links = re.findall(r'(?:href|src)="([^"]*)"', page.text)
    assert {link for link in links if not link.startswith("#")} == {
        "/docs/style.css",
        "/openapi.json",
        "/asyncapi.json",
    }
    for link in ("/docs/style.css", "/openapi.json", "/asyncapi.json"):
        assert (await edge.http.get(link)).status_code == 200
    for path in (*document["paths"], "/ws", "/ws/live", *FRAME_TYPES.values()):
        assert path in page.text
    assert all(reason.value in page.text for reason in FACES)
    assert (await edge.http.get("/docs/other.js")).status_code == 404


def test_members_that_are_not_known_are_allowed() -> None:
    assert shapes.Alive.model_validate({"status": "alive", "new": 1}).status == "alive"
