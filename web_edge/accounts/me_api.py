"""`/api/me`, its preferences and password; `/api/keys`; `/api/tickets`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from access.caller import KEY_SCOPES, Scope
from music.errors import InvalidInput, Reason
from web_edge.accounts.audit import Action
from web_edge.accounts.auth_api import signed_in_response, user_to_json
from web_edge.accounts.identity import TICKET_PREFIX, address_of, caller_of
from web_edge.accounts.keys import ApiKey
from web_edge.accounts.preferences import DEFAULTS, Preferences
from web_edge.accounts.service import Accounts
from web_edge.accounts.tickets import LIFETIME_S, Tickets
from web_edge.conversation import SUBPROTOCOL
from web_edge.json_bodies import read_object

_NO_STORE: Final = {"Cache-Control": "no-store"}
_LONGEST_NAME, _MOST_DAYS = 100, 3_660
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class MeApi:
    """The handlers. `accounts` is None on a server without accounts, which has preferences all the same."""

    accounts: Accounts | None
    preferences: Preferences
    tickets: Tickets

    def routes(self) -> list[Route]:
        everywhere = [
            Route("/api/me", self.show, methods=["GET"]),
            Route("/api/me/preferences", self.show_preferences, methods=["GET"]),
            Route("/api/me/preferences", self.change_preferences, methods=["PATCH"]),
        ]
        if self.accounts is None:
            return everywhere
        return [
            *everywhere,
            Route("/api/me", self.delete, methods=["DELETE"]),
            Route("/api/me/password", self.change_password, methods=["POST"]),
            Route("/api/tickets", self.make_ticket, methods=["POST"]),
            Route("/api/keys", self.list_keys, methods=["GET"]),
            Route("/api/keys", self.make_key, methods=["POST"]),
            Route("/api/keys/{key}", self.revoke_key, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """Who calls; on a server without accounts its one user, who has no address."""
        if self.accounts is None:
            return JSONResponse({"id": "", "email": None, "role": "admin", "created_at": None}, headers=_NO_STORE)
        user = await self.accounts.users.get(caller_of(request).id)
        return JSONResponse(user_to_json(user), headers=_NO_STORE)

    async def delete(self, request: Request) -> Response:
        """The account with everything it owns. Body: `password`. 204."""
        body = await read_object(request, {"password"}, {"password"})
        await self._open.delete(caller_of(request).id, body["password"], address_of(request))
        return Response(status_code=204)

    async def change_password(self, request: Request) -> Response:
        """Body: `password`, `new_password`, and `cookie` true for a browser. Tokens, the only ones that still count."""
        body = await read_object(request, {"password", "new_password", "cookie"}, {"password", "new_password"})
        caller, address = caller_of(request), address_of(request)
        signed_in = await self._open.change_password(caller.id, body["password"], body["new_password"], address)
        return signed_in_response(signed_in, 200, in_cookie=body.get("cookie") is True)

    async def show_preferences(self, request: Request) -> Response:
        return JSONResponse(await self.preferences.get(caller_of(request).id), headers=_NO_STORE)

    async def change_preferences(self, request: Request) -> Response:
        """Body: those that change. All of them."""
        changes = await read_object(request, DEFAULTS)
        return JSONResponse(await self.preferences.change(caller_of(request).id, changes), headers=_NO_STORE)

    async def make_ticket(self, request: Request) -> Response:
        """A ticket to open one WebSocket with, within seconds: offered as a subprotocol beside ours."""
        ticket = await self.tickets.issue(caller_of(request))
        protocols = [SUBPROTOCOL, TICKET_PREFIX + ticket]
        return JSONResponse({"protocols": protocols, "expires_in": LIFETIME_S}, 201, _NO_STORE)

    async def list_keys(self, request: Request) -> Response:
        keys = await self._open.keys.list(caller_of(request).id)
        return JSONResponse({"items": [_key_to_json(key) for key in keys]}, headers=_NO_STORE)

    async def make_key(self, request: Request) -> Response:
        """Body: `name`, `scopes` (of read, write), `expires_in_days`. 201 with the key, which is shown this once."""
        body = await read_object(request, {"name", "scopes", "expires_in_days"}, {"name"})
        caller = caller_of(request)
        name, scopes, expires_at_s = body["name"], _scopes(body), _expiry(body)
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidInput(Reason.REQUEST_INVALID, f"`name` is a line of at most {_LONGEST_NAME} characters.")
        text, key = await self._open.keys.create(caller.id, name, scopes, expires_at_s)
        await self._open.audit.add(Action.KEY_MADE, actor=caller.id, subject=key.record.id, address=address_of(request))
        return JSONResponse({**_key_to_json(key), "key": text}, 201, _NO_STORE)

    async def revoke_key(self, request: Request) -> Response:
        caller, key_id = caller_of(request), request.path_params["key"]
        await self._open.keys.revoke(caller.id, key_id)
        await self._open.audit.add(Action.KEY_REVOKED, actor=caller.id, subject=key_id, address=address_of(request))
        return Response(status_code=204)

    @property
    def _open(self) -> Accounts:
        assert self.accounts is not None  # noqa: S101 - there are no such routes without
        return self.accounts


def _scopes(body: Mapping[str, Any]) -> frozenset[Scope]:
    given = body.get("scopes", sorted(KEY_SCOPES))
    if not isinstance(given, list) or not given or not set(map(str, given)) <= KEY_SCOPES:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`scopes` is a list of: {', '.join(sorted(KEY_SCOPES))}.")
    return frozenset(Scope(scope) for scope in given)


def _expiry(body: Mapping[str, Any]) -> int:
    days = body.get("expires_in_days")
    if days is None:
        return 0
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= _MOST_DAYS:
        raise InvalidInput(Reason.REQUEST_INVALID, f"`expires_in_days` is a number from 1 to {_MOST_DAYS}.")
    return int(time.time()) + days * _DAY_S


def _key_to_json(key: ApiKey) -> dict[str, Any]:
    expires = key.record.expires_at_s
    return {
        "id": key.record.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(key.record.scopes),
        "created_at": datetime.fromtimestamp(key.created_at_ns / 1e9, UTC).isoformat(),
        "expires_at": datetime.fromtimestamp(expires, UTC).isoformat() if expires else None,
    }
