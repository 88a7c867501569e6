"""The served document: valid OpenAPI, every route in it, nothing else in it."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest

from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.accounts.gate import ACCOUNT_PREFIXES
from web_edge.openapi import shapes
from web_edge.openapi.operations import OPERATIONS
from wire.errors import FACES

pytestmark = pytest.mark.anyio
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
async def document(edge: Edge) -> dict[str, Any]:
    return dict((await edge.http.get("/openapi.json")).json())


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    known = {(method, path.replace(":path", "")) for method, path in OPERATIONS}
    assert known <= told
    for method, path in told - known:
        # Accounts are told with their summaries only.
        assert path.startswith((*ACCOUNT_PREFIXES, "/metrics")), (method, path)
    for methods in document["paths"].values():
        assert all(operation["summary"] for operation in methods.values())
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


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
    assert {link for link in links if not link.startswith("#")} == {"/docs/style.css", "/openapi.json"}
    for link in ("/docs/style.css", "/openapi.json"):
        assert (await edge.http.get(link)).status_code == 200
    for path in document["paths"]:
        assert path in page.text
    assert all(reason.value in page.text for reason in FACES)
    assert (await edge.http.get("/docs/other.js")).status_code == 404


def test_members_that_are_not_known_are_allowed() -> None:
    assert shapes.Alive.model_validate({"status": "alive", "new": 1}).status == "alive"
