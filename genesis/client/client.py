"""The client of an edge, put together."""

from __future__ import annotations

from types import TracebackType

import httpx

from genesis.client.account import Account
from genesis.client.credentials import Bearer, Credentials
from genesis.client.documents import Documents
from genesis.client.transcriptions import Transcriptions
from genesis.client.transport import Patience, Transport
from genesis.client.uploads import Uploads


class GenesisClient:
    """One edge; use it in an `async with` block.

    Args:
        base_url: "https://tabs.example.org".
        credentials: what to show; an API key as text is enough. Nothing on a server without accounts.
        patience: with a server that is away or busy.
        http: httpx's transport, to reach the server in another way (a proxy, a test).

    Attributes:
        transcriptions, documents, uploads, account: what the server offers.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        credentials: Credentials | str = "",
        *,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        shown = Bearer(credentials) if isinstance(credentials, str) else credentials
        self._transport = Transport(base_url, shown, patience, http)
        self.uploads = Uploads(self._transport)
        self.transcriptions = Transcriptions(self._transport, self.uploads)
        self.documents = Documents(self._transport)
        self.account = Account(self._transport)

    async def __aenter__(self) -> GenesisClient:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._transport.http.aclose()
