"""The operations on accounts, keys and tickets."""

from __future__ import annotations

from typing import Any, Final

from access.caller import KEY_SCOPES, Role
from music.errors import Reason
from web_edge.accounts.passwords import LONGEST, SHORTEST
from web_edge.accounts.preferences import CHOICES
from web_edge.openapi import account_shapes as shapes
from web_edge.openapi.operation import Operation, json_body
from web_edge.openapi.security import REFRESHING

Json = dict[str, Any]

_EMAIL = {"type": "string", "format": "email", "maxLength": 254}
_PASSWORD = {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}
_PRESENT = {"type": "string", "minLength": 1, "description": "the present one"}
_COOKIE = {"type": "boolean", "description": "true for a browser: the refresh token comes as a cookie, not in the body"}
_ENTER = {"email": "you@example.org", "password": "a few words do well"}
_REFRESH = json_body(
    {"refresh_token": {"type": "string", "maxLength": 200, "description": "where it is not in the cookie"}},
    (),
    {"refresh_token": "Zk3v9b0m8Q4o1yZr"},
)
_NOT_REFRESHED = (Reason.CREDENTIALS_MISSING, Reason.TOKEN_INVALID, Reason.REQUEST_INVALID)
_NOT_CONFIRMED = (Reason.LOGIN_FAILED, Reason.NOT_FOUND, Reason.REQUEST_INVALID)
_SET_COOKIE = {"Set-Cookie": "the refresh token, where one asked for a cookie or sent one"}
_CHOSEN: Final[Json] = {
    "tuning": {"type": "string", "maxLength": 200},
    **{name: {"type": "string", "enum": sorted(values)} for name, values in CHOICES.items()},
    "email_notices": {"type": "boolean"},
}

ACCOUNTS: Final[dict[tuple[str, str], Operation]] = {
    ("GET", "/auth/status"): Operation("getAccountsStatus", {200: shapes.AccountsStatus}),
    ("POST", "/auth/register"): Operation(
        "register",
        {201: shapes.SignedIn},
        (Reason.ACCESS_DENIED, Reason.ACCOUNT_EXISTS, Reason.REQUEST_INVALID),
        body=json_body({"email": _EMAIL, "password": _PASSWORD, "cookie": _COOKIE}, ("email", "password"), _ENTER),
        headers={201: _SET_COOKIE},
    ),
    ("POST", "/auth/login"): Operation(
        "login",
        {200: shapes.SignedIn},
        (Reason.LOGIN_FAILED, Reason.REQUEST_INVALID),
        body=json_body(
            {"email": {"type": "string", "minLength": 1}, "password": _PRESENT, "cookie": _COOKIE},
            ("email", "password"),
            _ENTER,
        ),
        headers={200: _SET_COOKIE},
    ),
    ("POST", "/auth/refresh"): Operation(
        "refresh",
        {200: shapes.SignedIn},
        _NOT_REFRESHED,
        body=_REFRESH,
        headers={200: _SET_COOKIE},
        security=REFRESHING,
    ),
    ("POST", "/auth/logout"): Operation("logout", {204: None}, _NOT_REFRESHED, body=_REFRESH, security=REFRESHING),
    ("GET", "/api/me"): Operation("getMe", {200: shapes.User}, (Reason.NOT_FOUND,)),
    ("DELETE", "/api/me"): Operation(
        "deleteMe",
        {204: None},
        _NOT_CONFIRMED,
        body=json_body({"password": _PRESENT}, ("password",), {"password": _ENTER["password"]}),
    ),
    ("POST", "/api/me/password"): Operation(
        "changePassword",
        {200: shapes.SignedIn},
        _NOT_CONFIRMED,
        body=json_body(
            {"password": _PRESENT, "new_password": _PASSWORD, "cookie": _COOKIE},
            ("password", "new_password"),
            {"password": _ENTER["password"], "new_password": "another long password"},
        ),
        headers={200: _SET_COOKIE},
    ),
    ("GET", "/api/me/preferences"): Operation("getPreferences", {200: shapes.Preferences}),
    ("PATCH", "/api/me/preferences"): Operation(
        "changePreferences",
        {200: shapes.Preferences},
        (Reason.REQUEST_INVALID, Reason.TUNING_INVALID, Reason.CAPO_INVALID, Reason.CONFIG_INVALID),
        body=json_body(_CHOSEN, (), {"tuning": "drop_d", "theme": "dark"}),
    ),
    ("POST", "/api/tickets"): Operation("makeTicket", {201: shapes.Ticket}),
    ("GET", "/api/keys"): Operation("listKeys", {200: shapes.ApiKeyList}),
    ("POST", "/api/keys"): Operation(
        "makeKey",
        {201: shapes.NewApiKey},
        (Reason.REQUEST_INVALID, Reason.QUOTA_REACHED),
        body=json_body(
            {
                "name": {"type": "string", "minLength": 1, "maxLength": 100},
                "scopes": {"type": "array", "minItems": 1, "items": {"enum": sorted(KEY_SCOPES)}},
                "expires_in_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 3660},
            },
            ("name",),
            {"name": "nightly import", "scopes": ["read", "write"], "expires_in_days": 90},
        ),
    ),
    ("DELETE", "/api/keys/{key}"): Operation("revokeKey", {204: None}),
    ("GET", "/api/admin/users"): Operation("listUsers", {200: shapes.ManagedUserList}),
    ("PATCH", "/api/admin/users/{user}"): Operation(
        "changeUser",
        {200: shapes.ManagedUser},
        (Reason.REQUEST_INVALID,),
        body=json_body(
            {
                "role": {"type": ["string", "null"], "enum": [*(role.value for role in Role), None]},
                "disabled": {"type": ["boolean", "null"]},
            },
            (),
            {"disabled": True},
        ),
    ),
    ("GET", "/api/admin/audit"): Operation("getAuditLog", {200: shapes.AuditLog}),
}
"""By method and path, as the routes name it; a server without accounts has a few of them."""
