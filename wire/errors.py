"""One table: reason → gRPC status, HTTP status, title. And the error's way onto the wire."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from music.errors import (
    Cancelled,
    Conflict,
    Forbidden,
    GenesisError,
    InvalidInput,
    NotFound,
    Overloaded,
    Reason,
    Unauthenticated,
    Unavailable,
)

DOMAIN = "genesis.music"
PROBLEM_TYPE_BASE = "https://genesis.music/problems/"
"""Prefix of a REST problem's `type`; an identifier, not a page that must be fetched."""


@dataclass(frozen=True, slots=True)
class Face:
    """How a reason looks from outside."""

    grpc: grpc.StatusCode
    http: int
    title: str


_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_DOWN = grpc.StatusCode.UNAVAILABLE

FACES: dict[Reason, Face] = {
    Reason.AUDIO_EMPTY: Face(_INVALID, 422, "The audio is empty"),
    Reason.AUDIO_UNREADABLE: Face(_INVALID, 422, "This is not audio we can read"),
    Reason.AUDIO_TRUNCATED: Face(_INVALID, 422, "The audio ends before its header says"),
    Reason.AUDIO_NOT_FINITE: Face(_INVALID, 422, "The audio holds samples that are not numbers"),
    Reason.AUDIO_TOO_LONG: Face(_INVALID, 422, "The audio is too long"),
    Reason.AUDIO_TOO_LARGE: Face(_INVALID, 413, "The file is too large"),
    Reason.SAMPLE_RATE_OUT_OF_RANGE: Face(_INVALID, 422, "The sample rate is out of range"),
    Reason.CHANNEL_COUNT_OUT_OF_RANGE: Face(_INVALID, 422, "The channel count is out of range"),
    Reason.ENCODING_UNSUPPORTED: Face(_INVALID, 415, "This kind of audio is not supported"),
    Reason.CHUNK_TOO_LARGE: Face(_INVALID, 413, "An audio chunk is too large"),
    Reason.CHUNK_MISALIGNED: Face(_INVALID, 422, "An audio chunk holds part of a sample"),
    Reason.CONFIG_MISSING: Face(_INVALID, 422, "Audio came before the configuration"),
    Reason.CONFIG_DUPLICATE: Face(_INVALID, 422, "The configuration came twice"),
    Reason.CONFIG_INVALID: Face(_INVALID, 422, "The configuration is not valid"),
    Reason.TUNING_INVALID: Face(_INVALID, 422, "The tuning is not valid"),
    Reason.CAPO_INVALID: Face(_INVALID, 422, "The capo is not valid"),
    Reason.TRANSCRIBER_UNKNOWN: Face(_INVALID, 422, "There is no such transcriber"),
    Reason.SEPARATION_UNAVAILABLE: Face(_INVALID, 422, "This separation is not available here"),
    Reason.SESSION_NOT_FOUND: Face(grpc.StatusCode.NOT_FOUND, 404, "There is no such session"),
    Reason.SESSION_EXISTS: Face(grpc.StatusCode.ALREADY_EXISTS, 409, "That session is over already"),
    Reason.SESSION_SUPERSEDED: Face(grpc.StatusCode.ABORTED, 409, "Another writer has taken the session over"),
    Reason.SESSION_LIMIT_REACHED: Face(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Too many sessions at once"),
    Reason.STREAM_IDLE: Face(grpc.StatusCode.DEADLINE_EXCEEDED, 408, "Nothing was sent for too long"),
    Reason.SERVER_DRAINING: Face(_DOWN, 503, "The server is stopping"),
    Reason.BUS_UNAVAILABLE: Face(_DOWN, 503, "The message bus cannot be reached"),
    Reason.ORCHESTRATOR_UNAVAILABLE: Face(_DOWN, 503, "The transcription service cannot be reached"),
    Reason.DATABASE_UNAVAILABLE: Face(_DOWN, 503, "The database cannot be reached"),
    Reason.MODEL_MISSING: Face(grpc.StatusCode.FAILED_PRECONDITION, 503, "A model has not been built"),
    Reason.MODEL_MISMATCH: Face(grpc.StatusCode.FAILED_PRECONDITION, 503, "A model does not match its configuration"),
    Reason.MODEL_SERVER_UNAVAILABLE: Face(_DOWN, 503, "The model server cannot be reached"),
    Reason.FILE_NOT_FOUND: Face(grpc.StatusCode.NOT_FOUND, 404, "There is no such file"),
    Reason.STEM_NOT_FOUND: Face(grpc.StatusCode.NOT_FOUND, 404, "No such stem is kept"),
    Reason.TRANSCRIPTION_NOT_FOUND: Face(grpc.StatusCode.NOT_FOUND, 404, "There is no such transcription"),
    Reason.RESULT_NOT_READY: Face(grpc.StatusCode.FAILED_PRECONDITION, 409, "The result is not ready yet"),
    Reason.REQUEST_INVALID: Face(_INVALID, 422, "The request is not valid"),
    Reason.NOT_FOUND: Face(grpc.StatusCode.NOT_FOUND, 404, "There is nothing here"),
    Reason.METHOD_NOT_ALLOWED: Face(grpc.StatusCode.UNIMPLEMENTED, 405, "This method is not allowed here"),
    Reason.CANCELLED: Face(grpc.StatusCode.CANCELLED, 499, "The caller went away"),
    Reason.INTERNAL: Face(grpc.StatusCode.INTERNAL, 500, "Something went wrong on our side"),
    Reason.ORIGIN_NOT_ALLOWED: Face(grpc.StatusCode.PERMISSION_DENIED, 403, "This origin may not connect"),
    Reason.READER_TOO_SLOW: Face(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "The reader is too slow"),
    Reason.STORAGE_UNAVAILABLE: Face(_DOWN, 503, "The disk cannot take the file"),
    Reason.ADDRESS_IN_USE: Face(_DOWN, 503, "Another process listens on that address"),
    Reason.DEMO_UNAVAILABLE: Face(_DOWN, 503, "The demo piece cannot be made here"),
    Reason.PROCESS_FAILED: Face(_DOWN, 503, "A process of the local stack does not run"),
    Reason.CREDENTIALS_MISSING: Face(grpc.StatusCode.UNAUTHENTICATED, 401, "You are not signed in"),
    Reason.TOKEN_INVALID: Face(grpc.StatusCode.UNAUTHENTICATED, 401, "The token does not count"),
    Reason.LOGIN_FAILED: Face(grpc.StatusCode.UNAUTHENTICATED, 401, "Address or password is wrong"),
    Reason.ACCESS_DENIED: Face(grpc.StatusCode.PERMISSION_DENIED, 403, "You may not do this"),
    Reason.ACCOUNT_EXISTS: Face(grpc.StatusCode.ALREADY_EXISTS, 409, "There is an account of this address"),
    Reason.RATE_LIMITED: Face(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Too many requests"),
    Reason.QUOTA_REACHED: Face(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Your share is used up for now"),
    Reason.JOB_STATE_CONFLICT: Face(grpc.StatusCode.FAILED_PRECONDITION, 409, "The job's state does not allow this"),
    Reason.IDEMPOTENCY_KEY_REUSED: Face(_INVALID, 422, "The idempotency key was used for another request"),
    Reason.RANGE_NOT_SATISFIABLE: Face(grpc.StatusCode.OUT_OF_RANGE, 416, "The range cannot be served"),
    Reason.URL_REFUSED: Face(_INVALID, 422, "This address cannot be transcribed"),
    Reason.RHYTHM_LOCK_INVALID: Face(_INVALID, 422, "The bars cannot be set like this"),
    Reason.RHYTHM_LOCK_LIMIT: Face(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "The bars were set too often"),
}

_KINDS: tuple[tuple[type[GenesisError], frozenset[grpc.StatusCode]], ...] = (
    (InvalidInput, frozenset({_INVALID, grpc.StatusCode.OUT_OF_RANGE})),
    (NotFound, frozenset({grpc.StatusCode.NOT_FOUND})),
    (Unauthenticated, frozenset({grpc.StatusCode.UNAUTHENTICATED})),
    (Forbidden, frozenset({grpc.StatusCode.PERMISSION_DENIED})),
    (Overloaded, frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED})),
    (Unavailable, frozenset({_DOWN})),
    (Cancelled, frozenset({grpc.StatusCode.CANCELLED})),
    (
        Conflict,
        frozenset({grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION}),
    ),
)


def to_status(error: GenesisError) -> status_pb2.Status:
    """`google.rpc.Status` with exactly one ErrorInfo."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=error.about))
    code, _name = FACES[error.reason].grpc.value
    return status_pb2.Status(code=code, message=error.message, details=[detail])


def to_problem(error: GenesisError) -> dict[str, object]:
    """RFC 9457 members; `reason` repeats the last part of `type` for programs that do not parse addresses."""
    face = FACES[error.reason]
    return {
        "type": PROBLEM_TYPE_BASE + error.reason.value,
        "title": face.title,
        "status": face.http,
        "detail": error.message,
        "reason": error.reason.value,
        **({"about": error.about} if error.about else {}),
    }


def from_rpc(error: grpc.aio.AioRpcError, otherwise: Reason) -> GenesisError:
    """The error a server of ours raised, from the client's side of the call.

    Args:
        error: what the call raised.
        otherwise: the reason when the status carries no ErrorInfo of ours (a connection that broke, a proxy's answer).
    """
    reason, about = otherwise, dict[str, str]()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # reads the same three methods of either kind of call
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN and info.reason in Reason.__members__:
            reason, about = Reason(info.reason), dict(info.metadata)
    return from_reason(reason, error.details() or FACES[reason].title, **about)


def from_reason(reason: Reason, message: str, **about: object) -> GenesisError:
    """The error of the kind a reason belongs to: InvalidInput for AUDIO_EMPTY, Unavailable for BUS_UNAVAILABLE."""
    code = FACES[reason].grpc
    kind = next((kind for kind, codes in _KINDS if code in codes), GenesisError)
    return kind(reason, message, **about)
