"""An upload's bytes from the request to the disk, as they come: nothing larger than a chunk is held in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from music.errors import Cancelled, InvalidInput, Overloaded, Reason
from web_edge.audio_files import IncomingFile, too_large
from web_edge.options import OPTION_NAMES

FILE_PART = "file"
_MAX_PARTS = 32
_MAX_FIELD_BYTES = 1024
_FORM_OVERHEAD_BYTES = 64 << 10
_RAW_TYPES = ("audio/", "application/octet-stream", "application/ogg", "video/mp4")


@dataclass
class Upload:
    """What a request carried besides the bytes: the file's name, and the options as text."""

    name: str = ""
    options: dict[str, str] = field(default_factory=dict)


async def receive_upload(request: Request, into: IncomingFile, *, max_bytes: int, idle_s: float) -> Upload:
    """Write the request's audio to `into`.

    Takes a multipart form with one part named `file`, or the bytes themselves with an audio type. Options are form
    fields or query parameters; `filename` in the query names raw bytes.

    Raises:
        InvalidInput: REQUEST_INVALID, AUDIO_TOO_LARGE, ENCODING_UNSUPPORTED. Overloaded: STREAM_IDLE when nothing came
            for `idle_s`. Cancelled: the client went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > max_bytes + _FORM_OVERHEAD_BYTES:
        raise too_large(max_bytes)
    content_type, parameters = parse_options_header(request.headers.get("content-type"))
    upload = Upload(request.query_params.get("filename", ""))
    upload.options.update({name: request.query_params[name] for name in OPTION_NAMES if name in request.query_params})
    chunks = body_chunks(request, max_bytes + _FORM_OVERHEAD_BYTES, idle_s)
    if content_type == b"multipart/form-data":
        await _receive_form(_parser(parameters.get(b"boundary", b"")), chunks, into, upload)
    elif content_type.decode("latin-1").startswith(_RAW_TYPES):
        async for chunk in chunks:
            await into.write(chunk)
    else:
        raise InvalidInput(
            Reason.ENCODING_UNSUPPORTED,
            "Send the recording as the part `file` of a multipart form, or as the body with a Content-Type of audio/….",
        )
    return upload


async def body_chunks(request: Request, max_bytes: int, idle_s: float) -> AsyncGenerator[bytes, None]:
    """The request's body as it comes. Raises as `receive_upload`; `max_bytes` is of the body."""
    received = 0
    stream = request.stream()
    while True:
        try:
            with anyio.fail_after(idle_s):
                chunk = await anext(stream, b"")
        except TimeoutError:
            raise Overloaded(Reason.STREAM_IDLE, f"No bytes came for {idle_s:g} s. Send the file again.") from None
        except ClientDisconnect:
            raise Cancelled(Reason.CANCELLED, "The client went away before the file was whole.") from None
        if not chunk:
            return
        received += len(chunk)
        if received > max_bytes:
            raise too_large(max_bytes - _FORM_OVERHEAD_BYTES)
        yield chunk


def _parser(boundary: bytes) -> FormParser:
    if not boundary:
        raise InvalidInput(Reason.REQUEST_INVALID, "The form names no boundary in its Content-Type.")
    try:
        return FormParser(boundary)
    except FormParserError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, "The form's boundary is not valid.") from error


async def _receive_form(parser: FormParser, chunks: AsyncIterator[bytes], into: IncomingFile, upload: Upload) -> None:
    async for chunk in chunks:
        for data in parser.push(chunk):
            await into.write(data)
    if not parser.is_complete:
        raise InvalidInput(Reason.REQUEST_INVALID, "The form ends in the middle. Send it again.")
    if not parser.has_file:
        raise InvalidInput(Reason.REQUEST_INVALID, f"The form has no part named {FILE_PART!r}. Add the recording.")
    upload.name = parser.file_name
    upload.options.update({name: value for name, value in parser.fields.items() if name in OPTION_NAMES})


class FormParser:
    """Bytes of a form in; the file's bytes out, everything else small and kept."""

    def __init__(self, boundary: bytes) -> None:
        self.is_complete = False
        self.has_file = False
        self.file_name = ""
        self.fields: dict[str, str] = {}
        self._parts = 0
        self._headers: dict[bytes, bytes] = {}
        self._header_name, self._header_value = bytearray(), bytearray()
        self._field: str | None = None
        self._field_value = bytearray()
        self._in_file = False
        self._file_data: list[bytes] = []
        self._parser = MultipartParser(boundary, _callbacks(self))

    def push(self, chunk: bytes) -> list[bytes]:
        """The bytes of the file that `chunk` holds. Raises InvalidInput: REQUEST_INVALID."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidInput(Reason.REQUEST_INVALID, "The form is not well-formed multipart/form-data.") from error
        data, self._file_data = self._file_data, []
        return data

    def part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise InvalidInput(Reason.REQUEST_INVALID, f"A form has at most {_MAX_PARTS} parts.")
        self._headers.clear()
        self._field, self._in_file = None, False
        self._field_value.clear()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def header_end(self) -> None:
        self._headers[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("latin-1")
        _, parameters = parse_options_header(disposition)
        self._field = parameters.get(b"name", b"").decode("utf-8", "replace")
        if self._field != FILE_PART:
            return
        if self.has_file:
            raise InvalidInput(Reason.REQUEST_INVALID, f"The form has two parts named {FILE_PART!r}. Send one file.")
        self.has_file = self._in_file = True
        self.file_name = parameters.get(b"filename", b"").decode("utf-8", "replace")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file_data.append(data[start:end])
        elif self._field in OPTION_NAMES:
            self._field_value += data[start:end]
            if len(self._field_value) > _MAX_FIELD_BYTES:
                raise InvalidInput(Reason.REQUEST_INVALID, f"The field {self._field!r} is too long.")

    def part_end(self) -> None:
        if self._field is not None and not self._in_file and self._field in OPTION_NAMES:
            self.fields[self._field] = self._field_value.decode("utf-8", "replace")

    def end(self) -> None:
        self.is_complete = True


def _callbacks(parser: FormParser) -> Any:
    return {
        "on_part_begin": parser.part_begin,
        "on_header_field": parser.header_field,
        "on_header_value": parser.header_value,
        "on_header_end": parser.header_end,
        "on_headers_finished": parser.headers_finished,
        "on_part_data": parser.part_data,
        "on_part_end": parser.part_end,
        "on_end": parser.end,
    }
