"""The parts of accounts, put together: those that the settings decide, and those that need the database."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import grpc
from starlette.routing import Route

from access.listening import is_loopback, split_address
from access.tls import authority_pem, client_context
from access.tokens import TokenSigner, TokenVerifier, load_public_keys, load_signing_key
from web_edge.accounts.admin_api import AdminApi
from web_edge.accounts.audit import AuditLog
from web_edge.accounts.auth_api import AuthApi
from web_edge.accounts.counters import Counters, Shares
from web_edge.accounts.gate import Gate
from web_edge.accounts.identity import Identity, SingleUser
from web_edge.accounts.keys import ApiKeys
from web_edge.accounts.mail import Mailer, SmtpServer
from web_edge.accounts.me_api import MeApi
from web_edge.accounts.notices import JobNotices
from web_edge.accounts.passwords import Passwords
from web_edge.accounts.preferences import Preferences
from web_edge.accounts.refreshing import RefreshTokens
from web_edge.accounts.service import Accounts, DeletionHook
from web_edge.accounts.standing import Standing
from web_edge.accounts.tickets import Tickets
from web_edge.accounts.users import Users
from web_edge.bus_link import BusLink
from web_edge.database import Database
from web_edge.guard import Sites
from web_edge.settings import Settings
from web_edge.transcriptions import Transcriptions

_RECONCILE_S = 30.0


@dataclass(frozen=True, slots=True)
class AccountParts:
    """What is known before anything is opened. `signer` and `counters` are None on a server without accounts."""

    settings: Settings
    sites: Sites
    signer: TokenSigner | None
    verifier: TokenVerifier | None
    counters: Counters | None
    smtp: SmtpServer | None
    bus_tls: ssl.SSLContext | None
    uplink_credentials: grpc.ChannelCredentials | None

    @classmethod
    def of(cls, settings: Settings) -> AccountParts:
        """Raises InvalidInput: CONFIG_INVALID."""
        host, _ = split_address(settings.listen)
        signer = verifier = counters = None
        if settings.signing_key is not None:
            signer = TokenSigner(load_signing_key(settings.signing_key), settings.access_token_s)
            former = load_public_keys(settings.former_keys) if settings.former_keys else []
            verifier = TokenVerifier([signer.public_key, *former])
            shares = Shares(settings.requests_per_minute, settings.transcriptions_per_hour)
            counters = Counters(settings.counters, shares)
        bus_tls = client_context(settings.nats_ca) if settings.nats_url.startswith("tls://") else None
        uplink = None
        if settings.orchestrator_tls:
            uplink = grpc.ssl_channel_credentials(authority_pem(settings.orchestrator_ca))
        sites = Sites.parse(settings.origins, loopback=is_loopback(host))
        return cls(settings, sites, signer, verifier, counters, _smtp(settings), bus_tls, uplink)

    async def close(self) -> None:
        if self.counters is not None:
            await self.counters.close()


class AccountDoors:
    """Routes, gate and background work of accounts."""

    def __init__(self, parts: AccountParts, database: Database, bus: BusLink, transcriptions: Transcriptions) -> None:
        tickets, users = Tickets(database), Users(database)
        self.standing = Standing(database)
        self._bus = bus
        self._keys = ApiKeys(database, bus)
        self._mailer = Mailer(parts.smtp)
        self.accounts: Accounts | None = None
        identity: Identity | SingleUser = SingleUser()
        if parts.signer is not None and parts.verifier is not None and parts.counters is not None:
            identity = Identity(parts.verifier, users, self._keys, tickets)
            self.accounts = Accounts(
                users=users,
                refreshing=RefreshTokens(database, parts.settings.refresh_token_s),
                keys=self._keys,
                passwords=Passwords(),
                signer=parts.signer,
                counters=parts.counters,
                audit=AuditLog(database),
                mailer=self._mailer,
                bus=bus,
                is_open=parts.settings.registration == "open",
            )
        self.gate = Gate(identity, transcriptions, parts.counters)
        preferences = Preferences(database)
        self._me = MeApi(self.accounts, preferences, tickets)
        origin = parts.settings.origins.partition(",")[0].strip()
        self._notices = JobNotices(transcriptions, users, preferences, self._mailer, origin)

    @property
    def work(self) -> list[Callable[[], Awaitable[None]]]:
        """To be run until the edge stops."""
        return [] if self.accounts is None else [self._tell_the_bus, self._mailer.run, self._notices.run]

    def routes(self) -> list[Route]:
        admin = [] if self.accounts is None else AdminApi(self.accounts).routes()
        return [*AuthApi(self.accounts).routes(), *self._me.routes(), *admin]

    def on_deletion(self, hook: DeletionHook) -> None:
        """Have `hook` delete what an account owns, before the account goes."""
        if self.accounts is not None:
            self.accounts.deletion_hooks.append(hook)

    def close(self) -> None:
        self._mailer.close()

    async def _tell_the_bus(self) -> None:
        assert self.accounts is not None  # noqa: S101 - it is no work of an edge without
        while True:
            await self._bus.wait()
            await self.accounts.reconcile()
            await anyio.sleep(_RECONCILE_S)


def _smtp(settings: Settings) -> SmtpServer | None:
    """Raises InvalidInput: CONFIG_INVALID."""
    if not settings.smtp_host:
        return None
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_sender,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        security=settings.smtp_security,
        context=None if settings.smtp_security == "none" else client_context(settings.smtp_ca),
    )
