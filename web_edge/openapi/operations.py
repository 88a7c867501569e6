"""What every operation takes and answers beyond what its route and its handler's docstring say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from exports.formats import FORMATS
from music.events import Separation
from music.player import DIFFICULTY_NAMES, MAX_STRETCH, STYLE_NAMES
from music.tuning import MAX_FRETS, MIN_FRETS, TUNINGS
from web_edge.openapi import shapes
from web_edge.rows import Priority, Status

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        name: its operationId.
        answers: by status: the shape of a JSON answer, or the media types of another, or None for an empty one.
        problems: statuses of the problems it may answer with, besides those of every operation.
        parameters: OpenAPI parameter objects, besides those in the path.
        body: an OpenAPI request body, if it takes one.
        headers: by status: names of headers that the answer has, with what they say.
        makes: whether an answer of 202 names a transcription that other operations take.
    """

    name: str
    answers: dict[int, type[BaseModel] | tuple[str, ...] | None]
    problems: tuple[int, ...] = ()
    parameters: tuple[Json, ...] = ()
    body: Json | None = None
    headers: dict[int, dict[str, str]] | None = None
    makes: bool = False


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _header(name: str, description: str, schema: Json | None = None) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": schema or {"type": "string"},
        "description": description,
    }


_WORD = {"type": "string", "maxLength": 64}
_FRET = {"type": "integer", "minimum": 1, "maximum": MAX_FRETS}
_TUNING_NAME = {"type": "string", "enum": list(TUNINGS)}
_PITCHES = {"type": "string", "pattern": r"^\d{2}(,\d{2}){3,7}$", "description": "of the open strings, string 1 first"}
_PLAYER: Final[Json] = {
    "difficulty": {"type": "string", "enum": list(DIFFICULTY_NAMES)},
    "style": {"type": "string", "enum": list(STYLE_NAMES)},
    "max_stretch": {"type": "integer", "minimum": 1, "maximum": MAX_STRETCH},
    "lowest_fret": _FRET,
    "highest_fret": _FRET,
}
_INSTRUMENT: Final[Json] = {
    "tuning": {"anyOf": [_TUNING_NAME, _PITCHES]},
    "capo": {"type": "integer", "minimum": 0, "maximum": 12},
    "fret_count": {**_FRET, "minimum": MIN_FRETS},
}
_OPTIONS: Final[Json] = {
    **_INSTRUMENT,
    **_PLAYER,
    "transcriber": _WORD,
    "separation": {"type": "string", "enum": [kind.value for kind in Separation]},
    "priority": {"type": "string", "enum": [kind.value for kind in Priority]},
}
_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": _BINARY, **_OPTIONS},
}
_ADDRESS = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {"url": {"type": "string", "maxLength": 2048, "description": "of one video"}, **_OPTIONS},
}
_UPLOAD = {
    "required": True,
    "description": "The recording: the part `file` of a form, with options as fields, or the bytes themselves. Or, "
    "where the server allows it, the address of a video.",
    "content": {
        "multipart/form-data": {"schema": _FORM},
        "audio/*": {"schema": _BINARY},
        "application/json": {"schema": _ADDRESS},
    },
}
_ARRANGE = {
    "required": False,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **_INSTRUMENT,
                    "tuning": {"anyOf": [_TUNING_NAME, _PITCHES, {"type": "array", "items": {"type": "integer"}}]},
                    **_PLAYER,
                    "pins": {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
                    "document": {"type": "string", "description": "whose next revision this is to be"},
                },
            }
        }
    },
}
_DOCUMENT = _query("document", {"type": "string"}, "id of a document; the transcription itself without it")
_REVISION = _query("revision", {"type": "integer", "minimum": 1}, "of the document; the last one without it")
_IF_NONE_MATCH = _header("If-None-Match", "entity tags that the reader has: 304 where one is still right")
_TAGGED = {"ETag": "of this answer"}
_TUS = _header("Tus-Resumable", "the version of tus that is spoken", {"type": "string", "const": "1.0.0"})
_LOCATION = {"Location": "where what was made can be had"}
_JSON, _BYTES = ("application/json",), ("*/*",)
_RANGES = (
    _header("Range", "bytes of the recording, 16 ranges at most"),
    _header("If-Range", "the tag of the recording that the reader has a part of"),
    _IF_NONE_MATCH,
)
_IN_RANGES: Final[dict[int, type[BaseModel] | tuple[str, ...] | None]] = {200: _BYTES, 206: _BYTES, 304: None}
_RANGE_HEADERS = {200: _TAGGED, 206: {**_TAGGED, "Content-Range": "where a single part lies"}}
_ONE = "/api/transcribe/{id}"

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("POST", "/api/transcribe"): Operation(
        "createTranscription",
        {202: shapes.Transcription},
        (408, 413, 415, 422),
        (
            *(
                _query(name, schema, "an option; a form's field of the same name goes first")
                for name, schema in _OPTIONS.items()
            ),
            _query("filename", {"type": "string"}, "of a recording that is sent as the body itself"),
            _header(
                "Idempotency-Key",
                "the same request under the same key makes nothing new for a day",
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            ),
        ),
        _UPLOAD,
        {202: {**_LOCATION, "Idempotency-Replayed": "`true` where the key was known"}},
        makes=True,
    ),
    ("OPTIONS", "/api/uploads"): Operation("offerUploads", {204: None}),
    ("POST", "/api/uploads"): Operation(
        "beginUpload",
        {201: None},
        (412, 413, 422),
        (_TUS, _header("Upload-Length", "bytes in all"), _header("Upload-Metadata", "`filename` and the options")),
        headers={201: _LOCATION},
    ),
    ("PATCH", "/api/uploads/{upload}"): Operation(
        "continueUpload",
        {204: None},
        (404, 408, 409, 412, 413, 415, 422, 460),
        (
            _TUS,
            _header("Upload-Offset", "where these bytes begin"),
            _header("Upload-Checksum", "sha256 or sha1, a space, the digest of these bytes in base64"),
        ),
        {"required": True, "content": {"application/offset+octet-stream": {"schema": _BINARY}}},
    ),
    ("DELETE", "/api/uploads/{upload}"): Operation("endUpload", {204: None}, (404, 409, 412), (_TUS,)),
    ("GET", "/api/transcribe"): Operation(
        "listTranscriptions",
        {200: shapes.TranscriptionPage},
        (422,),
        (
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "how many at most"),
            _query("cursor", {"type": "string"}, "`next` of the page before"),
            _query(
                "status",
                {"type": "array", "items": {"type": "string", "enum": [status.value for status in Status]}},
                "only those in one of these states",
            ),
        ),
    ),
    ("GET", _ONE): Operation(
        "getTranscription",
        {200: shapes.Transcription, 304: None},
        (404,),
        (_IF_NONE_MATCH,),
        headers={200: _TAGGED},
    ),
    ("DELETE", _ONE): Operation("deleteTranscription", {204: None}, (404,)),
    ("POST", _ONE + "/cancel"): Operation("cancelTranscription", {200: shapes.Transcription}, (404, 409)),
    ("POST", _ONE + "/retry"): Operation(
        "retryTranscription", {202: shapes.Transcription}, (404, 409), headers={202: _LOCATION}
    ),
    ("GET", _ONE + "/result"): Operation(
        "getResult",
        {200: shapes.TranscriptionFile, 304: None},
        (404, 409, 413, 415, 422),
        (_DOCUMENT, _REVISION, _IF_NONE_MATCH),
        headers={200: _TAGGED},
    ),
    ("GET", _ONE + "/audio"): Operation("getAudio", _IN_RANGES, (404, 416), _RANGES, headers=_RANGE_HEADERS),
    ("GET", _ONE + "/stem"): Operation("getStem", _IN_RANGES, (404, 409, 416), _RANGES, headers=_RANGE_HEADERS),
    ("POST", _ONE + "/arrange"): Operation(
        "arrangeTranscription",
        {201: shapes.TranscriptionFile},
        (404, 409, 413, 415, 422),
        body=_ARRANGE,
        headers={201: _LOCATION},
    ),
    ("POST", _ONE + "/bars"): Operation(
        "lockBars",
        {201: shapes.TranscriptionFile},
        (404, 409, 413, 415, 422),
        body={"required": False, "content": {"application/json": {"schema": {"type": "object"}}}},
        headers={201: _LOCATION},
    ),
    ("GET", _ONE + "/documents"): Operation("listDocuments", {200: shapes.DocumentList}, (404,)),
    ("GET", _ONE + "/documents/{document}"): Operation(
        "getDocument", {200: shapes.DocumentSummary}, (404, 422), (_REVISION,)
    ),
    ("DELETE", _ONE + "/documents/{document}"): Operation("deleteDocument", {204: None}, (404,)),
    ("GET", _ONE + "/tuning"): Operation("offerTuning", {200: shapes.TuningOffer}, (404, 409, 413, 415, 422)),
    ("GET", _ONE + "/export/{format}"): Operation(
        "exportTranscription",
        {200: tuple(known.media_type.split(";")[0] for known in FORMATS.values()), 304: None},
        (404, 409, 413, 415, 422),
        (_DOCUMENT, _REVISION, _IF_NONE_MATCH),
        headers={200: {**_TAGGED, "Genesis-Export-Losses": "what the file does not carry, counted"}},
    ),
    ("GET", _ONE + "/export/{format}/report"): Operation(
        "reportExport", {200: shapes.ExportReport}, (404, 409, 413, 415, 422), (_DOCUMENT, _REVISION)
    ),
    ("GET", "/health"): Operation("getHealth", {200: shapes.Alive}),
    ("GET", "/ready"): Operation("getReadiness", {200: shapes.Ready}),
    ("GET", "/openapi.json"): Operation("getOpenApi", {200: _JSON, 304: None}, (), (_IF_NONE_MATCH,)),
    ("GET", "/docs"): Operation("getReference", {200: ("text/html",)}),
    ("GET", "/docs/{path:path}"): Operation("getReferenceFile", {200: ("text/css",)}, (404,)),
}
"""By method and path, as the routes name it."""
