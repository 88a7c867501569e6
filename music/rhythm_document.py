"""Bars, chords and keys in the file schema "genesis.transcription/1".

`beats`, `tempo_bpm`, `time_signature`, `key` and `chords` are what most readers want; `bars` and `keys` say all there
is, and are read back by `bars_of`, `chords_of` and `keys_of`. A file with `beats` alone will do. `rhythm` says what of
it a person has decided.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from music.audio import sample_at, seconds
from music.beats import NO_LOCK, Bar, BarState, RhythmLock, TimeSignature
from music.beats_tracking import track_bars
from music.errors import InvalidInput
from music.harmony import ChordSpan, KeySpan
from music.harmony_tracking import harmony_of
from music.json_reading import as_list, as_number, as_object, as_text, as_whole, each, wrong
from music.note import Note
from music.roman import roman_numeral, scale_suggestions

_LONGEST_S = 7 * 24 * 3600.0
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Music:
    """Bars, chords and keys of a piece, each in order."""

    bars: tuple[Bar, ...] = ()
    chords: tuple[ChordSpan, ...] = ()
    keys: tuple[KeySpan, ...] = ()


def final_music(notes: Sequence[Note], duration: int, lock: RhythmLock = NO_LOCK) -> Music:
    """What is found in all the notes of a piece at once: the document that takes the place of what was told live."""
    bars = track_bars(notes, duration, lock)
    chords, keys = harmony_of(notes, bars, duration)
    return Music(bars, tuple(chords), tuple(keys))


def lock_to_json(lock: RhythmLock) -> dict[str, Any]:
    """What a person has decided, by the names under which it is asked for."""
    return {
        "tempo_bpm": lock.tempo_bpm,
        "time_signature": None if lock.signature is None else str(lock.signature),
        "bar_one_s": None if lock.bar_one is None else _time(lock.bar_one),
        "taps_s": [_time(tap) for tap in lock.taps],
    }


def music_to_json(music: Music, lock: RhythmLock = NO_LOCK) -> dict[str, Any]:
    """The fields of a file; `rhythm` among them where a person has decided about the bars."""
    key = main_key(music.keys)
    return {
        **({} if lock == NO_LOCK else {"rhythm": lock_to_json(lock)}),
        "tempo_bpm": tempo_of(music.bars),
        "time_signature": _signature_of(music.bars),
        "beats": [
            {
                "time_s": _time(beat),
                "position": place + 1 + (bar.signature.beats - len(bar.beats) if bar.is_pickup else 0),
                "measure": bar.number,
                "beats_per_bar": bar.signature.beats,
            }
            for bar in music.bars
            for place, beat in enumerate(bar.beats)
        ],
        "key": key or None,
        "chords": [
            {
                "start_s": _time(chord.start),
                "end_s": _time(chord.end),
                "symbol": chord.symbol,
                "confidence": round(chord.confidence, 3),
                "roman": roman_numeral(chord.symbol, key_at(music.keys, chord.start)),
            }
            for chord in music.chords
        ],
        "bars": [
            {
                "number": bar.number,
                "time_signature": str(bar.signature),
                "beats_s": [_time(beat) for beat in bar.beats],
                "end_s": _time(bar.end),
                "tempo_bpm": round(bar.tempo_bpm, 2),
                "confidence": round(bar.confidence, 3),
                "swing": round(bar.swing, 3),
            }
            for bar in music.bars
        ],
        "keys": [
            {
                "start_s": _time(span.start),
                "end_s": _time(span.end),
                "key": span.key,
                "confidence": round(span.confidence, 3),
                "scales": list(scale_suggestions(span.key, _within(music.chords, span))),
            }
            for span in music.keys
        ],
    }


def tempo_of(bars: Sequence[Bar]) -> float | None:
    """Beats a minute over all full bars; None without bars."""
    if not bars:
        return None
    span = sum(bar.end - bar.start for bar in bars)
    return round(sum(bar.tempo_bpm * (bar.end - bar.start) for bar in bars) / span, 2)


def main_key(keys: Sequence[KeySpan]) -> str:
    """The key that lasts longest; "" for none."""
    lasting: Counter[str] = Counter()
    for span in keys:
        if span.key:
            lasting[span.key] += span.end - span.start
    return lasting.most_common(1)[0][0] if lasting else ""


def key_at(keys: Sequence[KeySpan], time: int) -> str:
    """The key at a sample index; "" for none."""
    return next((span.key for span in keys if span.start <= time < span.end), "")


def bars_of(data: object) -> tuple[Bar, ...]:
    """A file's bars, from its `bars` or else its `beats`; none where it has neither.

    Raises:
        InvalidInput: REQUEST_INVALID, naming the place in the file.
    """
    fields = as_object(data, "The file")
    if fields.get("bars"):
        bars = each(fields["bars"], "bars", _bar)
        if any(after.start < before.end for before, after in itertools.pairwise(bars)):
            raise wrong("bars must follow each other in time.")
        # Rounding may leave a sample between two bars.
        return (
            tuple(replace(bar, end=after.start) for bar, after in zip(bars, (*bars[1:], None), strict=True) if after)
            + bars[-1:]
        )
    return _bars_of_beats(each(fields.get("beats"), "beats", _beat), fields.get("time_signature"))


def chords_of(data: object) -> tuple[ChordSpan, ...]:
    """A file's chords. Raises InvalidInput: REQUEST_INVALID."""
    return each(as_object(data, "The file").get("chords"), "chords", _chord)


def keys_of(data: object) -> tuple[KeySpan, ...]:
    """A file's keys. Raises InvalidInput: REQUEST_INVALID."""
    return each(as_object(data, "The file").get("keys"), "keys", _key)


def _signature_of(bars: Sequence[Bar]) -> str | None:
    counted = Counter(str(bar.signature) for bar in bars)
    return counted.most_common(1)[0][0] if counted else None


def _within(chords: Sequence[ChordSpan], span: KeySpan) -> list[str]:
    return [chord.symbol for chord in chords if span.start <= chord.start < span.end]


def _bar(fields: dict[str, Any], place: str) -> Bar:
    beats = [
        sample_at(as_number(beat, f"{place}.beats_s", -60, _LONGEST_S))
        for beat in as_list(fields.get("beats_s"), f"{place}.beats_s")
    ]
    try:
        return Bar(
            number=as_whole(fields.get("number"), f"{place}.number", 0, 1_000_000),
            beats=tuple(beats),
            end=sample_at(as_number(fields.get("end_s"), f"{place}.end_s", -60, _LONGEST_S)),
            signature=TimeSignature.parse(as_text(fields.get("time_signature"), f"{place}.time_signature")),
            confidence=as_number(fields.get("confidence", 0), f"{place}.confidence", 0, 1),
            swing=as_number(fields.get("swing", 0.5), f"{place}.swing", 0, 1),
            state=BarState.COMMITTED,
        )
    except InvalidInput as error:
        raise wrong(f"{place}: {error.message}") from error


def _beat(fields: dict[str, Any], place: str) -> tuple[int, int, int]:
    """Sample index, position in the bar, beats of a full bar."""
    return (
        sample_at(as_number(fields.get("time_s"), f"{place}.time_s", -60, _LONGEST_S)),
        as_whole(fields.get("position"), f"{place}.position", 1, 32),
        as_whole(fields.get("beats_per_bar", 4), f"{place}.beats_per_bar", 1, 32),
    )


def _bars_of_beats(beats: Sequence[tuple[int, int, int]], signature: object) -> tuple[Bar, ...]:
    if len(beats) < 2:
        return ()
    written = None if signature is None else TimeSignature.parse(as_text(signature, "time_signature"))
    begins = [0, *(index for index in range(1, len(beats)) if beats[index][1] == 1)]
    times = [*(time for time, _, _ in beats), 2 * beats[-1][0] - beats[-2][0]]
    bars = []
    number = 1 if beats[0][1] == 1 else 0
    for begin, end in zip(begins, [*begins[1:], len(beats)], strict=True):
        count = beats[begin][2]
        full = written if written is not None and written.beats == count else TimeSignature(count, 4)
        bars.append(Bar(number, tuple(times[begin:end]), times[end], full, 1.0, state=BarState.COMMITTED))
        number += 1
    return tuple(bars)


def _chord(fields: dict[str, Any], place: str) -> ChordSpan:
    start = as_number(fields.get("start_s"), f"{place}.start_s", 0, _LONGEST_S)
    return ChordSpan(
        sample_at(start),
        sample_at(as_number(fields.get("end_s"), f"{place}.end_s", start, _LONGEST_S)),
        as_text(fields.get("symbol"), f"{place}.symbol"),
        as_number(fields.get("confidence", 0), f"{place}.confidence", 0, 1),
    )


def _key(fields: dict[str, Any], place: str) -> KeySpan:
    start = as_number(fields.get("start_s"), f"{place}.start_s", 0, _LONGEST_S)
    return KeySpan(
        sample_at(start),
        sample_at(as_number(fields.get("end_s"), f"{place}.end_s", start, _LONGEST_S)),
        as_text(fields.get("key"), f"{place}.key"),
        as_number(fields.get("confidence", 0), f"{place}.confidence", 0, 1),
    )


def _time(sample: int) -> float:
    return round(seconds(sample), _DIGITS)
