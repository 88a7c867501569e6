"""Domain value ↔ protobuf message. Sample indices become seconds here and nowhere else.

Messages from outside are checked: decoding raises `InvalidInput` with a reason, never a bare ValueError.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from music.audio import sample_at, seconds
from music.errors import InvalidInput, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
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
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    UnknownEvent,
)
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.player import DEFAULT_PLAYER, Player
from music.tuning import DEFAULT_FRETS, TUNINGS, Instrument, Position
from music.window_schedule import WindowSchedule
from wire.gen.genesis.v1 import audio_pb2, error_pb2, event_pb2, instrument_pb2, note_pb2, player_pb2, session_pb2
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

_ENCODINGS = {
    audio_pb2.AUDIO_ENCODING_PCM_S16LE: AudioEncoding.PCM_S16LE,
    audio_pb2.AUDIO_ENCODING_PCM_F32LE: AudioEncoding.PCM_F32LE,
    audio_pb2.AUDIO_ENCODING_CONTAINER: AudioEncoding.CONTAINER,
}
_ENCODINGS_OUT = {value: key for key, value in _ENCODINGS.items()}
_SEPARATIONS = {
    session_pb2.SEPARATION_MODE_UNSPECIFIED: Separation.OFF,
    session_pb2.SEPARATION_MODE_OFF: Separation.OFF,
    session_pb2.SEPARATION_MODE_AUTO: Separation.AUTO,
    session_pb2.SEPARATION_MODE_VOCALS_REMOVED: Separation.VOCALS_REMOVED,
    session_pb2.SEPARATION_MODE_GUITAR: Separation.GUITAR,
}
_SEPARATIONS_OUT = {value: key for key, value in _SEPARATIONS.items()}
_STATES = {
    note_pb2.NOTE_STATE_TENTATIVE: NoteState.TENTATIVE,
    note_pb2.NOTE_STATE_COMMITTED: NoteState.COMMITTED,
    note_pb2.NOTE_STATE_ENDED: NoteState.ENDED,
    note_pb2.NOTE_STATE_RETRACTED: NoteState.RETRACTED,
}
_STATES_OUT = {value: key for key, value in _STATES.items()}
_END_REASONS = {
    session_pb2.END_REASON_COMPLETED: EndReason.COMPLETED,
    session_pb2.END_REASON_CANCELLED: EndReason.CANCELLED,
    session_pb2.END_REASON_DRAINED: EndReason.DRAINED,
}
_END_REASONS_OUT = {value: key for key, value in _END_REASONS.items()}
_REASON_PREFIX = "ERROR_REASON_"


def encode_instrument(instrument: Instrument) -> instrument_pb2.Instrument:
    return instrument_pb2.Instrument(tuning=instrument.tuning, capo=instrument.capo, fret_count=instrument.fret_count)


def decode_instrument(message: instrument_pb2.Instrument) -> Instrument:
    """Raises InvalidInput: TUNING_INVALID, CAPO_INVALID, CONFIG_INVALID."""
    return Instrument(
        tuning=tuple(message.tuning) or TUNINGS["standard"],
        capo=message.capo,
        fret_count=message.fret_count or DEFAULT_FRETS,
    )


def encode_player(player: Player) -> player_pb2.Player:
    return player_pb2.Player(
        difficulty=player.difficulty,
        style=player.style,
        max_stretch=player.max_stretch,
        lowest_fret=player.lowest_fret,
        highest_fret=player.highest_fret,
    )


def decode_player(message: player_pb2.Player) -> Player:
    """Raises InvalidInput: CONFIG_INVALID."""
    return Player(
        difficulty=message.difficulty or DEFAULT_PLAYER.difficulty,
        style=message.style or DEFAULT_PLAYER.style,
        max_stretch=message.max_stretch or DEFAULT_PLAYER.max_stretch,
        lowest_fret=message.lowest_fret or DEFAULT_PLAYER.lowest_fret,
        highest_fret=message.highest_fret or DEFAULT_PLAYER.highest_fret,
    )


def encode_config(config: SessionConfig) -> session_pb2.SessionConfig:
    return session_pb2.SessionConfig(
        audio=audio_pb2.AudioFormat(
            encoding=_ENCODINGS_OUT[config.audio.encoding],
            sample_rate_hz=config.audio.sample_rate_hz,
            channel_count=config.audio.channel_count,
        ),
        instrument=encode_instrument(config.instrument),
        transcriber=config.transcriber,
        separation=_SEPARATIONS_OUT[config.separation],
        session_id=config.session_id,
        player=None if config.player == DEFAULT_PLAYER else encode_player(config.player),
        separation_schedule=_encode_schedule(config.separation_schedule),
    )


def decode_config(message: session_pb2.SessionConfig) -> SessionConfig:
    """Raises InvalidInput: ENCODING_UNSUPPORTED, CONFIG_INVALID and those of `decode_instrument`. Ranges of the audio
    format are the decoder's to check.
    """
    encoding = _ENCODINGS.get(message.audio.encoding)
    if encoding is None:
        names = ", ".join(audio_pb2.AudioEncoding.Name(value) for value in _ENCODINGS)
        raise InvalidInput(Reason.ENCODING_UNSUPPORTED, f"Say how the audio is encoded: one of {names}.")
    separation = _SEPARATIONS.get(message.separation)
    if separation is None:
        raise InvalidInput(Reason.CONFIG_INVALID, f"Unknown separation mode {message.separation}.")
    return SessionConfig(
        audio=AudioFormat(encoding, message.audio.sample_rate_hz, message.audio.channel_count),
        instrument=decode_instrument(message.instrument),
        transcriber=message.transcriber,
        separation=separation,
        session_id=message.session_id,
        player=decode_player(message.player),
        separation_schedule=_decode_schedule(message),
    )


def encode_note(note: Note) -> note_pb2.Note:
    return note_pb2.Note(
        id=note.id,
        state=_STATES_OUT[note.state],
        onset_s=seconds(note.onset),
        offset_s=None if note.offset is None else seconds(note.offset),
        pitch=note.pitch,
        velocity=note.velocity,
        confidence=note.confidence,
        stability=note.stability,
        string=None if note.position is None else note.position.string,
        fret=None if note.position is None else note.position.fret,
        alternatives=[
            note_pb2.Position(string=other.position.string, fret=other.position.fret, cost=other.cost)
            for other in note.alternatives
        ],
        bends=[note_pb2.PitchBend(time_s=seconds(bend.at), semitones=bend.semitones) for bend in note.bends],
        techniques=[
            note_pb2.Technique(
                kind=technique.kind,
                to=technique.to,
                confidence=technique.confidence,
                semitones=technique.semitones,
            )
            for technique in note.techniques
        ],
        flags=note.flags,
        string_evidence=note.string_evidence,
    )


def decode_note(message: note_pb2.Note) -> Note:
    """Raises InvalidInput: REQUEST_INVALID for a note without a state or with a pitch outside 0..127."""
    state = _STATES.get(message.state)
    if state is None:
        raise InvalidInput(Reason.REQUEST_INVALID, f"Note {message.id!r} has no state.")
    if not 0 <= message.pitch <= 127:
        raise InvalidInput(Reason.REQUEST_INVALID, f"Note {message.id!r} has pitch {message.pitch}, not 0 to 127.")
    placed = message.HasField("string") and message.HasField("fret")
    return Note(
        id=message.id,
        state=state,
        onset=sample_at(message.onset_s),
        offset=sample_at(message.offset_s) if message.HasField("offset_s") else None,
        pitch=message.pitch,
        velocity=message.velocity,
        confidence=message.confidence,
        stability=message.stability,
        position=Position(message.string, message.fret) if placed else None,
        alternatives=tuple(
            Alternative(Position(other.string, other.fret), other.cost) for other in message.alternatives
        ),
        bends=tuple(PitchBend(sample_at(bend.time_s), bend.semitones) for bend in message.bends),
        techniques=tuple(map(_decode_technique, message.techniques)),
        flags=tuple(message.flags),
        string_evidence=tuple(message.string_evidence),
    )


def _decode_technique(message: note_pb2.Technique) -> Technique:
    semitones = message.semitones if message.HasField("semitones") else None
    return Technique(message.kind, message.to, message.confidence, semitones)


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
            message.separation.CopyFrom(_encode_separation(chosen))
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
        separation=None if snapshot.separation is None else _encode_separation(snapshot.separation),
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
        separation=_decode_separation(message.separation) if message.HasField("separation") else None,
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
            return _decode_separation(message.separation)
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


def _encode_schedule(schedule: WindowSchedule | None) -> session_pb2.SeparationSchedule | None:
    if schedule is None:
        return None
    return session_pb2.SeparationSchedule(
        window=schedule.window, hop=schedule.hop, fade=schedule.fade, right=schedule.right
    )


def _decode_schedule(message: session_pb2.SessionConfig) -> WindowSchedule | None:
    """Raises InvalidInput: CONFIG_INVALID, the windows do not fit together."""
    if not message.HasField("separation_schedule"):
        return None
    given = message.separation_schedule
    try:
        return WindowSchedule(given.window, given.hop, given.fade, given.right)
    except ValueError as error:
        raise InvalidInput(Reason.CONFIG_INVALID, f"{error}; leave the schedule out.") from None


def _encode_separation(chosen: SeparationChosen) -> session_pb2.SeparationChosen:
    return session_pb2.SeparationChosen(
        separation=_SEPARATIONS_OUT[chosen.separation],
        start_s=seconds(chosen.start),
        cause=chosen.cause,
        latency_s=seconds(chosen.latency),
        voice_share=chosen.voice_share,
    )


def _decode_separation(message: session_pb2.SeparationChosen) -> SeparationChosen:
    return SeparationChosen(
        _SEPARATIONS.get(message.separation, Separation.OFF),
        sample_at(message.start_s),
        message.cause,
        sample_at(message.latency_s),
        message.voice_share if message.HasField("voice_share") else None,
    )


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
