"""What the edge says, as values. Members that this client does not know are passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from music.errors import GenesisError, Reason
from music.note import NoteState

T = TypeVar("T")


class Status(StrEnum):
    """Where a transcription stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of a transcription or a document; None leaves it to the server.

    Attributes:
        tuning: a name, or MIDI pitches of the open strings, string 1 first.
        capo, fret_count, max_stretch, lowest_fret, highest_fret: in frets.
        difficulty, style: of the player the tab is for.
        transcriber, separation, priority: of the job; documents have none.
    """

    tuning: str | Sequence[int] | None = None
    capo: int | None = None
    fret_count: int | None = None
    difficulty: str | None = None
    style: str | None = None
    max_stretch: int | None = None
    lowest_fret: int | None = None
    highest_fret: int | None = None
    transcriber: str | None = None
    separation: str | None = None
    priority: str | None = None

    def told(self) -> dict[str, Any]:
        """By name, as JSON; a form takes the same values as text."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        if self.tuning is not None and not isinstance(self.tuning, str):
            said["tuning"] = ",".join(map(str, self.tuning))
        return said


@dataclass(frozen=True, slots=True)
class Video:
    """What a video's site says of it: strangers' words."""

    id: str
    title: str
    uploader: str
    extractor: str
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a recording: the mix, or from `start_s` on a stem of it."""

    separation: str
    start_s: float
    cause: str
    voice_share: float | None = None


@dataclass(frozen=True, slots=True)
class Transcription:
    """A transcription's job, or the live session it came from. `error` is the problem (RFC 9457) that ended it."""

    id: str
    status: Status
    progress: float
    priority: str
    title: str
    created_at: datetime
    duration_s: float | None = None
    url: str | None = None
    video: Video | None = None
    separation: Heard | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another place for a note; what it costs the hand more."""

    string: int
    fret: int
    cost: float


@dataclass(frozen=True, slots=True)
class Bend:
    time_s: float
    semitones: float


@dataclass(frozen=True, slots=True)
class Technique:
    kind: str
    to: str
    confidence: float
    semitones: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """One note; `string` counts from 1, `fret` from the capo, both None where the neck has no place for it."""

    id: str
    state: NoteState
    onset_s: float
    offset_s: float | None
    pitch: int
    velocity: float
    confidence: float
    string: int | None
    fret: int | None
    flags: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    string_evidence: tuple[float, ...] = ()
    bends: tuple[Bend, ...] = ()
    techniques: tuple[Technique, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    number: int
    time_signature: str
    beats_s: tuple[float, ...]
    end_s: float
    tempo_bpm: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Chord:
    """`symbol` in Harte's syntax."""

    start_s: float
    end_s: float
    symbol: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Gap:
    start_s: float
    end_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class Document:
    """An arrangement of a transcription's notes, in one revision."""

    id: str
    revision: int
    kind: str
    session: str
    sequence: int
    created_at: datetime
    settings: dict[str, Any]
    summary: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """A file of schema genesis.transcription/1; `raw` is all of it, to be written to a .json.

    `rhythm` is what a person has decided about the bars, by the names of `Documents.lock_bars`; None for nothing.
    """

    session: str
    duration_s: float
    tuning: tuple[int, ...]
    capo: int
    models: dict[str, str]
    summary: dict[str, int]
    notes: tuple[Note, ...]
    gaps: tuple[Gap, ...] = ()
    bars: tuple[Bar, ...] = ()
    chords: tuple[Chord, ...] = ()
    tempo_bpm: float | None = None
    time_signature: str | None = None
    key: str | None = None
    rhythm: dict[str, Any] | None = None
    document: Document | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TuningOffer:
    """A tuning or capo that the notes suggest."""

    name: str
    tuning: tuple[int, ...]
    capo: int


@dataclass(frozen=True, slots=True)
class Export:
    """A file for other programs, and what it does not carry, counted by kind."""

    content: bytes
    media_type: str
    losses: dict[str, int]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`key`, the secret itself, is told once: when it is made."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """The caller; without an address on a server that has no accounts."""

    id: str
    email: str | None
    role: str
    created_at: datetime | None


def read(kind: type[T], said: object) -> T:
    """A value of what the server said. Raises GenesisError: INTERNAL, the server speaks another language."""
    try:
        value: T = _adapter(kind).validate_python(said)  # type: ignore[arg-type]  # classes are hashable
    except ValidationError as error:
        raise GenesisError(Reason.INTERNAL, f"The server's {kind.__name__} is none: {error}") from error
    return value


def read_result(said: Mapping[str, Any]) -> Result:
    """As `read`."""
    return replace(read(Result, said), raw=said)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
