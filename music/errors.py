"""The exception tree of the product.

GenesisError                 carries a `Reason`, a sentence for a person, and what it is about
├── InvalidInput             the caller can mend it: configuration, audio, request
├── NotFound                 there is no such session, transcription, file
├── Conflict                 it exists already, is not ready, or another writer has taken over
├── Unauthenticated          nobody we know: no token, or one that does not count
├── Forbidden                somebody we know, who may not do this
├── Overloaded               a limit was reached; trying again later helps
├── Unavailable              a neighbour (bus, database, model, server) cannot be reached
└── Cancelled                the caller went away

`Reason` is the same everywhere: ErrorInfo.reason on gRPC, the last part of a REST problem's type, the code on a
WebSocket, the first word the command prints. `wire.errors` holds the table to their status codes.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something failed; mirrors `ErrorReason` in proto/genesis/v1/error.proto (a test compares the two)."""

    AUDIO_EMPTY = "AUDIO_EMPTY"
    AUDIO_UNREADABLE = "AUDIO_UNREADABLE"
    AUDIO_TRUNCATED = "AUDIO_TRUNCATED"
    AUDIO_NOT_FINITE = "AUDIO_NOT_FINITE"
    AUDIO_TOO_LONG = "AUDIO_TOO_LONG"
    AUDIO_TOO_LARGE = "AUDIO_TOO_LARGE"
    SAMPLE_RATE_OUT_OF_RANGE = "SAMPLE_RATE_OUT_OF_RANGE"
    CHANNEL_COUNT_OUT_OF_RANGE = "CHANNEL_COUNT_OUT_OF_RANGE"
    ENCODING_UNSUPPORTED = "ENCODING_UNSUPPORTED"
    CHUNK_TOO_LARGE = "CHUNK_TOO_LARGE"
    CHUNK_MISALIGNED = "CHUNK_MISALIGNED"
    CONFIG_MISSING = "CONFIG_MISSING"
    CONFIG_DUPLICATE = "CONFIG_DUPLICATE"
    CONFIG_INVALID = "CONFIG_INVALID"
    TUNING_INVALID = "TUNING_INVALID"
    CAPO_INVALID = "CAPO_INVALID"
    TRANSCRIBER_UNKNOWN = "TRANSCRIBER_UNKNOWN"
    SEPARATION_UNAVAILABLE = "SEPARATION_UNAVAILABLE"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_EXISTS = "SESSION_EXISTS"
    SESSION_SUPERSEDED = "SESSION_SUPERSEDED"
    SESSION_LIMIT_REACHED = "SESSION_LIMIT_REACHED"
    STREAM_IDLE = "STREAM_IDLE"
    SERVER_DRAINING = "SERVER_DRAINING"
    BUS_UNAVAILABLE = "BUS_UNAVAILABLE"
    ORCHESTRATOR_UNAVAILABLE = "ORCHESTRATOR_UNAVAILABLE"
    MODEL_MISSING = "MODEL_MISSING"
    MODEL_MISMATCH = "MODEL_MISMATCH"
    MODEL_SERVER_UNAVAILABLE = "MODEL_SERVER_UNAVAILABLE"
    FILE_NOT_FOUND = "FILE_NOT_FOUND"
    TRANSCRIPTION_NOT_FOUND = "TRANSCRIPTION_NOT_FOUND"
    RESULT_NOT_READY = "RESULT_NOT_READY"
    REQUEST_INVALID = "REQUEST_INVALID"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED"
    READER_TOO_SLOW = "READER_TOO_SLOW"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    ADDRESS_IN_USE = "ADDRESS_IN_USE"
    DEMO_UNAVAILABLE = "DEMO_UNAVAILABLE"
    PROCESS_FAILED = "PROCESS_FAILED"
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a name, not a secret
    LOGIN_FAILED = "LOGIN_FAILED"
    ACCESS_DENIED = "ACCESS_DENIED"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_REACHED = "QUOTA_REACHED"
    JOB_STATE_CONFLICT = "JOB_STATE_CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    RANGE_NOT_SATISFIABLE = "RANGE_NOT_SATISFIABLE"
    URL_REFUSED = "URL_REFUSED"
    RHYTHM_LOCK_INVALID = "RHYTHM_LOCK_INVALID"
    RHYTHM_LOCK_LIMIT = "RHYTHM_LOCK_LIMIT"
    STEM_NOT_FOUND = "STEM_NOT_FOUND"


class GenesisError(Exception):
    """A failure with a reason a program can act on and a sentence a person can act on.

    Args:
        reason: what went wrong.
        message: one or two sentences: what was found, what was expected, what to do.
        **about: facts for programs (`limit`, `found`, `path` …); values are sent as strings.
    """

    def __init__(self, reason: Reason, message: str, **about: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.about = {key: str(value) for key, value in about.items()}


class InvalidInput(GenesisError):
    """The caller can mend it: configuration, audio or request."""


class NotFound(GenesisError):
    """There is no such session, transcription or file."""


class Conflict(GenesisError):
    """It exists already, is not ready yet, or another writer has taken over."""


class Unauthenticated(GenesisError):
    """Nobody we know: there is no token, or it does not count (any more)."""


class Forbidden(GenesisError):
    """Somebody we know, who may not do this."""


class Overloaded(GenesisError):
    """A limit was reached; trying again later helps."""


class Unavailable(GenesisError):
    """A neighbour (bus, database, model, server) cannot be reached."""


class Cancelled(GenesisError):
    """The caller went away."""
