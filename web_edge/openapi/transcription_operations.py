"""The operations on transcriptions, and those that describe the server."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from exports.formats import FORMATS
from music.errors import Reason
from web_edge.openapi import notation_shapes, shapes
from web_edge.openapi.operation import LOCATION, Operation, header, json_body, query
from web_edge.openapi.option_schemas import INSTRUMENT, OPTIONS, PITCH_LIST, PITCHES, PLAYER, TUNING_NAME
from web_edge.openapi.refusals import NO_RESULT, NO_TRANSCRIPTION
from web_edge.openapi.refusals import OPTIONS as OPTIONS_REFUSED
from web_edge.rows import Status

Json = dict[str, Any]

_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": _BINARY, **OPTIONS},
}
_ADDRESS = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {"url": {"type": "string", "maxLength": 2048, "description": "of one video"}, **OPTIONS},
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
_NEXT_OF = {"type": "string", "description": "id of the document whose next revision this is to be"}
_ARRANGE = json_body(
    {
        **INSTRUMENT,
        "tuning": {"anyOf": [TUNING_NAME, PITCHES, PITCH_LIST]},
        **PLAYER,
        "pins": {
            "type": "object",
            "additionalProperties": {"type": ["integer", "null"]},
            "description": "by note id: the string it is played on, or null to leave that open again",
        },
        "document": _NEXT_OF,
    },
    (),
    {"tuning": "drop_d", "difficulty": "beginner"},
    {"capo": 2, "lowest_fret": 1, "highest_fret": 7},
)
_SECONDS = {"type": "number", "minimum": 0}
_BARS = json_body(
    {
        "tempo_bpm": {"type": ["number", "null"], "minimum": 0, "maximum": 1000},
        "time_signature": {"type": ["string", "null"], "description": "such as 3/4"},
        "bar_one_s": {**_SECONDS, "type": ["number", "null"]},
        "taps_s": {"type": ["array", "null"], "maxItems": 10_000, "items": _SECONDS},
        "document": _NEXT_OF,
    },
    (),
    {"tempo_bpm": 92.5, "time_signature": "3/4"},
)
_DOCUMENT = query("document", {"type": "string"}, "id of a document; the transcription itself without it")
_REVISION = query("revision", {"type": "integer", "minimum": 1}, "of the document; the last one without it")
_IF_NONE_MATCH = header("If-None-Match", "entity tags that the reader has: 304 where one is still right")
_TAGGED = {"ETag": "of this answer"}
_TUS = header("Tus-Resumable", "the version of tus that is spoken", {"type": "string", "const": "1.0.0"})
_OFFSET = {"Upload-Offset": "how many bytes are here"}
_MADE = {"Genesis-Transcription": "of a whole upload: where its transcription is"}
_NO_TUS: Final = (412, Reason.REQUEST_INVALID)
_IN_ANOTHER_STATE: Final = (*NO_TRANSCRIPTION, Reason.JOB_STATE_CONFLICT)
_NO_EXPORT: Final = (*NO_RESULT, Reason.REQUEST_INVALID, Reason.SESSION_LIMIT_REACHED)
_JSON, _BYTES = ("application/json",), ("*/*",)
_RANGES = (
    header("Range", "bytes of the recording, 16 ranges at most"),
    header("If-Range", "the tag of the recording that the reader has a part of"),
    _IF_NONE_MATCH,
)
_IN_RANGES: Final[dict[int, type[BaseModel] | tuple[str, ...] | None]] = {200: _BYTES, 206: _BYTES, 304: None}
_RANGE_HEADERS = {200: _TAGGED, 206: {**_TAGGED, "Content-Range": "where a single part lies"}}
_ONE = "/api/transcribe/{id}"

TRANSCRIPTIONS: Final[dict[tuple[str, str], Operation]] = {
    ("POST", "/api/transcribe"): Operation(
        "createTranscription",
        {202: shapes.Transcription},
        (
            *OPTIONS_REFUSED,
            Reason.STREAM_IDLE,
            Reason.AUDIO_EMPTY,
            Reason.AUDIO_TOO_LARGE,
            Reason.ENCODING_UNSUPPORTED,
            Reason.URL_REFUSED,
            Reason.IDEMPOTENCY_KEY_REUSED,
        ),
        (
            *(
                query(name, schema, "an option; a form's field of the same name goes first")
                for name, schema in OPTIONS.items()
            ),
            query("filename", {"type": "string"}, "of a recording that is sent as the body itself"),
            header(
                "Idempotency-Key",
                "the same request under the same key makes nothing new for a day",
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            ),
        ),
        _UPLOAD,
        {202: {**LOCATION, "Idempotency-Replayed": "`true` where the key was known"}},
        makes=True,
    ),
    ("OPTIONS", "/api/uploads"): Operation("offerUploads", {204: None}),
    ("POST", "/api/uploads"): Operation(
        "beginUpload",
        {201: None},
        (*OPTIONS_REFUSED, _NO_TUS, Reason.AUDIO_EMPTY, Reason.AUDIO_TOO_LARGE),
        (_TUS, header("Upload-Length", "bytes in all"), header("Upload-Metadata", "`filename` and the options")),
        headers={201: LOCATION},
    ),
    ("HEAD", "/api/uploads/{upload}"): Operation(
        "lookAtUpload",
        {200: None},
        (_NO_TUS,),
        (_TUS,),
        headers={200: {**_OFFSET, "Upload-Length": "bytes in all", **_MADE}},
    ),
    ("PATCH", "/api/uploads/{upload}"): Operation(
        "continueUpload",
        {204: None},
        (
            _NO_TUS,
            (460, Reason.REQUEST_INVALID),
            Reason.REQUEST_INVALID,
            Reason.STREAM_IDLE,
            Reason.JOB_STATE_CONFLICT,
            Reason.AUDIO_EMPTY,
            Reason.AUDIO_TOO_LARGE,
            Reason.ENCODING_UNSUPPORTED,
        ),
        (
            _TUS,
            header("Upload-Offset", "where these bytes begin"),
            header("Upload-Checksum", "sha256 or sha1, a space, the digest of these bytes in base64"),
        ),
        {"required": True, "content": {"application/offset+octet-stream": {"schema": _BINARY}}},
        {204: {**_OFFSET, **_MADE}},
    ),
    ("DELETE", "/api/uploads/{upload}"): Operation(
        "endUpload", {204: None}, (_NO_TUS, Reason.JOB_STATE_CONFLICT), (_TUS,)
    ),
    ("GET", "/api/transcribe"): Operation(
        "listTranscriptions",
        {200: shapes.TranscriptionPage},
        (Reason.REQUEST_INVALID,),
        (
            query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "how many at most"),
            query("cursor", {"type": "string"}, "`next` of the page before"),
            query(
                "status",
                {"type": "array", "items": {"type": "string", "enum": [status.value for status in Status]}},
                "only those in one of these states",
            ),
        ),
    ),
    ("GET", _ONE): Operation(
        "getTranscription",
        {200: shapes.Transcription, 304: None},
        NO_TRANSCRIPTION,
        (_IF_NONE_MATCH,),
        headers={200: _TAGGED},
    ),
    ("DELETE", _ONE): Operation("deleteTranscription", {204: None}, NO_TRANSCRIPTION),
    ("POST", _ONE + "/cancel"): Operation("cancelTranscription", {200: shapes.Transcription}, _IN_ANOTHER_STATE),
    ("POST", _ONE + "/retry"): Operation(
        "retryTranscription", {202: shapes.Transcription}, _IN_ANOTHER_STATE, headers={202: LOCATION}
    ),
    ("GET", _ONE + "/result"): Operation(
        "getResult",
        {200: shapes.TranscriptionFile, 304: None},
        (*NO_RESULT, Reason.REQUEST_INVALID),
        (_DOCUMENT, _REVISION, _IF_NONE_MATCH),
        headers={200: _TAGGED},
    ),
    ("GET", _ONE + "/audio"): Operation(
        "getAudio", _IN_RANGES, (*NO_TRANSCRIPTION, Reason.RANGE_NOT_SATISFIABLE), _RANGES, headers=_RANGE_HEADERS
    ),
    ("GET", _ONE + "/stem"): Operation(
        "getStem",
        _IN_RANGES,
        (*NO_TRANSCRIPTION, Reason.RESULT_NOT_READY, Reason.STEM_NOT_FOUND, Reason.RANGE_NOT_SATISFIABLE),
        _RANGES,
        headers=_RANGE_HEADERS,
    ),
    ("POST", _ONE + "/arrange"): Operation(
        "arrangeTranscription",
        {201: shapes.TranscriptionFile},
        (*NO_RESULT, *OPTIONS_REFUSED, Reason.SESSION_LIMIT_REACHED),
        body=_ARRANGE,
        headers={201: LOCATION},
    ),
    ("POST", _ONE + "/bars"): Operation(
        "lockBars",
        {201: shapes.TranscriptionFile},
        (*NO_RESULT, *OPTIONS_REFUSED, Reason.SESSION_LIMIT_REACHED),
        body=_BARS,
        headers={201: LOCATION},
    ),
    ("GET", _ONE + "/documents"): Operation("listDocuments", {200: shapes.DocumentList}, NO_TRANSCRIPTION),
    ("GET", _ONE + "/documents/{document}"): Operation(
        "getDocument", {200: shapes.DocumentSummary}, (*NO_TRANSCRIPTION, Reason.REQUEST_INVALID), (_REVISION,)
    ),
    ("DELETE", _ONE + "/documents/{document}"): Operation("deleteDocument", {204: None}, NO_TRANSCRIPTION),
    ("GET", _ONE + "/tuning"): Operation(
        "offerTuning", {200: shapes.TuningOffer}, (*NO_RESULT, Reason.SESSION_LIMIT_REACHED)
    ),
    ("GET", _ONE + "/notation"): Operation(
        "getNotation",
        {200: notation_shapes.NotationSheet, 304: None},
        _NO_EXPORT,
        (_DOCUMENT, _REVISION, _IF_NONE_MATCH),
        headers={200: _TAGGED},
    ),
    ("GET", _ONE + "/export/{format}"): Operation(
        "exportTranscription",
        {200: tuple(known.media_type.split(";")[0] for known in FORMATS.values()), 304: None},
        _NO_EXPORT,
        (_DOCUMENT, _REVISION, _IF_NONE_MATCH),
        headers={200: {**_TAGGED, "Genesis-Export-Losses": "what the file does not carry, counted"}},
    ),
    ("GET", _ONE + "/export/{format}/report"): Operation(
        "reportExport", {200: shapes.ExportReport}, _NO_EXPORT, (_DOCUMENT, _REVISION)
    ),
    ("GET", "/api/features"): Operation(
        "getFeatures", {200: shapes.Features, 304: None}, (), (_IF_NONE_MATCH,), headers={200: _TAGGED}
    ),
    ("GET", "/health"): Operation("getHealth", {200: shapes.Alive}),
    ("GET", "/ready"): Operation("getReadiness", {200: shapes.Ready}),
    ("GET", "/openapi.json"): Operation("getOpenApi", {200: _JSON, 304: None}, (), (_IF_NONE_MATCH,)),
    ("GET", "/asyncapi.json"): Operation("getAsyncApi", {200: _JSON, 304: None}, (), (_IF_NONE_MATCH,)),
    ("GET", "/docs"): Operation("getReference", {200: ("text/html",)}),
    ("GET", "/docs/{path:path}"): Operation("getReferenceFile", {200: ("text/css",)}),
}
