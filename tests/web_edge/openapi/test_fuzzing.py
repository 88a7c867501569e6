"""Schemathesis plays with the served document, step after step on what it made: every answer is a promised one."""

from __future__ import annotations

import contextlib
from collections import Counter
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

from access.caller import Role
from tests.web_edge.accounts.conftest import Town
from tests.web_edge.conftest import Edge
from web_edge.accounts.users import Users
from web_edge.database import Database
from web_edge.openapi.account_operations import ACCOUNTS
from web_edge.problems import MEDIA_TYPE

pytestmark = pytest.mark.anyio
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def reason_is_told(_context: Any, response: Any, case: Any) -> bool | None:
    """A problem's reason is one that the operation tells for this status."""
    if response.headers.get("content-type", [""])[0] == MEDIA_TYPE and response.content:
        told = case.operation.definition.raw["responses"][str(response.status_code)]["content"][MEDIA_TYPE]["examples"]
        assert response.json()["reason"] in told, f"{response.status_code} {response.json()}"
    return None


CHECKS.append(reason_is_told)


@schemathesis.serializer("audio/*")
def serialize_audio(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


SETTINGS = hypothesis.settings(
    max_examples=4,
    stateful_step_count=12,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    # Ids are new in every run: what went wrong cannot be tried again, let alone made smaller.
    phases=(hypothesis.Phase.generate,),
)
ENOUGH, MOST_RUNS, EACH = 300, 40, 4
ON_ACCOUNTS = "^/(auth|api/(me|keys|tickets|admin))"


@pytest.mark.timeout(120)
async def test_no_answer_is_undocumented(edge: Edge) -> None:
    counts: Counter[tuple[str, int]] = Counter()
    wrong: list[str] = []

    def play() -> None:
        schema = schemathesis.openapi.from_url(f"http://{edge.host}/openapi.json")
        base: Any = schema.as_state_machine()

        class Player(base):  # type: ignore[misc]  # made while the test runs
            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                counts[str(case.operation.definition.raw["operationId"]), response.status_code] += 1
                try:
                    case.validate_response(response, checks=CHECKS)
                except Exception as error:
                    wrong.append("\n".join([str(error), *map(str, getattr(error, "exceptions", ()))]))

        for run in range(MOST_RUNS):
            if wrong or counts.total() >= ENOUGH:
                return
            # The edge remembers, so a second example may go on otherwise than the first: hypothesis then ends the run.
            with contextlib.suppress(hypothesis.errors.FlakyStrategyDefinition):
                hypothesis.seed(run)(Player).run(settings=SETTINGS)

    await anyio.to_thread.run_sync(play)
    assert wrong == []
    assert counts.total() >= ENOUGH
    reached = {name for name, status in counts if status < 300}
    # Not only refusals: something was made, and what was made was found again by its id; by what, chance decides.
    assert {"createTranscription", "listTranscriptions"} <= reached, sorted(counts.items())
    by_id = {"getTranscription", "deleteTranscription", "cancelTranscription", "getAudio", "retryTranscription"}
    assert by_id & reached, sorted(counts.items())


@pytest.mark.timeout(120)
async def test_no_answer_on_accounts_is_undocumented(town: Town) -> None:
    async with town.person("root") as root:
        async with Database.open(town.edge.settings.database) as database:
            await Users(database).set_role(root.id, Role.ADMIN, 0)
        shown = {"authorization": f"Bearer {root.access_token}"}
        counts: Counter[tuple[str, int]] = Counter()

        def play() -> None:
            schema = schemathesis.openapi.from_url(f"http://{town.edge.host}/openapi.json")
            for found in schema.include(path_regex=ON_ACCOUNTS).get_all_operations():
                operation: Any = found.ok()  # type: ignore[union-attr]  # fails for one that is told wrongly

                @hypothesis.seed(1)
                @hypothesis.settings(SETTINGS, max_examples=EACH)
                @hypothesis.given(case=operation.as_strategy())
                def ask(case: Any) -> None:
                    response = case.call(headers=shown)
                    counts[str(case.operation.definition.raw["operationId"]), response.status_code] += 1
                    case.validate_response(response, checks=CHECKS)

                ask()

        await anyio.to_thread.run_sync(play)
    assert {name for name, _ in counts} == {operation.name for operation in ACCOUNTS.values()}
    reached = {name for name, status in counts if status < 300}
    assert {"getMe", "makeKey", "makeTicket", "listKeys", "getPreferences", "listUsers"} <= reached, counts
