"""What one has chosen stays, and is nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from music.errors import Reason
from tests.web_edge.accounts.conftest import Town
from tests.web_edge.conftest import Edge
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.accounts.preferences import DEFAULTS

pytestmark = pytest.mark.anyio

PATH = "/api/me/preferences"


async def test_they_are_kept_for_each_account(town: Town) -> None:
    async with town.person("alice") as alice, town.person("bob") as bob:
        assert (await alice.http.get(PATH)).json() == dict(DEFAULTS)
        changed = await alice.http.patch(PATH, json={"tuning": "drop_d", "theme": "dark"})
        assert changed.json() == {**DEFAULTS, "tuning": "drop_d", "theme": "dark"}
        assert (await alice.http.patch(PATH, json={"email_notices": False})).json()["theme"] == "dark"
        assert (await bob.http.get(PATH)).json() == dict(DEFAULTS)


async def test_the_one_user_of_a_server_without_accounts_has_some_too(edge: Edge) -> None:
    await edge.http.patch(PATH, json={"notation": "score"})
    assert (await edge.http.get(PATH)).json()["notation"] == "score"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tuning": "no such"}, Reason.TUNING_INVALID),
        ({"tuning": 7}, Reason.TUNING_INVALID),
        ({"theme": "pink"}, Reason.REQUEST_INVALID),
        ({"theme": ["dark"]}, Reason.REQUEST_INVALID),
        ({"email_notices": "yes"}, Reason.REQUEST_INVALID),
        ({"height": 1}, Reason.REQUEST_INVALID),
        ([], Reason.REQUEST_INVALID),
    ],
)
async def test_what_is_no_preference_changes_nothing(edge: Edge, change: Any, reason: Reason) -> None:
    assert_problem(await edge.http.patch(PATH, json=change), 422, reason)
    assert (await edge.http.get(PATH)).json() == dict(DEFAULTS)
