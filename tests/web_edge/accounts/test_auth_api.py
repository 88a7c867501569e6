"""Register, sign in, refresh, sign out, over real sockets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import httpx
import pytest

from access.caller import Role, Scope
from access.tokens import TokenSigner, load_signing_key
from music.errors import Reason
from tests.web_edge.accounts.conftest import PASSWORD, Town
from tests.web_edge.conftest import Edge
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.accounts.auth_api import COOKIE, CSRF_HEADER
from web_edge.accounts.refreshing import RefreshTokens
from web_edge.database import Database

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("account_settings", ["sqlite", "postgresql"], indirect=True)


async def test_without_accounts_nobody_signs_in(edge: Edge) -> None:
    assert (await edge.http.get("/auth/status")).json() == {"accounts": False, "registration": False}
    assert (await edge.http.get("/api/me")).json()["id"] == ""
    assert (await edge.http.get("/api/transcribe")).status_code == 200
    for path in ("/auth/login", "/auth/register", "/auth/refresh"):
        assert (await edge.http.post(path, json={})).status_code in (404, 405)
    assert (await edge.http.get("/api/keys")).status_code == 404


@BOTH
async def test_one_registers_signs_in_and_is_known(town: Town) -> None:
    assert (await town.edge.http.get("/auth/status")).json() == {"accounts": True, "registration": True}
    said = await town.register("Alice")
    assert said["user"]["email"] == "alice@example.com"
    assert said["user"]["role"] == "user"
    login = {"email": "ALICE@example.com", "password": PASSWORD}
    answer = await town.edge.http.post("/auth/login", json=login)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    async with town.client(answer.json()["access_token"]) as http:
        assert (await http.get("/api/me")).json() == said["user"]
        assert (await http.get("/api/transcribe")).json()["items"] == []
    again = await town.edge.http.post("/auth/register", json={"email": "alice@example.com", "password": PASSWORD})
    assert_problem(again, 409, Reason.ACCOUNT_EXISTS)


async def test_strangers_are_told_to_sign_in(town: Town) -> None:
    answer = await town.edge.http.get("/api/transcribe")
    assert_problem(answer, 401, Reason.CREDENTIALS_MISSING)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"email": "no address", "password": PASSWORD}, Reason.REQUEST_INVALID),
        ({"email": "a@example.com\r\nBcc: x@example.com", "password": PASSWORD}, Reason.REQUEST_INVALID),
        ({"email": "a@example.com", "password": "short"}, Reason.REQUEST_INVALID),
        ({"email": "a@example.com", "password": "x" * 10_000}, Reason.REQUEST_INVALID),
        ({"email": "a@example.com"}, Reason.REQUEST_INVALID),
        ({"email": ["a@example.com"], "password": PASSWORD}, Reason.REQUEST_INVALID),
        ({"email": "a@example.com", "password": PASSWORD, "role": "admin"}, Reason.REQUEST_INVALID),
        ([], Reason.REQUEST_INVALID),
    ],
)
async def test_what_is_no_account_is_refused(town: Town, body: object, reason: Reason) -> None:
    assert_problem(await town.edge.http.post("/auth/register", json=body), 422, reason)


async def test_a_wrong_password_and_a_wrong_address_look_the_same(town: Town) -> None:
    await town.register("alice")
    answers = []
    for email in ("alice@example.com", "nobody@example.com"):
        answer = await town.edge.http.post("/auth/login", json={"email": email, "password": "not the password"})
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert_problem(answer, 401, Reason.LOGIN_FAILED)


async def test_guessing_is_slowed_down_and_the_right_one_forgiven(town: Town) -> None:
    await town.register("alice")
    right = {"email": "alice@example.com", "password": PASSWORD}
    wrong = {**right, "password": "not the password"}
    for _ in range(2):
        for _ in range(4):
            assert_problem(await town.edge.http.post("/auth/login", json=wrong), 401, Reason.LOGIN_FAILED)
        assert (await town.edge.http.post("/auth/login", json=right)).status_code == 200
    for _ in range(5):
        await town.edge.http.post("/auth/login", json=wrong)
    answer = await town.edge.http.post("/auth/login", json=right)
    assert_problem(answer, 429, Reason.RATE_LIMITED)
    assert 1 <= int(answer.headers["retry-after"]) <= 300


async def refresh(town: Town, token: str) -> httpx.Response:
    return await town.edge.http.post("/auth/refresh", json={"refresh_token": token})


@BOTH
async def test_a_refresh_token_is_good_once_and_a_copy_ends_the_family(town: Town) -> None:
    first = (await town.register("alice"))["refresh_token"]
    second = (await refresh(town, first)).json()["refresh_token"]
    third = (await refresh(town, second)).json()["refresh_token"]
    assert len({first, second, third}) == 3
    for replayed in (first, second, first):
        assert_problem(await refresh(town, replayed), 401, Reason.TOKEN_INVALID)
    # The honest one too: nobody knows which of the two it is.
    assert_problem(await refresh(town, third), 401, Reason.TOKEN_INVALID)
    assert (await audit_of(town))["token_reused"] == 1
    # Another sign-in of the same account goes on.
    login = {"email": "alice@example.com", "password": PASSWORD}
    other = (await town.edge.http.post("/auth/login", json=login)).json()["refresh_token"]
    assert (await refresh(town, other)).status_code == 200


@BOTH
async def test_of_racing_refreshes_one_wins_and_the_family_ends_once(town: Town) -> None:
    token = (await town.register("alice"))["refresh_token"]
    answers: list[httpx.Response] = []

    async def race() -> None:
        answers.append(await refresh(town, token))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(race)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
    winner = next(answer.json()["refresh_token"] for answer in answers if answer.status_code == 200)
    assert_problem(await refresh(town, winner), 401, Reason.TOKEN_INVALID)
    assert (await audit_of(town))["token_reused"] == 1


async def test_old_refresh_tokens_do_not_count(town: Town) -> None:
    user = (await town.register("alice"))["user"]["id"]
    async with Database.open(town.edge.settings.database) as database:
        expired = await RefreshTokens(database, -1).begin(user)
    for _ in range(2):
        assert_problem(await refresh(town, expired), 401, Reason.TOKEN_INVALID)


@pytest.mark.parametrize(
    "body", [rb'{"refresh_token": "\ud800"}', rb'{"refresh_token": "a\u0000"}', b"[", b"1e309", b"\xff"]
)
async def test_what_is_no_text_is_refused(town: Town, body: bytes) -> None:
    assert_problem(await town.edge.http.post("/auth/refresh", content=body), 422, Reason.REQUEST_INVALID)


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, 7, {"a": 1}])
async def test_no_refresh_token_is_none(town: Town, token: object) -> None:
    answer = await town.edge.http.post("/auth/refresh", json={"refresh_token": token})
    assert answer.status_code == 401


async def test_tokens_are_not_taken_for_each_other(town: Town) -> None:
    said = await town.register("alice")
    assert_problem(await refresh(town, said["access_token"]), 401, Reason.CREDENTIALS_MISSING)
    async with town.client(said["refresh_token"]) as http:
        assert_problem(await http.get("/api/me"), 401, Reason.TOKEN_INVALID)


async def test_whoever_signs_out_is_out(town: Town) -> None:
    token = (await town.register("alice"))["refresh_token"]
    for _ in range(2):
        assert (await town.edge.http.post("/auth/logout", json={"refresh_token": token})).status_code == 204
    assert_problem(await refresh(town, token), 401, Reason.TOKEN_INVALID)


async def test_a_browser_keeps_its_token_in_a_cookie(town: Town) -> None:
    body = {"email": "alice@example.com", "password": PASSWORD, "cookie": True}
    answer = await town.edge.http.post("/auth/register", json=body)
    assert "refresh_token" not in answer.json()
    kept = answer.headers["set-cookie"]
    assert kept.startswith(f"{COOKIE}=")
    for word in ("HttpOnly", "Secure", "Path=/", "SameSite=strict"):
        assert word in kept
    assert "Domain" not in kept
    cookie = {"cookie": kept.partition(";")[0]}
    # Another site's form cannot add the header, and its page shows where it is from.
    assert_problem(await town.edge.http.post("/auth/refresh", headers=cookie), 403, Reason.ORIGIN_NOT_ALLOWED)
    assert_problem(await town.edge.http.post("/auth/logout", headers=cookie), 403, Reason.ORIGIN_NOT_ALLOWED)
    foreign = {**cookie, CSRF_HEADER: "1", "origin": "https://evil.example"}
    assert_problem(await town.edge.http.post("/auth/refresh", headers=foreign), 403, Reason.ORIGIN_NOT_ALLOWED)
    ours = {**cookie, CSRF_HEADER: "1", "origin": f"http://{town.edge.host}"}
    answer = await town.edge.http.post("/auth/refresh", headers=ours)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    # The cookie by itself opens nothing else.
    assert_problem(await town.edge.http.get("/api/me", headers=ours), 401, Reason.CREDENTIALS_MISSING)
    ended = await town.edge.http.post("/auth/refresh", headers=ours)
    assert_problem(ended, 401, Reason.TOKEN_INVALID)
    assert "Max-Age=0" in ended.headers["set-cookie"]


async def test_a_new_password_signs_everybody_out(town: Town) -> None:
    async with town.person("alice") as alice:
        body = {"password": PASSWORD, "new_password": "another long password"}
        wrong = await alice.http.post("/api/me/password", json={**body, "password": "not the password"})
        assert_problem(wrong, 401, Reason.LOGIN_FAILED)
        answer = await alice.http.post("/api/me/password", json=body)
        assert answer.status_code == 200
        assert_problem(await alice.http.get("/api/me"), 401, Reason.TOKEN_INVALID)
        assert_problem(await refresh(town, alice.refresh_token), 401, Reason.TOKEN_INVALID)
        async with town.client(answer.json()["access_token"]) as http:
            assert (await http.get("/api/me")).status_code == 200
        login = {"email": alice.email, "password": PASSWORD}
        assert_problem(await town.edge.http.post("/auth/login", json=login), 401, Reason.LOGIN_FAILED)


@BOTH
async def test_a_deleted_account_leaves_nothing(town: Town) -> None:
    async with town.person("alice") as alice, town.person("bob") as bob:
        mine, his = await town.upload(alice), await town.upload(bob)
        await alice.http.patch("/api/me/preferences", json={"theme": "dark"})
        wrong = await alice.http.request("DELETE", "/api/me", json={"password": "not the password"})
        assert_problem(wrong, 401, Reason.LOGIN_FAILED)
        answer = await alice.http.request("DELETE", "/api/me", json={"password": PASSWORD})
        assert answer.status_code == 204, answer.text
        assert_problem(await alice.http.get("/api/me"), 401, Reason.TOKEN_INVALID)
        assert_problem(await refresh(town, alice.refresh_token), 401, Reason.TOKEN_INVALID)
        kept = {path.name for path in town.edge.settings.audio_dir.iterdir()}
        assert not any(mine in name for name in kept)
        assert any(his in name for name in kept)
        async with Database.open(town.edge.settings.database) as database:
            left = await rows_with(database, alice.id, mine)
        # The audit log says who was there and what was deleted; the bus must not bring a transcription back.
        assert set(left) == {"audit_log", "deletions"}
        assert (await bob.http.get(f"/api/transcribe/{his}")).status_code == 200


async def test_a_token_signed_elsewhere_for_nobody_here_does_not_count(town: Town) -> None:
    signing_key = town.edge.settings.signing_key
    assert signing_key is not None
    signer = TokenSigner(load_signing_key(signing_key), 600)
    for token in (signer.sign("0" * 32, Role.ADMIN), signer.sign("nobody", Role.USER, {Scope.RELAY})):
        async with town.client(token) as http:
            assert_problem(await http.get("/api/me"), 401, Reason.TOKEN_INVALID)


async def rows_with(database: Database, *texts: str) -> list[str]:
    """Names of the tables in which any of the texts stands in a column."""
    from sqlalchemy import String, cast, or_, select

    from web_edge.schema import metadata

    found = []
    async with database.read() as connection:
        for table in metadata.sorted_tables:
            matches = or_(*[cast(column, String).contains(text) for column in table.columns for text in texts])
            if (await connection.execute(select(table).where(matches))).first() is not None:
                found.append(table.name)
    return found


async def audit_of(town: Town) -> Counter[str]:
    """How often each action stands in the audit log."""
    from web_edge.accounts.audit import AuditLog

    async with Database.open(town.edge.settings.database) as database:
        entries: list[Any] = await AuditLog(database).latest(1000)
    return Counter(entry.action for entry in entries)
