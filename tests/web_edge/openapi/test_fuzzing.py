"""Schemathesis plays with the served document, step after step on what it made: every answer is a promised one."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web_edge.conftest import Edge

pytestmark = pytest.mark.anyio
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("audio/*")
def serialize_audio(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


QUIET = hypothesis.settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.timeout(120)
async def test_no_answer_is_undocumented(edge: Edge) -> None:
    counts: dict[tuple[str, int], int] = {}

    def play() -> None:
        schema = schemathesis.openapi.from_url(f"http://{edge.host}/openapi.json")
        base: Any = schema.as_state_machine()

        class Player(base):  # type: ignore[misc]  # made while the test runs
            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                name = str(case.operation.definition.raw["operationId"])
                counts[name, response.status_code] = counts.get((name, response.status_code), 0) + 1
                case.validate_response(response, checks=CHECKS)

        Player.run(settings=QUIET)

    await anyio.to_thread.run_sync(play)
    reached = {name for name, status in counts if status < 300}
    # Not only refusals: what was made was looked at, changed and deleted.
    assert {"createTranscription", "getTranscription", "deleteTranscription", "listTranscriptions"} <= reached, sorted(
        counts.items()
    )
