"""Two people on one edge: neither sees anything of the other, whatever route is asked, and however it is asked.

The routes are taken from the running application: one that is added later is walked too, or fails here until somebody
says what a foreign name for it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

import httpx
import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from access.caller import Role
from music.errors import Reason
from tests.web_edge.accounts.conftest import Person, Town
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.accounts.gate import ADMIN_PREFIX, OPEN
from web_edge.accounts.users import Users
from web_edge.database import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("account_settings", ["sqlite", "postgresql"], indirect=True),
]

Names = Mapping[str, str]
TUS = {"Tus-Resumable": "1.0.0"}


def routes(town: Town) -> Iterator[tuple[str, str]]:
    """Method and path of everything behind the gate."""
    for route in town.edge.app.routes:
        if isinstance(route, Route):
            assert route.methods is not None
            if route.path not in OPEN:
                yield from ((method, route.path) for method in sorted(route.methods))
        else:
            assert isinstance(route, Mount | WebSocketRoute), f"a kind of route that nobody guards: {route!r}"


def filled(path: str, names: Names) -> str:
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"say in this test what a foreign name in {path} is"
    return path


async def ask(http: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    body: dict[str, str] | None = {} if method in ("POST", "PUT", "PATCH", "DELETE") else None
    return await http.request(method, path, json=body, headers=TUS if path.startswith("/api/uploads") else {})


def without(answer: httpx.Response, names: Names) -> tuple[int, str, dict[str, str]]:
    """An answer with the names that were asked for taken out."""
    body, headers = answer.text, dict(answer.headers)
    for name, value in names.items():
        body = body.replace(value, name)
    for varying in ("date", "content-length"):
        headers.pop(varying, None)
    return answer.status_code, body, headers


async def belongings(town: Town, who: Person) -> dict[str, str]:
    """A name of each kind that is this person's."""
    transcription = await town.upload(who)
    document = await who.http.post(f"/api/transcribe/{transcription}/arrange", json={"capo": 2})
    assert document.status_code == 201, document.text
    key = await who.http.post("/api/keys", json={"name": "mine"})
    assert key.status_code == 201, key.text
    upload = await who.http.post("/api/uploads", headers={**TUS, "Upload-Length": "10"})
    assert upload.status_code == 201, upload.text
    return {
        "upload": upload.headers["location"].rpartition("/")[2],
        "id": transcription,
        "document": document.json()["document"]["id"],
        "key": key.json()["id"],
        "user": who.id,
        "format": "json",
    }


async def seen(http: httpx.AsyncClient, names: Names) -> list[str]:
    """What the owner sees of it all."""
    one = f"/api/transcribe/{names['id']}"
    paths = [one + "/result", one + "/documents", f"{one}/documents/{names['document']}", "/api/keys", "/api/me"]
    answers = [await http.get(path) for path in paths]
    assert all(answer.status_code == 200 for answer in answers)
    return [answer.text for answer in answers]


async def test_every_route_answers_a_foreign_name_like_a_missing_one(town: Town) -> None:
    async with town.person("alice") as alice, town.person("bob") as bob:
        hers, his = await belongings(town, alice), await belongings(town, bob)
        before = await seen(alice.http, hers)
        missing = {**{name: uuid.uuid4().hex for name in hers}, "format": "json"}
        walked = 0
        for method, path in routes(town):
            named = [name for name in hers if "{" + name + "}" in path and name != "format"]
            for foreign in ((name,) for name in named):
                # One name of hers among his own, then everything hers.
                for taken in (foreign, tuple(named)):
                    theirs = {**his, **{name: hers[name] for name in taken}}
                    nobodys = {**his, **{name: missing[name] for name in taken}}
                    answer = await ask(bob.http, method, filled(path, theirs))
                    other = await ask(bob.http, method, filled(path, nobodys))
                    assert without(answer, theirs) == without(other, nobodys), f"{method} {path}"
                    assert answer.status_code == (403 if path.startswith(ADMIN_PREFIX) else 404), f"{method} {path}"
                    walked += 1
        assert walked >= 20
        assert await seen(alice.http, hers) == before


async def test_no_list_shows_what_is_somebody_elses(town: Town) -> None:
    async with town.person("alice") as alice, town.person("bob") as bob:
        hers = await belongings(town, alice)
        await belongings(town, bob)
        secret = {alice.email, *(value for name, value in hers.items() if name != "format")}
        lists = [path for method, path in routes(town) if method == "GET" and "{" not in path]
        assert len(lists) >= 4
        for path in lists:
            answer = await bob.http.get(path, params={"limit": 200} if path == "/api/transcribe" else {})
            assert not any(value in answer.text for value in secret), path


async def test_every_route_asks_who_calls(town: Town) -> None:
    names = {**dict.fromkeys(("id", "document", "key", "user", "upload"), "0" * 32), "format": "json"}
    for method, path in routes(town):
        answer = await ask(town.edge.http, method, filled(path, names))
        assert answer.status_code == 401, f"{method} {path}"


async def test_keys_do_what_their_scopes_say_and_never_more(town: Town) -> None:
    async with town.person("alice") as alice:
        hers = await belongings(town, alice)
        made = {
            scopes: (await alice.http.post("/api/keys", json={"name": "k", "scopes": list(scopes)})).json()["key"]
            for scopes in (("read",), ("read", "write"))
        }
        async with town.client(made["read",]) as reader, town.client(made["read", "write"]) as writer:
            for method, path in routes(town):
                asked = filled(path, hers)
                is_account = path.startswith(("/api/me", "/api/keys", "/auth/", ADMIN_PREFIX))
                is_write = method not in ("GET", "HEAD", "OPTIONS") and path != "/api/tickets"
                answer = await ask(reader, method, asked)
                assert (answer.status_code == 403) == (is_account or is_write), f"{method} {path}"
                if is_account:
                    assert_problem_or_head(await ask(writer, method, asked), method)
            assert (await reader.get("/api/transcribe")).json()["items"][0]["id"] == hers["id"]
            upload = await writer.post("/api/transcribe", files={"file": ("a.wav", b"RIFF")})
            assert upload.status_code == 202
        listed = (await alice.http.get("/api/keys")).json()["items"]
        assert all(set(key) == {"id", "name", "prefix", "scopes", "created_at", "expires_at"} for key in listed)
        for key in listed:
            assert (await alice.http.delete(f"/api/keys/{key['id']}")).status_code == 204
        for text in made.values():
            async with town.client(text) as http:
                assert_problem(await http.get("/api/transcribe"), 401, Reason.TOKEN_INVALID)


def assert_problem_or_head(answer: httpx.Response, method: str) -> None:
    if method == "HEAD":
        assert answer.status_code == 403
    else:
        assert_problem(answer, 403, Reason.ACCESS_DENIED)


async def test_administrators_manage_accounts_and_see_no_music(town: Town) -> None:
    async with town.person("alice") as alice, town.person("root") as root:
        hers = await belongings(town, alice)
        assert_problem(await root.http.get("/api/admin/users"), 403, Reason.ACCESS_DENIED)
        async with Database.open(town.edge.settings.database) as database:
            await Users(database).set_role(root.id, Role.ADMIN, 0)
        users = (await root.http.get("/api/admin/users")).json()["items"]
        assert {user["email"]: user["role"] for user in users} == {alice.email: "user", root.email: "admin"}
        foreign = await root.http.get(f"/api/transcribe/{hers['id']}")
        assert_problem(foreign, 404, Reason.TRANSCRIPTION_NOT_FOUND)
        own = await root.http.patch(f"/api/admin/users/{root.id}", json={"role": "user"})
        assert_problem(own, 403, Reason.ACCESS_DENIED)
        for body in ({"role": "king"}, {"disabled": "yes"}, {"email": "x"}):
            answer = await root.http.patch(f"/api/admin/users/{alice.id}", json=body)
            assert_problem(answer, 422, Reason.REQUEST_INVALID)
        missing = await root.http.patch("/api/admin/users/nobody", json={"disabled": True})
        assert_problem(missing, 404, Reason.NOT_FOUND)
        answer = await root.http.patch(f"/api/admin/users/{alice.id}", json={"disabled": True})
        assert answer.json()["disabled"] is True
        assert_problem(await alice.http.get("/api/me"), 401, Reason.TOKEN_INVALID)
        again = await town.edge.http.post("/auth/refresh", json={"refresh_token": alice.refresh_token})
        assert_problem(again, 401, Reason.TOKEN_INVALID)
        actions = [entry["action"] for entry in (await root.http.get("/api/admin/audit")).json()["items"]]
        assert actions[0] == "account_disabled"
        assert "registered" in actions


@pytest.mark.parametrize("name", ["%00", "..%2f..%2fetc", "a" * 5_000, "%F0%9F%8E%B8", "*", ">", "'%20OR%201=1--"])
async def test_odd_names_are_not_found(town: Town, name: str) -> None:
    async with town.person("alice") as alice:
        for path in (f"/api/transcribe/{name}", f"/api/transcribe/{name}/result", f"/api/transcribe/{name}/audio"):
            assert (await alice.http.get(path)).status_code == 404
        # A slash that was written %2f is one: then it is no path of ours.
        assert (await alice.http.delete(f"/api/keys/{name}")).status_code in (404, 405)
