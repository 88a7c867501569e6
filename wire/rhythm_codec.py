"""Bars, chords and keys ↔ their messages. Sample indices become seconds, as everywhere in the codec."""

from __future__ import annotations

from music.audio import sample_at, seconds
from music.beats import Bar, BarState, TimeSignature
from music.errors import InvalidInput, Reason
from music.events import BarsRevised, HarmonyRevised
from music.harmony import ChordSpan, KeySpan
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
        standing=_STANDINGS_OUT[revised.state], bars=[encode_bar(bar) for bar in revised.bars]
    )


def decode_bars(message: rhythm_pb2.BarsRevised) -> BarsRevised:
    """Raises InvalidInput: REQUEST_INVALID."""
    state = _standing(message.standing)
    return BarsRevised(tuple(decode_bar(bar, state) for bar in message.bars), state)


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


def _standing(value: rhythm_pb2.Standing) -> BarState:
    state = _STANDINGS.get(value)
    if state is None:
        raise InvalidInput(Reason.REQUEST_INVALID, "Say whether bars or harmony are tentative or committed.")
    return state
