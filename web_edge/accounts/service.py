"""What can be done to an account: make it, enter it, leave it, change it, take it away."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from access.caller import Role
from access.directory import revoke_before
from access.tokens import TokenSigner
from music.errors import Forbidden, GenesisError, NotFound, Reason, Unauthenticated
from web_edge.accounts.audit import Action, AuditLog
from web_edge.accounts.counters import Counters
from web_edge.accounts.keys import ApiKeys
from web_edge.accounts.mail import Mailer
from web_edge.accounts.passwords import Passwords
from web_edge.accounts.refreshing import RefreshTokens, TokenReused
from web_edge.accounts.users import User, Users, checked_email
from web_edge.bus_link import BusLink

_WRONG = "The address or the password is wrong."

log = structlog.get_logger(__name__)

DeletionHook = Callable[[str], Awaitable[None]]
"""Deletes what an account owns; given its id, and called before the account itself goes."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client gets: the access token to show, and the refresh token to keep."""

    user: User
    access_token: str
    refresh_token: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every method raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    users: Users
    refreshing: RefreshTokens
    keys: ApiKeys
    passwords: Passwords
    signer: TokenSigner
    counters: Counters
    audit: AuditLog
    mailer: Mailer
    bus: BusLink
    is_open: bool
    deletion_hooks: list[DeletionHook] = field(default_factory=list)

    async def register(self, email: str, password: str, address: str) -> SignedIn:
        """A new account, signed in.

        Raises:
            Forbidden: ACCESS_DENIED, this server makes none on request. InvalidInput: REQUEST_INVALID.
            Conflict: ACCOUNT_EXISTS. Overloaded: RATE_LIMITED.
        """
        if not self.is_open:
            raise Forbidden(Reason.ACCESS_DENIED, "Accounts of this server are made by its administrator; ask there.")
        email = checked_email(email)
        await self.counters.register(address)
        user = await self.users.create(email, await self.passwords.hash(password))
        await self.audit.add(Action.REGISTERED, actor=user.id, address=address)
        return await self._signed_in(user, await self.refreshing.begin(user.id))

    async def login(self, email: str, password: str, address: str) -> SignedIn:
        """Raises Unauthenticated: LOGIN_FAILED, whatever was wrong. Overloaded: RATE_LIMITED."""
        email = email[:400].strip().lower()
        await self.counters.sign_in(email, address)
        user = await self.users.find_email(email)
        is_it = await self.passwords.fits(password, user.password_hash if user else None)
        if user is None or not is_it or user.disabled:
            await self.audit.add(Action.SIGN_IN_FAILED, actor="", subject=user.id if user else "", address=address)
            raise Unauthenticated(Reason.LOGIN_FAILED, _WRONG)
        await self.counters.signed_in(email, address)
        if self.passwords.is_outdated(user.password_hash):
            await self.users.keep_hash(user.id, await self.passwords.hash(password))
        await self.audit.add(Action.SIGNED_IN, actor=user.id, address=address)
        return await self._signed_in(user, await self.refreshing.begin(user.id))

    async def refresh(self, token: str, address: str) -> SignedIn:
        """Raises Unauthenticated: TOKEN_INVALID; a token that was used before ends its whole family."""
        try:
            refreshed = await self.refreshing.rotate(token)
        except TokenReused as reused:
            if reused.is_first:
                await self.audit.add(Action.TOKEN_REUSED, actor="", subject=reused.user_id, address=address)
                log.warning("accounts.token_reused", user=reused.user_id)
            raise
        user = await self.users.find(refreshed.user_id)
        if user is None:
            raise Unauthenticated(Reason.TOKEN_INVALID, "This sign-in has ended; sign in again.")
        return await self._signed_in(user, refreshed.token)

    async def logout(self, token: str, address: str) -> None:
        """End a sign-in; one that is over is no error."""
        user_id = await self.refreshing.end(token)
        if user_id is not None:
            await self.audit.add(Action.SIGNED_OUT, actor=user_id, address=address)

    async def change_password(self, user_id: str, present: str, new: str, address: str) -> SignedIn:
        """And sign out everybody who was signed in with the old one. Raises as `login`, and as `Passwords.hash`."""
        user = await self._confirmed(user_id, present, address)
        password_hash = await self.passwords.hash(new)
        from_s = _next_second()
        await self.users.set_password(user.id, password_hash, from_s)
        await self.tell_revoked(user.id, from_s)
        await self.audit.add(Action.PASSWORD_CHANGED, actor=user.id, address=address)
        self.mailer.notify(
            user.email,
            "Your password was changed",
            "The password of your Genesis Music account was changed, and everybody who was signed in has been signed "
            "out.\nIf that was not you, ask the server's administrator for help.",
        )
        return await self._signed_in(await self.users.get(user.id), await self.refreshing.begin(user.id))

    async def delete(self, user_id: str, password: str, address: str) -> None:
        """The account and everything it owns. Raises as `login`."""
        user = await self._confirmed(user_id, password, address)
        from_s = _next_second()
        # Nobody may add to it while it goes.
        await self.users.set_disabled(user.id, disabled=True, tokens_from_s=from_s)
        await self.tell_revoked(user.id, from_s)
        await self._withdraw_keys(user.id)
        for hook in self.deletion_hooks:
            await hook(user.id)
        await self.users.delete(user.id)
        await self.audit.add(Action.ACCOUNT_DELETED, actor=user.id, address=address)
        self.mailer.notify(user.email, "Your account is gone", "Your Genesis Music account and all it held is deleted.")

    async def set_disabled(self, user_id: str, *, disabled: bool, actor: str, address: str) -> None:
        """Raises NotFound: NOT_FOUND."""
        from_s = _next_second()
        await self.users.set_disabled(user_id, disabled=disabled, tokens_from_s=from_s)
        if disabled:
            await self.tell_revoked(user_id, from_s)
            await self._withdraw_keys(user_id)
        else:
            await self._say("tell keys", self.keys.reconcile())
        action = Action.ACCOUNT_DISABLED if disabled else Action.ACCOUNT_ENABLED
        await self.audit.add(action, actor=actor, subject=user_id, address=address)

    async def set_role(self, user_id: str, role: Role, *, actor: str, address: str) -> None:
        """Raises NotFound: NOT_FOUND."""
        await self.users.set_role(user_id, role, _next_second())
        await self.audit.add(Action.ROLE_CHANGED, actor=actor, subject=user_id, address=address)

    async def reconcile(self) -> None:
        """Tell the other doors what the command line, or an edge that the bus was away from, has changed.

        Raises Unavailable: BUS_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        await self.keys.reconcile()
        for user in await self.users.revoked_since(int(time.time()) - self.signer.lifetime_s):
            await self._revoke(user.id, user.tokens_from_s)

    async def tell_revoked(self, user_id: str, from_s: int) -> None:
        """Tell the other doors; should the bus be away, tokens live on there for the minutes that they last."""
        await self._say("revoke tokens", self._revoke(user_id, from_s))

    async def _withdraw_keys(self, user_id: str) -> None:
        await self._say("withdraw keys", self.keys.withdraw(user_id))

    async def _revoke(self, user_id: str, from_s: int) -> None:
        await revoke_before(self.bus.require(), user_id, from_s, keep_s=2 * self.signer.lifetime_s)

    async def _say(self, what: str, work: Awaitable[None]) -> None:
        try:
            await work
        except GenesisError as error:
            log.warning("accounts.bus_not_told", what=what, error=error.message)

    async def _confirmed(self, user_id: str, password: str, address: str) -> User:
        """The user, who knows the password: a token alone must not be enough to take an account over."""
        user = await self.users.find(user_id)
        if user is None:
            raise NotFound(Reason.NOT_FOUND, "There is no such account.")
        await self.counters.sign_in(user.email, address)
        if not await self.passwords.fits(password, user.password_hash):
            raise Unauthenticated(Reason.LOGIN_FAILED, "The present password is wrong.")
        await self.counters.signed_in(user.email, address)
        return user

    async def _signed_in(self, user: User, refresh_token: str) -> SignedIn:
        token = self.signer.sign(user.id, user.role, not_before_s=user.tokens_from_s)
        return SignedIn(user, token, refresh_token, self.signer.lifetime_s)


def _next_second() -> int:
    """Tokens carry whole seconds: those of this one are taken back too."""
    return int(time.time()) + 1
