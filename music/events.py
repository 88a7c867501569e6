"""What a session's log consists of. `music.session_state` folds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from music.beats import Bar, BarState, RhythmLock
from music.errors import Reason
from music.harmony import ChordSpan, KeySpan
from music.note import SETTLED, Note
from music.player import DEFAULT_PLAYER, Player
from music.tuning import Instrument
from music.window_schedule import WindowSchedule


class Separation(Enum):
    """Which stem is transcribed."""

    OFF = "off"
    AUTO = "auto"
    VOCALS_REMOVED = "vocals_removed"
    GUITAR = "guitar"


class AudioEncoding(Enum):
    """How the caller's bytes are to be read; CONTAINER is the bytes of one file whose header says the rest."""

    PCM_S16LE = "pcm_s16le"
    PCM_F32LE = "pcm_f32le"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The caller's audio; rate and channel count are 0 for a container."""

    encoding: AudioEncoding
    sample_rate_hz: int = 0
    channel_count: int = 0


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A model that took part: its role ("transcriber", "separator"), name, and the file's SHA-256 in hex."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What the caller asked for; with the samples and the models it determines every committed note.

    `separation_schedule` is which windows a separator takes; None leaves the choice to the server, which writes it
    down in `SessionStarted`: with it the session can be played again as it was.
    """

    audio: AudioFormat
    instrument: Instrument = field(default_factory=Instrument)
    transcriber: str = ""
    separation: Separation = Separation.OFF
    session_id: str = ""
    player: Player = DEFAULT_PLAYER
    separation_schedule: WindowSchedule | None = None


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """First event of every attempt.

    `started_at_ns` is Unix time, `owner` the account whose session it is: "" where there are no accounts.
    """

    config: SessionConfig
    models: tuple[ModelReference, ...]
    started_at_ns: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class NoteRevised:
    """A note appeared or changed."""

    note: Note


@dataclass(frozen=True, slots=True)
class BarsRevised:
    """Bars in order: COMMITTED ones follow those before and stay; TENTATIVE ones are all that come after.

    `revision` is that of the `RhythmLocked` they follow, 0 for none.
    """

    bars: tuple[Bar, ...]
    state: BarState
    revision: int = 0


@dataclass(frozen=True, slots=True)
class RhythmLocked:
    """A person has decided about the bars; those that end after `start`, committed or not, are told anew.

    Attributes:
        lock: all that is decided from here on.
        revision: counts the locks of a session, from 1.
        at: when it took effect, a sample index. With it the same notes give the same bars again.
        start: a sample index; bars that end no later stay. 0: none does, not even one before the recording.
    """

    lock: RhythmLock
    revision: int
    at: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class HarmonyRevised:
    """Chords as bars are; `keys`, where there are any, are all so far and replace those told before."""

    chords: tuple[ChordSpan, ...]
    keys: tuple[KeySpan, ...]
    state: BarState


@dataclass(frozen=True, slots=True)
class Progressed:
    """Audio accepted so far and, once known, the length of the whole recording (sample indices)."""

    received_until: int
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class CadenceChanged:
    """Tentative notes are looked for every `cadence` samples from now on, or not at all (0).

    `cause` is "file" (nobody waits for them), "load", "backlog" or "recovered".
    """

    cadence: int
    cause: str


@dataclass(frozen=True, slots=True)
class RunnerChanged:
    """The network runs on `runner` from now on, "triton" or "in_process"; `cause` says why not where it should."""

    runner: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class SeparationChosen:
    """What is heard from sample `start` on: the mix, or a stem of it.

    Attributes:
        separation: OFF, VOCALS_REMOVED or GUITAR.
        start: a sample index of the session's clock; before it the mix was heard.
        cause: "asked"; or of AUTO "voice", "no_voice", "too_short", "no_separator", "too_slow".
        latency: samples that a sound is later known than without separation, at worst; computing comes on top.
        voice_share: how much of the energy was voice where AUTO looked last; None where it did not.
    """

    separation: Separation
    start: int
    cause: str
    latency: int = 0
    voice_share: float | None = None


@dataclass(frozen=True, slots=True)
class GapFound:
    """Input in [start, end) was lost and not transcribed."""

    start: int
    end: int
    cause: str


class EndReason(Enum):
    """Why a session ended without failing; what was accepted is transcribed in each case."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session is over; `duration` is in samples."""

    reason: EndReason
    duration: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session is over because of an error; what was accepted before it is transcribed."""

    reason: Reason
    message: str
    duration: int


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """The durable part of a session, folded up to the durable event `sequence`; replaces what a reader holds.

    `notes` are COMMITTED or ENDED, by onset, then pitch.
    """

    sequence: int
    attempt: int
    processed_until: int
    started: SessionStarted | None
    notes: tuple[Note, ...]
    gaps: tuple[GapFound, ...]
    ended: SessionEnded | None
    failed: SessionFailed | None
    bars: tuple[Bar, ...] = ()
    chords: tuple[ChordSpan, ...] = ()
    keys: tuple[KeySpan, ...] = ()
    separation: SeparationChosen | None = None
    rhythm_locks: tuple[RhythmLocked, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """What a newer version tells and this one does not know. It takes its place in the log, and says nothing."""

    is_durable: bool


Payload = (
    SessionStarted
    | NoteRevised
    | BarsRevised
    | HarmonyRevised
    | RhythmLocked
    | Progressed
    | CadenceChanged
    | RunnerChanged
    | SeparationChosen
    | GapFound
    | SessionEnded
    | SessionFailed
    | SnapshotTaken
    | UnknownEvent
)


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One entry of the log.

    Attributes:
        sequence: strictly increasing from 1; may skip.
        attempt: counts the session's writers from 1.
        previous_durable_sequence: on durable events, the durable one before; else 0.
        processed_until: the watermark (sample index) when the event was made; every note before it is settled.
        created_at_ns: Unix time.
    """

    session_id: str
    sequence: int
    attempt: int
    previous_durable_sequence: int
    processed_until: int
    created_at_ns: int
    payload: Payload


def snapshot_event(session_id: str, snapshot: SnapshotTaken, created_at_ns: int = 0) -> SessionEvent:
    """A snapshot the way it is stored and sent."""
    return SessionEvent(
        session_id=session_id,
        sequence=snapshot.sequence,
        attempt=snapshot.attempt,
        previous_durable_sequence=0,
        processed_until=snapshot.processed_until,
        created_at_ns=created_at_ns,
        payload=snapshot,
    )


def is_durable(payload: Payload) -> bool:
    """Whether an event lives for the retention time and is never dropped; the others expire and may be coalesced."""
    if isinstance(payload, NoteRevised):
        return payload.note.state in SETTLED
    if isinstance(payload, BarsRevised | HarmonyRevised):
        return payload.state is BarState.COMMITTED
    if isinstance(payload, UnknownEvent):
        return payload.is_durable
    return not isinstance(payload, Progressed | CadenceChanged | RunnerChanged | SnapshotTaken)


def is_terminal(payload: Payload) -> bool:
    """Whether nothing follows this event in its session."""
    return isinstance(payload, SessionEnded | SessionFailed)
