"""What the orchestrator needs and may lack for a while: the bus and the models. Both are looked for until found."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.to_thread
import structlog

from access.tls import client_context
from bus.connection import Bus, address_of
from inference.ports import Transcriber
from inference.registry import DEFAULT_TRANSCRIBER, load_transcriber
from inference.triton_models import TritonModels
from music.errors import GenesisError, Reason, Unavailable

_RETRY_S = 1.0
_MODEL_RETRY_S = 5.0

log = structlog.get_logger(__name__)


class BusLink:
    """The connection to the bus, from the first moment it can be had.

    Args:
        authority: PEM file of whom its certificate must come from, for a `tls://` address; None: the machine's own.
    """

    def __init__(self, url: str, name: str = "orchestrator", authority: Path | None = None) -> None:
        self._url = url
        self._name = name
        self._tls = client_context(authority) if url.startswith("tls://") else None
        self._bus: Bus | None = None

    @property
    def is_up(self) -> bool:
        return self._bus is not None and self._bus.is_connected

    @property
    def bus(self) -> Bus:
        """Raises Unavailable: BUS_UNAVAILABLE until the first connection stands; later cuts are waited out."""
        if self._bus is None:
            raise Unavailable(
                Reason.BUS_UNAVAILABLE,
                f"There is no connection to the bus at {address_of(self._url)} yet; try again soon.",
            )
        return self._bus

    async def run(self) -> NoReturn:
        """Hold the connection until cancelled."""
        while True:
            try:
                async with Bus.connect(self._url, name=self._name, tls=self._tls) as bus:
                    await bus.declare()
                    self._bus = bus
                    await anyio.sleep_forever()
            except Unavailable as error:
                log.warning("bus.unavailable", detail=error.message)
            finally:
                self._bus = None
            await anyio.sleep(_RETRY_S)


class TranscriberShelf:
    """Loaded transcribers, by name; each is loaded once, off the event loop.

    Args:
        model_repo: folder of the models.
        default: the name used for ""; "" leaves the choice to the registry.
        threads: windows a network runs at a time.
        triton: the server that runs them; None for this process.
    """

    def __init__(self, model_repo: Path, default: str, threads: int, triton: TritonModels | None = None) -> None:
        self._model_repo = model_repo
        self._default = default or DEFAULT_TRANSCRIBER
        self._threads = threads
        self._triton = triton
        self._loaded: dict[str, Transcriber] = {}
        self._turn = anyio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the default transcriber is loaded."""
        return self._default in self._loaded

    async def get(self, name: str) -> Transcriber:
        """Raises InvalidInput: TRANSCRIBER_UNKNOWN; Unavailable: MODEL_MISSING, MODEL_MISMATCH, and with a server
        MODEL_SERVER_UNAVAILABLE.
        """
        name = name or self._default
        if name in self._loaded:
            return self._loaded[name]
        async with self._turn:
            if name not in self._loaded:
                self._loaded[name] = await self._load(name)
        return self._loaded[name]

    async def keep_ready(self) -> None:
        """Return once the default transcriber is loaded; models may be built after the server has started."""
        while not self.is_ready:
            try:
                await self.get("")
            except GenesisError as error:
                log.error("model.unavailable", reason=error.reason.value, detail=error.message)
                await anyio.sleep(_MODEL_RETRY_S)

    async def _load(self, name: str) -> Transcriber:
        if self._triton is not None:
            return await self._triton.load(name, self._model_repo)
        load = partial(load_transcriber, name, self._model_repo, threads=self._threads)
        return await anyio.to_thread.run_sync(load)
