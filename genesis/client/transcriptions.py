"""`/api/transcribe`: give a recording, follow it, fetch what it came to."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from genesis.client import following
from genesis.client.errors import error_of_problem
from genesis.client.playing import LiveSession, playing
from genesis.client.transport import Body, Transport, body_of
from genesis.client.uploads import CHUNK_BYTES, Uploads
from genesis.client.values import Export, Options, Result, Status, Transcription, read, read_result
from music.errors import GenesisError
from music.events import AudioFormat, SessionEvent

PATH = "/api/transcribe"
_NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Transcriptions:
    """Every method raises GenesisError for what the server refuses; Unavailable when it is away."""

    transport: Transport
    uploads: Uploads

    async def upload(
        self,
        source: Path | bytes,
        options: Options = _NO_OPTIONS,
        *,
        name: str = "",
        idempotency_key: str = "",
    ) -> Transcription:
        """Send a recording in one request and have it transcribed.

        Args:
            source: the file, or its bytes.
            options: of the transcription.
            name: of the recording; the file's unless given.
            idempotency_key: one that is sent again makes nothing new; one of our own unless given, so that this request
                may be repeated when its answer is lost.
        """
        title = name or (source.name if isinstance(source, Path) else "recording")

        fields = {key: str(value) for key, value in options.told().items()}

        @contextmanager
        def body() -> Iterator[dict[str, Any]]:
            with nullcontext(source) if isinstance(source, bytes) else source.open("rb") as content:
                yield {"files": {"file": (title, content)}, "data": fields}

        return await self._create(body, idempotency_key)

    async def upload_resumably(
        self,
        source: Path,
        options: Options = _NO_OPTIONS,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        on_progress: Callable[[int, int], None] = lambda _sent, _length: None,
    ) -> Transcription:
        """As `upload`, piece by piece, for a large file over a bad line; `on_progress` is told bytes there and in all.

        `uploads` goes on with one in another process.
        """
        length = (await anyio.Path(source).stat()).st_size
        upload = await self.uploads.begin(source.name, length, options)
        made = await self.uploads.send(upload, source, chunk_bytes=chunk_bytes, on_progress=on_progress)
        return await self.get(made)

    async def of_url(self, url: str, options: Options = _NO_OPTIONS, *, idempotency_key: str = "") -> Transcription:
        """Have a video's sound transcribed, where the server allows it. Raises InvalidInput: URL_REFUSED."""
        return await self._create(body_of(json={"url": url, **options.told()}), idempotency_key)

    async def get(self, transcription_id: str) -> Transcription:
        """How it stands. Raises NotFound: TRANSCRIPTION_NOT_FOUND, as do all below."""
        return read(Transcription, (await self.transport.request("GET", _one(transcription_id))).json())

    async def list(self, *, status: Collection[Status] = (), page_size: int = 50) -> AsyncIterator[Transcription]:
        """Yours, the newest first, a page at a time as they are asked for; only those in one of the states given."""
        params: dict[str, Any] = {"limit": page_size}
        if status:
            params["status"] = ",".join(sorted(status))
        while True:
            page = (await self.transport.request("GET", PATH, params=params)).json()
            for item in page["items"]:
                yield read(Transcription, item)
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    def follow(self, transcription_id: str, after_sequence: int = 0) -> AsyncGenerator[SessionEvent, None]:
        """Its events as they happen, each once, whatever the connection does; see `following.follow`.

        Fold them with `music.session_state.SessionState`.
        """
        return following.follow(self.transport, transcription_id, after_sequence)

    def live(
        self, audio: AudioFormat, options: Options = _NO_OPTIONS
    ) -> AbstractAsyncContextManager[LiveSession, bool | None]:
        """Play into a session of one's own: see `playing.LiveSession`.

        async with genesis.transcriptions.live(audio) as session:
            await session.play(samples)
            await session.lock_rhythm(tempo_bpm=96, time_signature="3/4")
        """
        return playing(self.transport, audio, options)

    async def wait(self, transcription_id: str, *, timeout_s: float | None = None) -> Transcription:
        """Until it is over. Raises what it failed with; TimeoutError. One that was cancelled is no error."""
        with nullcontext() if timeout_s is None else anyio.fail_after(timeout_s):
            try:
                async for _ in self.follow(transcription_id):
                    pass
            except GenesisError:
                known = await self.get(transcription_id)
                if not known.status.is_over:
                    raise
            else:
                known = await self.get(transcription_id)
        if known.error is not None:
            raise error_of_problem(known.error)
        return known

    async def result(self, transcription_id: str, *, document: str = "", revision: int | None = None) -> Result:
        """What it came to, or a document derived of it. Raises Conflict: RESULT_NOT_READY; what it failed with."""
        params = _of_document(document, revision)
        answer = await self.transport.request("GET", _one(transcription_id) + "/result", params=params)
        return read_result(answer.json())

    async def export(
        self, transcription_id: str, kind: str, *, document: str = "", revision: int | None = None
    ) -> Export:
        """The same as other programs open it; `kind` is mid, musicxml, gp5, txt or json."""
        params = _of_document(document, revision)
        answer = await self.transport.request("GET", f"{_one(transcription_id)}/export/{kind}", params=params)
        losses = dict(loss.split("=") for loss in answer.headers.get("Genesis-Export-Losses", "").split(", ") if loss)
        media_type = answer.headers["Content-Type"].partition(";")[0]
        return Export(answer.content, media_type, {name: int(count) for name, count in losses.items()})

    async def audio(self, transcription_id: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes [start, stop) of the recording, to its end unless given. Raises InvalidInput: RANGE_NOT_SATISFIABLE."""
        return await self._range(_one(transcription_id) + "/audio", start, stop)

    async def stem(self, transcription_id: str, start: int = 0, stop: int | None = None) -> bytes:
        """As `audio`, of what was heard where something was separated, as FLAC. Raises NotFound: STEM_NOT_FOUND."""
        return await self._range(_one(transcription_id) + "/stem", start, stop)

    async def save_audio(self, transcription_id: str, target: Path) -> None:
        """The recording into a file, never all of it in memory. Raises Unavailable: the connection broke, and the file
        holds a part: `audio` goes on with it.
        """
        path = _one(transcription_id) + "/audio"
        async with self.transport.stream(path) as answer, await anyio.open_file(target, "wb") as file:
            async for piece in answer.aiter_bytes():
                await file.write(piece)

    async def cancel(self, transcription_id: str) -> Transcription:
        """Stop a job that waits or runs. Raises Conflict: JOB_STATE_CONFLICT, it is over."""
        return read(Transcription, (await self.transport.request("POST", _one(transcription_id) + "/cancel")).json())

    async def retry(self, transcription_id: str) -> Transcription:
        """Queue a job that failed or was cancelled once more. Raises Conflict: JOB_STATE_CONFLICT."""
        return read(Transcription, (await self.transport.request("POST", _one(transcription_id) + "/retry")).json())

    async def delete(self, transcription_id: str) -> None:
        """With recording, result, documents and events."""
        await self.transport.request("DELETE", _one(transcription_id))

    async def _range(self, path: str, start: int, stop: int | None) -> bytes:
        headers = {} if start == 0 and stop is None else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
        return (await self.transport.request("GET", path, headers=headers)).content

    async def _create(self, body: Body, key: str) -> Transcription:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = await self.transport.request("POST", PATH, body=body, headers=headers, repeatable=True)
        return read(Transcription, answer.json())


def _one(transcription_id: str) -> str:
    return f"{PATH}/{transcription_id}"


def _of_document(document: str, revision: int | None) -> dict[str, Any]:
    given = {"document": document or None, "revision": revision}
    return {name: value for name, value in given.items() if value is not None}
