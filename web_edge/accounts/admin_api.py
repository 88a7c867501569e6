"""`/api/admin/*`: what administrators see and change. Whose music it is, they do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from access.caller import Role
from music.errors import Forbidden, InvalidInput, Reason
from web_edge.accounts.auth_api import user_to_json
from web_edge.accounts.identity import address_of, caller_of
from web_edge.accounts.service import Accounts
from web_edge.accounts.users import User
from web_edge.json_bodies import read_object

_NO_STORE: Final = {"Cache-Control": "no-store"}
_ENTRIES: Final = 500


@dataclass(frozen=True, slots=True)
class AdminApi:
    """The handlers; the gate lets administrators in and nobody else."""

    accounts: Accounts

    def routes(self) -> list[Route]:
        return [
            Route("/api/admin/users", self.list_users, methods=["GET"]),
            Route("/api/admin/users/{user}", self.change_user, methods=["PATCH"]),
            Route("/api/admin/audit", self.audit, methods=["GET"]),
        ]

    async def list_users(self, _request: Request) -> Response:
        users = await self.accounts.users.all()
        return JSONResponse({"items": [_to_json(user) for user in users]}, headers=_NO_STORE)

    async def change_user(self, request: Request) -> Response:
        """Body: `role`, `disabled`. An administrator cannot take away the own rights: one must be left."""
        body = await read_object(request, {"role", "disabled"})
        user_id, actor = request.path_params["user"], caller_of(request).id
        role, disabled = body.get("role"), body.get("disabled")
        if role is not None and role not in list(Role):
            raise InvalidInput(Reason.REQUEST_INVALID, f"`role` is one of: {', '.join(Role)}.")
        if not isinstance(disabled, bool | None):
            raise InvalidInput(Reason.REQUEST_INVALID, "`disabled` is true or false.")
        await self.accounts.users.get(user_id)
        if user_id == actor:
            raise Forbidden(Reason.ACCESS_DENIED, "Another administrator changes your own account.")
        if role is not None:
            await self.accounts.set_role(user_id, Role(role), actor=actor, address=address_of(request))
        if disabled is not None:
            await self.accounts.set_disabled(user_id, disabled=disabled, actor=actor, address=address_of(request))
        return JSONResponse(_to_json(await self.accounts.users.get(user_id)), headers=_NO_STORE)

    async def audit(self, _request: Request) -> Response:
        """The latest entries of the audit log."""
        entries = await self.accounts.audit.latest(_ENTRIES)
        items = [
            {
                "at": datetime.fromtimestamp(entry.at_ns / 1e9, UTC).isoformat(),
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "address": entry.address,
            }
            for entry in entries
        ]
        return JSONResponse({"items": items}, headers=_NO_STORE)


def _to_json(user: User) -> dict[str, object]:
    return {**user_to_json(user), "disabled": user.disabled}
