"""Schemathesis plays with the served document, step after step on what it made: every answer is a promised one."""

from __future__ import annotations

from contextlib import suppress
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


_ROUNDS = 8
_REACHED = {"createTranscription", "getTranscription", "deleteTranscription", "listTranscriptions"}
QUIET = hypothesis.settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.timeout(120)
async def test_no_answer_is_undocumented(edge: Edge) -> None:
    counts: dict[tuple[str, int], int] = {}
    found: list[BaseException] = []

    def play() -> None:
        schema = schemathesis.openapi.from_url(f"http://{edge.host}/openapi.json")
        base: Any = schema.as_state_machine()

        class Player(base):  # type: ignore[misc]  # made while the test runs
            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                name = str(case.operation.definition.raw["operationId"])
                counts[name, response.status_code] = counts.get((name, response.status_code), 0) + 1
                try:
                    case.validate_response(response, checks=CHECKS)
                except BaseException as error:
                    found.append(error)
                    raise

        # A job moves on by itself, so the same steps may find other answers; hypothesis then ends the round. What a
        # check found is kept all the same.
        with suppress(hypothesis.errors.FlakyStrategyDefinition, hypothesis.errors.FlakyReplay):
            Player.run(settings=QUIET)

    for _ in range(_ROUNDS):
        await anyio.to_thread.run_sync(play)
        assert found == []
        if {name for name, status in counts if status < 300} >= _REACHED:
            return
    pytest.fail(f"not only refusals: what was made must be looked at and deleted; there was {sorted(counts.items())}")
