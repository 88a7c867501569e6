"""The JSON that leaves by the REST paths; tests hold the answers to these shapes. Times end in their unit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from music.errors import Reason
from music.events import Separation
from web_edge.rows import Priority, Status


class Shape(BaseModel):
    """Readers pass over members that they do not know: later versions add some."""

    model_config = ConfigDict(extra="allow")


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="an identifier that is stable: https://genesis.music/problems/<reason>")
    title: str
    status: int
    detail: str = Field(description="a sentence for people: what was found, and what to do")
    reason: Reason
    about: dict[str, str] = Field(default_factory=dict, description="facts for programs")


class Video(Shape):
    """What a video's site says of it: strangers' words, to be escaped where they are shown."""

    id: str
    title: str
    uploader: str
    extractor: str
    duration_s: float | None


class Heard(Shape):
    """What was heard of a recording: the mix, or from some second on a stem of it, which can be fetched."""

    separation: Separation
    start_s: float
    cause: str = Field(description="asked; or of auto: voice, no_voice, too_short, no_separator, too_slow")
    voice_share: float | None = Field(description="how much of the energy was voice where auto looked last, 0 to 1")


class Transcription(Shape):
    """A transcription: its job, or the live session it came from."""

    id: str
    status: Status
    progress: float = Field(ge=0, le=1, description="part of the recording that is transcribed")
    priority: Priority
    title: str
    url: str | None = Field(description="of the video that the job was given")
    video: Video | None = Field(description="once the video is fetched")
    created_at: datetime
    duration_s: float | None
    separation: Heard | None = Field(description="where something was to be separated")
    error: Problem | None


class TranscriptionPage(Shape):
    """The newest first; `next` is the cursor of the next page, null on the last one."""

    items: list[Transcription]
    next: str | None


class TranscriptionFile(Shape):
    """A file of schema genesis.transcription/1."""

    schema_: Literal["genesis.transcription/1"] = Field(alias="schema")
    session: str
    models: dict[str, str]
    duration_s: float
    tuning: list[int] = Field(description="MIDI pitches of the open strings, string 1 first")
    capo: int
    gaps: list[dict[str, Any]]
    summary: dict[str, int]
    notes: list[dict[str, Any]] = Field(description="by onset, then pitch")


class DocumentSummary(Shape):
    """An arrangement of a transcription's notes, in one revision."""

    id: str
    revision: int = Field(ge=1)
    kind: Literal["arrangement"]
    session: str
    sequence: int
    created_at: datetime
    settings: dict[str, Any]
    summary: dict[str, int]


class DocumentList(Shape):
    """The last revision of each, the newest first."""

    items: list[DocumentSummary]


class Offer(Shape):
    """A tuning that the notes suggest."""

    name: str
    tuning: list[int]
    capo: int


class TuningOffer(Shape):
    """`offer` is null where the notes suggest none."""

    offer: Offer | None


class Loss(Shape):
    """Something that a format does not carry."""

    kind: str
    count: int
    message: str


class ExportReport(Shape):
    """What an exported file does not carry."""

    format: str
    losses: list[Loss]


class Features(Shape):
    """What a page may offer. `longest_video_s` is null where there are no videos."""

    videos: bool
    longest_video_s: float | None
    largest_upload_bytes: int


class Alive(Shape):
    """The process answers."""

    status: Literal["alive"]


class Ready(Shape):
    """The neighbours answer too."""

    status: Literal["ready"]
    parts: dict[str, str]
