"""Who calls the edge: nobody asks on a server without accounts; else a token, an API key, or at a socket a ticket."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from access.api_keys import PREFIX
from access.caller import LOCAL, Caller, Role
from access.tokens import TokenVerifier
from music.errors import Reason, Unauthenticated
from web_edge.accounts.keys import ApiKeys
from web_edge.accounts.tickets import Tickets
from web_edge.accounts.users import Users

TICKET_PREFIX: Final = "ticket."
"""Of the other subprotocol that a page offers; never answered."""

_BEARER: Final = "bearer "
_CALLER: Final = "genesis.caller"


def caller_of(connection: HTTPConnection) -> Caller:
    """Who made a request that has come through the gate; KeyError for one that has not."""
    caller: Caller = connection.scope[_CALLER]
    return caller


def note_caller(scope: Scope, caller: Caller) -> None:
    scope[_CALLER] = caller


def address_of(connection: HTTPConnection) -> str:
    """Whence a request comes, as far as the proxies that are trusted say."""
    return connection.client.host if connection.client else ""


class Identity:
    """Asks the database about what was shown, so that an account that is disabled is so at once."""

    def __init__(self, verifier: TokenVerifier, users: Users, keys: ApiKeys, tickets: Tickets) -> None:
        self._verifier = verifier
        self._users = users
        self._keys = keys
        self._tickets = tickets

    async def of_request(self, headers: Headers) -> Caller:
        """Raises Unauthenticated: CREDENTIALS_MISSING, TOKEN_INVALID. Unavailable: DATABASE_UNAVAILABLE."""
        given = headers.getlist("authorization")
        if len(given) != 1 or not given[0].lower().startswith(_BEARER):
            raise Unauthenticated(
                Reason.CREDENTIALS_MISSING, "Sign in, or send a token or an API key: Authorization: Bearer …"
            )
        shown = given[0][len(_BEARER) :].strip()
        return await (self._holder_of(shown) if shown.startswith(PREFIX) else self._bearer_of(shown))

    async def of_socket(self, headers: Headers, subprotocols: list[str]) -> Caller:
        """By the ticket among the subprotocols; programs that are no browser may show what they show elsewhere.

        Raises as `of_request`.
        """
        tickets = [name.removeprefix(TICKET_PREFIX) for name in subprotocols if name.startswith(TICKET_PREFIX)]
        if len(tickets) == 1:
            return await self._tickets.redeem(tickets[0])
        return await self.of_request(headers)

    async def _bearer_of(self, token: str) -> Caller:
        claims = self._verifier.verify(token)
        user = await self._users.find(claims.caller.id)
        if user is None or user.disabled or claims.issued_at_s < user.tokens_from_s:
            raise Unauthenticated(Reason.TOKEN_INVALID, "This token was taken back; sign in again.")
        # What the account is now counts, not what it was when it signed in.
        return Caller(user.id, user.role, claims.caller.scopes)

    async def _holder_of(self, key: str) -> Caller:
        record = await self._keys.find(key)
        if record is None:
            raise Unauthenticated(Reason.TOKEN_INVALID, "This API key does not count; make another one.")
        return Caller(record.owner, Role.USER, record.scopes, record.id)


class SingleUser:
    """A server without accounts: everyone who reaches it, from this machine, is its one user."""

    async def of_request(self, _headers: Headers) -> Caller:
        return LOCAL

    async def of_socket(self, _headers: Headers, _subprotocols: list[str]) -> Caller:
        return LOCAL
