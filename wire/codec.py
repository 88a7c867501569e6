"""Domain value ↔ protobuf message. Sample indices become seconds here and nowhere else.

Messages from outside are checked: decoding raises `InvalidInput` with a reason, never a bare ValueError.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from music.audio import sample_at, seconds
from music.errors import InvalidInput, Reason
from music.events import (
    BarsRevised,
    CadenceChanged,
    EndReason,
    GapFound,
    HarmonyRevised,
    ModelReference,
    NoteRevised,
    Payload,
    Progressed,
    RhythmLocked,
    RunnerChanged,
    SeparationChosen,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from wire.config_codec import decode_config, decode_separation, encode_config, encode_separation
from wire.gen.genesis.v1 import error_pb2, event_pb2, session_pb2
from wire.note_codec import decode_note, encode_note
from wire.rhythm_codec import (
    decode_bar,
    decode_bars,
    decode_chord,
    decode_harmony,
    decode_key,
    decode_locked,
    encode_bar,
    encode_bars,
    encode_chord,
    encode_harmony,
    encode_key,
    encode_locked,
)

_END_REASONS = {
    session_pb2.END_REASON_COMPLETED: EndReason.COMPLETED,
    session_pb2.END_REASON_CANCELLED: EndReason.CANCELLED,
    session_pb2.END_REASON_DRAINED: EndReason.DRAINED,
}
_END_REASONS_OUT = {value: key for key, value in _END_REASONS.items()}
_REASON_PREFIX = "ERROR_REASON_"


def encode_reason(reason: Reason) -> error_pb2.ErrorReason:
    value: error_pb2.ErrorReason = getattr(error_pb2.ErrorReason, _REASON_PREFIX + reason.value)
    return value


def decode_reason(value: error_pb2.ErrorReason) -> Reason:
    """A reason this version does not know becomes INTERNAL: the message beside it still says what happened."""
    try:
        return Reason(error_pb2.ErrorReason.Name(value).removeprefix(_REASON_PREFIX))
    except ValueError:
        return Reason.INTERNAL


def encode_event(event: SessionEvent) -> event_pb2.SessionEvent:  # noqa: C901 - one case an event
    message = event_pb2.SessionEvent(
        session_id=event.session_id,
        sequence=event.sequence,
        attempt=event.attempt,
        previous_durable_sequence=event.previous_durable_sequence,
        processed_until_s=seconds(event.processed_until),
        created_at=_timestamp(event.created_at_ns),
    )
    match event.payload:
        case SessionStarted() as started:
            message.started.CopyFrom(_encode_started(started))
        case NoteRevised(note):
            message.note.CopyFrom(encode_note(note))
        case BarsRevised() | HarmonyRevised() | RhythmLocked():
            _encode_music(message, event.payload)
        case Progressed() as progressed:
            message.progress.CopyFrom(_encode_progress(progressed))
        case CadenceChanged() | RunnerChanged() as change:
            _encode_change(change, message)
        case SeparationChosen() as chosen:
            message.separation.CopyFrom(encode_separation(chosen))
        case GapFound() as gap:
            message.gap.CopyFrom(_encode_gap(gap))
        case SessionEnded() as ended:
            message.ended.CopyFrom(_encode_ended(ended))
        case SessionFailed() as failed:
            message.failed.CopyFrom(_encode_failed(failed))
        case SnapshotTaken() as snapshot:
            message.snapshot.CopyFrom(encode_snapshot(event.session_id, snapshot))
        # Of an UnknownEvent there is nothing to tell but its place.
    return message


def decode_event(message: event_pb2.SessionEvent) -> SessionEvent:
    """What this version does not know becomes an UnknownEvent.

    Raises InvalidInput: those of what it carries; REQUEST_INVALID for what is no event.
    """
    return SessionEvent(
        session_id=message.session_id,
        sequence=message.sequence,
        attempt=message.attempt,
        previous_durable_sequence=message.previous_durable_sequence,
        processed_until=sample_at(message.processed_until_s),
        created_at_ns=message.created_at.ToNanoseconds(),
        payload=_decode_payload(message),
    )


def encode_snapshot(session_id: str, snapshot: SnapshotTaken) -> session_pb2.SessionSnapshot:
    return session_pb2.SessionSnapshot(
        session_id=session_id,
        sequence=snapshot.sequence,
        attempt=snapshot.attempt,
        processed_until_s=seconds(snapshot.processed_until),
        started=None if snapshot.started is None else _encode_started(snapshot.started),
        notes=[encode_note(note) for note in snapshot.notes],
        gaps=[_encode_gap(gap) for gap in snapshot.gaps],
        ended=None if snapshot.ended is None else _encode_ended(snapshot.ended),
        failed=None if snapshot.failed is None else _encode_failed(snapshot.failed),
        bars=[encode_bar(bar) for bar in snapshot.bars],
        chords=[encode_chord(chord) for chord in snapshot.chords],
        keys=[encode_key(key) for key in snapshot.keys],
        separation=None if snapshot.separation is None else encode_separation(snapshot.separation),
        rhythm_locks=[encode_locked(locked) for locked in snapshot.rhythm_locks],
    )


def decode_snapshot(message: session_pb2.SessionSnapshot) -> SnapshotTaken:
    return SnapshotTaken(
        sequence=message.sequence,
        attempt=message.attempt,
        processed_until=sample_at(message.processed_until_s),
        started=_decode_started(message.started) if message.HasField("started") else None,
        notes=tuple(decode_note(note) for note in message.notes),
        gaps=tuple(_decode_gap(gap) for gap in message.gaps),
        ended=_decode_ended(message.ended) if message.HasField("ended") else None,
        failed=_decode_failed(message.failed) if message.HasField("failed") else None,
        bars=tuple(decode_bar(bar) for bar in message.bars),
        chords=tuple(decode_chord(chord) for chord in message.chords),
        keys=tuple(decode_key(key) for key in message.keys),
        separation=decode_separation(message.separation) if message.HasField("separation") else None,
        rhythm_locks=tuple(decode_locked(locked) for locked in message.rhythm_locks),
    )


def _timestamp(unix_ns: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(unix_ns)
    return stamp


def _decode_payload(message: event_pb2.SessionEvent) -> Payload:  # noqa: C901 - one case an event
    match message.WhichOneof("payload"):
        case "started":
            return _decode_started(message.started)
        case "note":
            return NoteRevised(decode_note(message.note))
        case "bars" | "harmony" | "rhythm" as kind:
            return _decode_music(kind, message)
        case "progress":
            return _decode_progress(message.progress)
        case "cadence" | "runner" as kind:
            return _decode_change(kind, message)
        case "separation":
            return decode_separation(message.separation)
        case "gap":
            return _decode_gap(message.gap)
        case "ended":
            return _decode_ended(message.ended)
        case "failed":
            return _decode_failed(message.failed)
        case "snapshot":
            return decode_snapshot(message.snapshot)
        case _:
            return _decode_unknown(message)


def _decode_unknown(message: event_pb2.SessionEvent) -> UnknownEvent:
    if not message.sequence:
        raise InvalidInput(Reason.REQUEST_INVALID, "This is no session event: it has neither a number nor a payload.")
    # Only the first durable event names none before it, and that one is known for good.
    return UnknownEvent(is_durable=message.previous_durable_sequence > 0)


def _encode_music(message: event_pb2.SessionEvent, revised: BarsRevised | HarmonyRevised | RhythmLocked) -> None:
    match revised:
        case BarsRevised():
            message.bars.CopyFrom(encode_bars(revised))
        case HarmonyRevised():
            message.harmony.CopyFrom(encode_harmony(revised))
        case RhythmLocked():
            message.rhythm.CopyFrom(encode_locked(revised))


def _decode_music(kind: str, message: event_pb2.SessionEvent) -> BarsRevised | HarmonyRevised | RhythmLocked:
    if kind == "bars":
        return decode_bars(message.bars)
    return decode_harmony(message.harmony) if kind == "harmony" else decode_locked(message.rhythm)


def _encode_progress(progressed: Progressed) -> session_pb2.Progress:
    duration = progressed.duration
    return session_pb2.Progress(
        received_until_s=seconds(progressed.received_until),
        duration_s=None if duration is None else seconds(duration),
    )


def _decode_progress(message: session_pb2.Progress) -> Progressed:
    duration = sample_at(message.duration_s) if message.HasField("duration_s") else None
    return Progressed(sample_at(message.received_until_s), duration)


def _encode_started(started: SessionStarted) -> session_pb2.SessionStarted:
    return session_pb2.SessionStarted(
        config=encode_config(started.config),
        models=[
            session_pb2.ModelReference(role=model.role, name=model.name, sha256=model.sha256)
            for model in started.models
        ],
        started_at=_timestamp(started.started_at_ns),
        owner=started.owner,
    )


def _decode_started(message: session_pb2.SessionStarted) -> SessionStarted:
    return SessionStarted(
        config=decode_config(message.config),
        models=tuple(ModelReference(model.role, model.name, model.sha256) for model in message.models),
        started_at_ns=message.started_at.ToNanoseconds(),
        owner=message.owner,
    )


def _encode_change(change: CadenceChanged | RunnerChanged, message: event_pb2.SessionEvent) -> None:
    if isinstance(change, CadenceChanged):
        told = session_pb2.CadenceChanged(cadence_s=seconds(change.cadence), cause=change.cause)
        message.cadence.CopyFrom(told)
    else:
        message.runner.CopyFrom(session_pb2.RunnerChanged(runner=change.runner, cause=change.cause))


def _decode_change(kind: str, message: event_pb2.SessionEvent) -> CadenceChanged | RunnerChanged:
    if kind == "cadence":
        return CadenceChanged(sample_at(message.cadence.cadence_s), message.cadence.cause)
    return RunnerChanged(message.runner.runner, message.runner.cause)


def _encode_gap(gap: GapFound) -> session_pb2.Gap:
    return session_pb2.Gap(start_s=seconds(gap.start), end_s=seconds(gap.end), cause=gap.cause)


def _decode_gap(message: session_pb2.Gap) -> GapFound:
    return GapFound(sample_at(message.start_s), sample_at(message.end_s), message.cause)


def _encode_ended(ended: SessionEnded) -> session_pb2.SessionEnded:
    return session_pb2.SessionEnded(reason=_END_REASONS_OUT[ended.reason], duration_s=seconds(ended.duration))


def _decode_ended(message: session_pb2.SessionEnded) -> SessionEnded:
    return SessionEnded(_END_REASONS.get(message.reason, EndReason.CANCELLED), sample_at(message.duration_s))


def _encode_failed(failed: SessionFailed) -> session_pb2.SessionFailed:
    return session_pb2.SessionFailed(
        reason=encode_reason(failed.reason), message=failed.message, duration_s=seconds(failed.duration)
    )


def _decode_failed(message: session_pb2.SessionFailed) -> SessionFailed:
    return SessionFailed(decode_reason(message.reason), message.message, sample_at(message.duration_s))
