"""The same notes for another hand, in other bars, or written down: what derives from a transcription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from genesis.client.notation import NotationSheet
from genesis.client.transport import Transport, body_of
from genesis.client.values import Document, Options, Result, TuningOffer, read, read_result


class Unsaid:
    """What is left as it was; None says that it is to be found anew."""


UNSAID: Final = Unsaid()


def said_of_bars(
    tempo_bpm: float | Unsaid | None,
    time_signature: str | Unsaid | None,
    bar_one_s: float | Unsaid | None,
    taps_s: Sequence[float] | Unsaid | None,
) -> dict[str, Any]:
    """What is decided of bars, by its names, without what is not said."""
    said = {
        "tempo_bpm": tempo_bpm,
        "time_signature": time_signature,
        "bar_one_s": bar_one_s,
        "taps_s": list(taps_s) if isinstance(taps_s, Sequence) else taps_s,
    }
    return {name: value for name, value in said.items() if not isinstance(value, Unsaid)}


@dataclass(frozen=True, slots=True)
class Documents:
    """Of one transcription that is over. Every method raises GenesisError for what the server refuses."""

    transport: Transport

    async def arrange(
        self,
        transcription_id: str,
        options: Options = Options(),  # noqa: B008 - frozen
        *,
        pins: Mapping[str, int | None] | None = None,
        document: str = "",
    ) -> Result:
        """A new document with the best places for `options`, or the next revision of `document`.

        Args:
            transcription_id: whose notes.
            options: those of the job are not for documents.
            pins: by note id the string it is played on, None to leave that open again.
            document: id of the one whose next revision this is to be.
        """
        body = {**options.told(), **({"pins": dict(pins)} if pins else {})}
        return await self._make(transcription_id, "arrange", body, document)

    async def lock_bars(
        self,
        transcription_id: str,
        *,
        tempo_bpm: float | Unsaid | None = UNSAID,
        time_signature: str | Unsaid | None = UNSAID,
        bar_one_s: float | Unsaid | None = UNSAID,
        taps_s: Sequence[float] | Unsaid | None = UNSAID,
        document: str = "",
    ) -> Result:
        """A document in bars around what is known; None is to be found, what is not said stays. No note moves."""
        body = said_of_bars(tempo_bpm, time_signature, bar_one_s, taps_s)
        return await self._make(transcription_id, "bars", body, document)

    async def list(self, transcription_id: str) -> list[Document]:
        """The last revision of each, the newest first."""
        answer = await self.transport.request("GET", f"{_one(transcription_id)}/documents")
        return [read(Document, item) for item in answer.json()["items"]]

    async def get(self, transcription_id: str, document: str, revision: int | None = None) -> Document:
        """Raises NotFound: NOT_FOUND."""
        params = {} if revision is None else {"revision": revision}
        path = f"{_one(transcription_id)}/documents/{document}"
        return read(Document, (await self.transport.request("GET", path, params=params)).json())

    async def delete(self, transcription_id: str, document: str) -> None:
        """In all its revisions."""
        await self.transport.request("DELETE", f"{_one(transcription_id)}/documents/{document}")

    async def notation(
        self, transcription_id: str, *, document: str = "", revision: int | None = None
    ) -> NotationSheet:
        """Note values for display, of the transcription or of a document."""
        params = {"document": document, **({} if revision is None else {"revision": revision})} if document else {}
        answer = await self.transport.request("GET", f"{_one(transcription_id)}/notation", params=params)
        return read(NotationSheet, answer.json())

    async def offered_tuning(self, transcription_id: str) -> TuningOffer | None:
        """Another tuning or capo that the notes suggest."""
        answer = await self.transport.request("GET", f"{_one(transcription_id)}/tuning")
        offer = answer.json()["offer"]
        return None if offer is None else read(TuningOffer, offer)

    async def _make(self, transcription_id: str, verb: str, body: dict[str, Any], document: str) -> Result:
        asked = {**body, **({"document": document} if document else {})}
        answer = await self.transport.request("POST", f"{_one(transcription_id)}/{verb}", body=body_of(json=asked))
        return read_result(answer.json())


def _one(transcription_id: str) -> str:
    return f"/api/transcribe/{transcription_id}"
