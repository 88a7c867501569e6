"""What a caller shows, told from the gate's own rules."""

from __future__ import annotations

from typing import Any, Final

from access.caller import KEY_SCOPES, Role
from web_edge.accounts.auth_api import COOKIE, CSRF_HEADER
from web_edge.accounts.gate import ADMIN_PREFIX, OPEN, right_for

Json = dict[str, Any]

TOKEN, KEY, REFRESH_COOKIE, CSRF = "accessToken", "apiKey", "refreshCookie", "csrfHeader"
REFRESHING: Final[tuple[Json, ...]] = ({REFRESH_COOKIE: [], CSRF: []}, {})
"""The cookie with the header that another site's form cannot add; or neither, and the token in the body."""

SCHEMES: Final[Json] = {
    TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a sign-in; it is good for minutes, POST /auth/refresh brings the next one.",
    },
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of POST /api/keys, for what its scopes allow: it never manages the account.",
    },
    REFRESH_COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's refresh token, good once. Scripts cannot read it.",
    },
    CSRF: {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "Any value: whoever relies on the cookie sends it.",
    },
}


def security_of(method: str, path: str) -> list[Json]:
    """The security requirement of a route, any one of which is enough; roles and scopes are listed with each."""
    if path in OPEN:
        return []
    right = right_for(method, path)
    if path.startswith(ADMIN_PREFIX):
        return [{TOKEN: [Role.ADMIN.value]}]
    return [{TOKEN: []}, *([{KEY: [right.value]}] if right in KEY_SCOPES else [])]
