"""Bars, chords and keys ↔ their messages. Sample indices become seconds, as everywhere in the codec."""

from __future__ import annotations

from music.audio import sample_at, seconds
from music.beats import Bar, BarState, RhythmLock, TimeSignature
from music.errors import InvalidInput, Reason
from music.events import BarsRevised, HarmonyRevised, RhythmLocked
from music.harmony import ChordSpan, KeySpan
from music.rhythm_locks import LONGEST_S, LockRequest, lock_errors
from wire.gen.genesis.v1 import rhythm_pb2

_STANDINGS = {
    rhythm_pb2.STANDING_TENTATIVE: BarState.TENTATIVE,
    rhythm_pb2.STANDING_COMMITTED: BarState.COMMITTED,
}
_STANDINGS_OUT = {value: key for key, value in _STANDINGS.items()}


def encode_bar(bar: Bar) -> rhythm_pb2.Bar:
    return rhythm_pb2.Bar(
        number=bar.number,
        beats_s=[seconds(beat) for beat in bar.beats],
        end_s=seconds(bar.end),
        count=bar.signature.count,
        unit=bar.signature.unit,
        confidence=bar.confidence,
        swing=bar.swing,
    )


def decode_bar(message: rhythm_pb2.Bar, state: BarState = BarState.COMMITTED) -> Bar:
    """Raises InvalidInput: REQUEST_INVALID for beats that do not rise or no time signature."""
    return Bar(
        number=message.number,
        beats=tuple(sample_at(beat_s) for beat_s in message.beats_s),
        end=sample_at(message.end_s),
        signature=TimeSignature(message.count, message.unit),
        confidence=message.confidence,
        swing=message.swing,
        state=state,
    )


def encode_chord(span: ChordSpan) -> rhythm_pb2.ChordSpan:
    return rhythm_pb2.ChordSpan(
        start_s=seconds(span.start), end_s=seconds(span.end), symbol=span.symbol, confidence=span.confidence
    )


def decode_chord(message: rhythm_pb2.ChordSpan) -> ChordSpan:
    return ChordSpan(sample_at(message.start_s), sample_at(message.end_s), message.symbol, message.confidence)


def encode_key(span: KeySpan) -> rhythm_pb2.KeySpan:
    return rhythm_pb2.KeySpan(
        start_s=seconds(span.start), end_s=seconds(span.end), key=span.key, confidence=span.confidence
    )


def decode_key(message: rhythm_pb2.KeySpan) -> KeySpan:
    return KeySpan(sample_at(message.start_s), sample_at(message.end_s), message.key, message.confidence)


def encode_bars(revised: BarsRevised) -> rhythm_pb2.BarsRevised:
    return rhythm_pb2.BarsRevised(
        standing=_STANDINGS_OUT[revised.state],
        bars=[encode_bar(bar) for bar in revised.bars],
        revision=revised.revision,
    )


def decode_bars(message: rhythm_pb2.BarsRevised) -> BarsRevised:
    """Raises InvalidInput: REQUEST_INVALID."""
    state = _standing(message.standing)
    return BarsRevised(tuple(decode_bar(bar, state) for bar in message.bars), state, message.revision)


def encode_harmony(revised: HarmonyRevised) -> rhythm_pb2.HarmonyRevised:
    return rhythm_pb2.HarmonyRevised(
        standing=_STANDINGS_OUT[revised.state],
        chords=[encode_chord(chord) for chord in revised.chords],
        keys=[encode_key(key) for key in revised.keys],
    )


def decode_harmony(message: rhythm_pb2.HarmonyRevised) -> HarmonyRevised:
    """Raises InvalidInput: REQUEST_INVALID."""
    return HarmonyRevised(
        tuple(decode_chord(chord) for chord in message.chords),
        tuple(decode_key(key) for key in message.keys),
        _standing(message.standing),
    )


def encode_lock(lock: RhythmLock) -> rhythm_pb2.RhythmLock:
    signature = lock.signature
    return rhythm_pb2.RhythmLock(
        tempo_bpm=lock.tempo_bpm,
        time_signature=None
        if signature is None
        else rhythm_pb2.TimeSignature(count=signature.count, unit=signature.unit),
        bar_one_s=None if lock.bar_one is None else seconds(lock.bar_one),
        taps_s=[seconds(tap) for tap in lock.taps],
    )


def decode_lock(message: rhythm_pb2.RhythmLock) -> RhythmLock:
    """Raises InvalidInput: RHYTHM_LOCK_INVALID."""
    with lock_errors():
        signature = message.time_signature
        return RhythmLock(
            tempo_bpm=message.tempo_bpm if message.HasField("tempo_bpm") else None,
            signature=TimeSignature(signature.count, signature.unit) if message.HasField("time_signature") else None,
            bar_one=_time(message.bar_one_s) if message.HasField("bar_one_s") else None,
            taps=tuple(_time(tap_s) for tap_s in message.taps_s),
        )


def encode_lock_request(request: LockRequest) -> rhythm_pb2.LockRhythm:
    return rhythm_pb2.LockRhythm(
        lock=encode_lock(request.lock), at_s=None if request.at is None else seconds(request.at)
    )


def decode_lock_request(message: rhythm_pb2.LockRhythm) -> LockRequest:
    """Raises InvalidInput: RHYTHM_LOCK_INVALID."""
    with lock_errors():
        return LockRequest(decode_lock(message.lock), _time(message.at_s) if message.HasField("at_s") else None)


def encode_locked(locked: RhythmLocked) -> rhythm_pb2.RhythmLocked:
    return rhythm_pb2.RhythmLocked(
        lock=encode_lock(locked.lock),
        revision=locked.revision,
        at_s=seconds(locked.at),
        start_s=seconds(locked.start),
    )


def decode_locked(message: rhythm_pb2.RhythmLocked) -> RhythmLocked:
    """Raises InvalidInput: RHYTHM_LOCK_INVALID."""
    return RhythmLocked(
        decode_lock(message.lock), message.revision, sample_at(message.at_s), sample_at(message.start_s)
    )


def _time(time_s: float) -> int:
    # "not <" refuses what is no number too.
    if not 0 <= time_s <= LONGEST_S:
        raise InvalidInput(Reason.REQUEST_INVALID, "A time of a session is a number of seconds, 0 or more.")
    return sample_at(time_s)


def _standing(value: rhythm_pb2.Standing) -> BarState:
    state = _STANDINGS.get(value)
    if state is None:
        raise InvalidInput(Reason.REQUEST_INVALID, "Say whether bars or harmony are tentative or committed.")
    return state
